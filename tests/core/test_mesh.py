"""Who sends to whom where nobody lists the routes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core import mesh
from probe.core.mailbox import Mailbox


def mailboxes(*sizes: int) -> list[Mailbox]:
    """``a0``, ``a1``, ... at provider ``a``, ``b0``, ... at ``b``, and so on."""
    return [
        Mailbox(f"{name}{i}", f"{name}{i}@example.com", name)
        for name, size in zip("abcdefgh", sizes, strict=False)
        for i in range(size)
    ]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((), []),
        ((1,), []),
        ((3,), []),
        ((1, 1), ["a0>b0", "b0>a0"]),
        ((1, 2), ["a0>b0", "a0>b1", "b0>a0", "b1>a0"]),
        ((2, 2), ["a0>b0", "a1>b1", "b0>a0", "b1>a1"]),
        ((2, 3), ["a0>b0", "a1>b1", "a0>b2", "b0>a0", "b1>a1", "b2>a0"]),
        ((1, 1, 1), ["a0>b0", "a0>c0", "b0>a0", "b0>c0", "c0>a0", "c0>b0"]),
    ],
)
def test_providers_are_joined_at_linear_cost(sizes: tuple[int, ...], expected: list[str]) -> None:
    assert [f"{a}>{b}" for a, b in mesh.by_provider(mailboxes(*sizes))] == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((), []), ((1,), []), ((2,), ["a0>a1", "a1>a0"]), ((1, 1), ["a0>b0", "b0>a0"])],
)
def test_all_joins_every_two_mailboxes_both_ways(
    sizes: tuple[int, ...], expected: list[str]
) -> None:
    assert [f"{a}>{b}" for a, b in mesh.all_pairs(mailboxes(*sizes))] == expected


SIZES = st.lists(st.integers(min_value=1, max_value=6), max_size=6)


@given(SIZES)
def test_each_mailbox_sends_to_and_receives_from_every_other_provider(sizes: list[int]) -> None:
    boxes = mailboxes(*sizes)
    home = {box.id: box.provider for box in boxes}
    out = Counter((sender, home[recipient]) for sender, recipient in mesh.by_provider(boxes))
    into = Counter((recipient, home[sender]) for sender, recipient in mesh.by_provider(boxes))
    wanted = {
        (box.id, provider)
        for box in boxes
        for provider in home.values()
        if provider != box.provider
    }
    assert set(out) == wanted
    assert set(into) == wanted


@given(SIZES)
def test_no_route_is_made_twice_or_within_a_provider(sizes: list[int]) -> None:
    boxes = mailboxes(*sizes)
    home = {box.id: box.provider for box in boxes}
    pairs = list(mesh.by_provider(boxes))
    assert len(set(pairs)) == len(pairs)
    assert all(home[sender] != home[recipient] for sender, recipient in pairs)


@given(SIZES)
def test_the_counts_agree_with_what_is_made(sizes: list[int]) -> None:
    boxes = mailboxes(*sizes)
    assert mesh.count_by_provider(boxes) == sum(1 for _ in mesh.by_provider(boxes))
    assert mesh.count_all(boxes) == sum(1 for _ in mesh.all_pairs(boxes))


def test_the_order_of_the_file_does_not_matter_to_the_count() -> None:
    boxes = mailboxes(3, 1, 2)
    assert mesh.count_by_provider(boxes[::-1]) == mesh.count_by_provider(boxes) == 2 * (3 + 2 + 3)
