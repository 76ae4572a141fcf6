"""Sets of numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transport.imap import sequences
from probe.transport.imap.reader import ProtocolError

NUMBERS = st.sets(st.integers(1, 60), min_size=1)


@pytest.mark.parametrize(
    ("numbers", "written"),
    [([5], "5"), ([1, 2, 3, 5], "1:3,5"), ([9, 1], "1,9"), ([4, 4, 5], "4:5")],
)
def test_neighbours_are_joined(numbers: list[int], written: str) -> None:
    assert sequences.write(numbers) == written


@given(NUMBERS)
def test_a_set_names_exactly_its_numbers(numbers: set[int]) -> None:
    named: set[int] = set()
    for item in sequences.write(numbers).split(","):
        first, _, last = item.partition(":")
        named.update(range(int(first), int(last or first) + 1))
    assert named == numbers
    assert sequences.size(sequences.write(numbers).encode()) == len(numbers)


@pytest.mark.parametrize(
    "octets", [b"", b"x", b"1:", b":1", b"1,,2", b"-1", b"4294967296", b"1:*"]
)
def test_what_is_no_set_is_a_protocol_error(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        sequences.size(octets)
