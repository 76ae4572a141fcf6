"""Any cut of the octets gives the same responses; no octets raise but the typed error."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.transport.imap import parse, reader
from probe.transport.imap.reader import ProtocolError, Reader

STREAM = (
    b"* OK hi {5}\r\n"
    b"* 7 EXISTS\r\n"
    b'* 1 FETCH (UID 1 BODY[HEADER] {12}\r\nSubject: x\r\n X "y" NIL)\r\n'
    b"* 2 FETCH (BODY[] {0}\r\n Z ~{4}\r\n\x00\r\n) BODY[TEXT] {3+}\r\na\nb)\r\n"
    b"T1 OK done {3}\n"
    b"+ go {3}\r\n"
)
RESPONSES = [
    (b"* OK hi {5}",),
    (b"* 7 EXISTS",),
    (b"* 1 FETCH (UID 1 BODY[HEADER] ", b"Subject: x\r\n", b' X "y" NIL)'),
    (b"* 2 FETCH (BODY[] ", b"", b" Z ", b"\x00\r\n)", b" BODY[TEXT] ", b"a\nb", b")"),
    (b"T1 OK done {3}",),
    (b"+ go {3}",),
]


def read_all(*packets: bytes) -> list[reader.Response]:
    made = Reader()
    return [response for packet in packets for response in made.feed(packet)]


def test_text_and_literals_alternate() -> None:
    assert read_all(STREAM) == RESPONSES


def test_one_octet_at_a_time_is_as_good() -> None:
    assert read_all(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == RESPONSES


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_cut_gives_the_same_responses(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    packets = [STREAM[a:b] for a, b in pairwise(places)]
    assert read_all(*packets) == RESPONSES


TRICKY = st.sampled_from(
    [b"* ", b"1 ", b"FETCH (", b"{3}\r\n", b'"', b"\\", b")", b"(", b"\r\n", b"\n", b"NIL", b"[",
     b"]", b"UID ", b"OK ", b"T1 ", b"+", b"~{0}\r\n", b"SEARCH ", b"LIST ", b"\xff", b"\x00",
     b"VANISHED ", b"CAPABILITY ", b"4294967296", b"BODY[HEADER]<0> "]
)  # fmt: skip


@given(st.lists(st.one_of(TRICKY, st.binary(max_size=8)), max_size=40).map(b"".join))
def test_junk_never_raises_anything_but_the_protocol_error(octets: bytes) -> None:
    made = Reader()
    try:
        for response in made.feed(octets):
            said = parse.read(response)
            if isinstance(said, parse.Fetch):
                _ = said.internal_date, said.section("HEADER"), said.uid
    except ProtocolError:
        pass


@given(st.binary(max_size=200))
def test_a_literal_may_hold_anything(octets: bytes) -> None:
    [response] = read_all(b"* 1 FETCH (BODY[HEADER] {%d}\r\n" % len(octets) + octets + b")\r\n")
    fetch = parse.read(response)
    assert isinstance(fetch, parse.Fetch)
    assert fetch.section("HEADER") == octets


@pytest.mark.parametrize(
    "octets",
    [
        b"* x" + b"x" * reader.MAX_LINE,
        b"* 1 FETCH (BODY[] {%d}\r\n" % (reader.MAX_LITERAL + 1),
        b"* 1 FETCH (BODY[] {99999999999999999999}\r\n",
        b"".join(
            [b"* 1 FETCH (A {%d}\r\n" % reader.MAX_LITERAL + b"x" * reader.MAX_LITERAL] * 1
            + [b" B {%d}\r\n" % reader.MAX_LITERAL + b"x" * reader.MAX_LITERAL] * 2
        ),
    ],
    ids=["line", "literal", "absurd literal", "many literals"],
)
def test_more_than_we_take_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_all(octets)


def test_a_line_without_end_is_refused_before_it_is_all_here() -> None:
    made = Reader()
    packets = [b"x" * 100_000] * 20
    with pytest.raises(ProtocolError):
        list(map(list, map(made.feed, packets)))


def test_a_literal_of_the_largest_size_is_taken() -> None:
    octets = b"x" * reader.MAX_LITERAL
    [response] = read_all(b"* 1 FETCH (BODY[] {%d}\r\n" % len(octets), octets, b")\r\n")
    assert response[1] == octets
