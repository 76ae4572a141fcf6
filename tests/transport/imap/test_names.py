"""Names on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transport.imap import names
from probe.transport.imap.tokens import tree

READABLE = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", "INBOX"),
        ("Courrier indésirable", "Courrier ind&AOk-sirable"),
        ("mail/台北/日本語", "mail/&U,BTFw-/&ZeVnLIqe-"),  # after RFC 3501 §5.1.3
        ("R&D", "R&-D"),
        ("&é&", "&-&AOk-&-"),
        ("📬", "&2D3c7A-"),
    ],
)
def test_modified_utf7_both_ways(name: str, wire: str) -> None:
    assert names.encode(name) == wire
    assert names.decode(wire) == name


@given(READABLE)
def test_every_name_comes_back(name: str) -> None:
    wire = names.encode(name)
    assert wire.isascii()
    assert names.decode(wire) == name


@given(st.text(max_size=40))
def test_anything_can_be_decoded(wire: str) -> None:
    names.decode(wire)


@pytest.mark.parametrize("wire", ["&AOk", "&AO-", "&!!-", "&2D0-", "é"])
def test_what_is_not_modified_utf7_is_left_as_it_is(wire: str) -> None:
    assert names.decode(wire) == wire


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\n")))
def test_a_quoted_name_is_read_back(name: str) -> None:
    assert tree((names.quote(name).encode(),), 0) == [name.encode()]


@pytest.mark.parametrize("name", ["a\rb", "a\nb", "a\0b"])
def test_a_name_that_no_quotes_can_hold_is_refused(name: str) -> None:
    assert not names.quotable(name)
    with pytest.raises(ValueError, match="cannot be sent"):
        names.quote(name)
