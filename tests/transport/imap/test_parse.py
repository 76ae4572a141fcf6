"""Responses as facts, row by row."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from probe.transport.imap import parse
from probe.transport.imap.parse import (
    Capability,
    Continuation,
    Exists,
    Expunge,
    Fetch,
    Listed,
    Other,
    Search,
    Status,
    Tagged,
    Vanished,
)
from probe.transport.imap.reader import ProtocolError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"* 7 EXISTS", Exists(7)),
        (b"* 7 exists", Exists(7)),
        (b"* 3 EXPUNGE", Expunge(3)),
        (b"* 0 RECENT", Other("RECENT")),
        (b"* VANISHED 4,6:9", Vanished(5)),
        (b"* VANISHED 1:4294967295", Vanished(4294967295)),
        (b"* VANISHED (EARLIER) 1:5", Other("VANISHED")),
        (b"* SEARCH", Search(())),
        (b"* SEARCH ", Search(())),
        (b"* SEARCH 3 1 2", Search((3, 1, 2))),
        (b"* SEARCH 3 1 (MODSEQ 917162500)", Search((3, 1))),
        (b"* CAPABILITY imap4rev1 Idle", Capability(frozenset({"IMAP4REV1", "IDLE"}))),
        (b"* FLAGS (\\Seen)", Other("FLAGS")),
        (b"* NO-SUCH-THING", Other("NO-SUCH-THING")),
        (b"* OK [UIDNEXT 4] next", Status("OK", "UIDNEXT", "4", "[UIDNEXT 4] next")),
        (b"* OK still here", Status("OK", "", "", "still here")),
        (b"* OK", Status("OK", "", "", "")),
        (b"* bye [OverQuota] enough", Status("BYE", "OVERQUOTA", "", "[OverQuota] enough")),
        (b"+", Continuation(b"")),
        (b"+ idling", Continuation(b"idling")),
        (b"T1 OK", Tagged("T1", Status("OK", "", "", ""))),
        (b"T1 no [ALERT] x", Tagged("T1", Status("NO", "ALERT", "", "[ALERT] x"))),
    ],
)
def test_a_line_says(line: bytes, said: object) -> None:
    assert parse.read((line,)) == said


@pytest.mark.parametrize(
    ("line", "flags", "delimiter", "wire", "name"),
    [
        (b'* LIST (\\HasNoChildren \\Junk) "/" [Gmail]/Spam', {"\\hasnochildren", "\\junk"}, "/",
         "[Gmail]/Spam", "[Gmail]/Spam"),
        (b'* LIST () "." "INBOX.Courrier ind&AOk-sirable"', set(), ".",
         "INBOX.Courrier ind&AOk-sirable", "INBOX.Courrier indésirable"),
        (b"* LIST (\\Noselect) NIL x", {"\\noselect"}, "", "x", "x"),
        (b'* LIST () "\\\\" "a\\"b"', set(), "\\", 'a"b', 'a"b'),
        (b'* LIST () "/" NIL', set(), "/", "NIL", "NIL"),
        (b'* LIST () "/" "\xc3\xa9"', set(), "/", "é", "é"),
        (b'* LIST () "/" Junk ("OLDNAME" ("x"))', set(), "/", "Junk", "Junk"),
    ],
)  # fmt: skip
def test_N4_a_folder_is_listed(  # noqa: N802 - the row's id
    line: bytes, flags: set[str], delimiter: str, wire: str, name: str
) -> None:
    listed = parse.read((line,))
    assert listed == Listed(frozenset(flags), delimiter, wire)
    assert isinstance(listed, Listed)
    assert listed.name == name


def test_a_folder_name_may_be_a_literal() -> None:
    listed = parse.read((b'* LIST () "/" ', b'Junk "mail"', b""))
    assert listed == Listed(frozenset(), "/", 'Junk "mail"')


@pytest.mark.parametrize(
    ("response", "items"),
    [
        (
            [b'* 1 FETCH (UID 1 ENVELOPE (NIL "a ( b" NIL))'],
            {"UID": b"1", "ENVELOPE": [None, b"a ( b", None]},
        ),
        ([b'* 1 FETCH (UID 1 BODY[TEXT] "a * b")'], {"UID": b"1", "BODY[TEXT]": b"a * b"}),
        (
            [b"* 1 FETCH (BODY[HEADER.FIELDS (TO CC)]<0> ", b"x", b" UID 9)"],
            {"BODY[HEADER.FIELDS (TO CC)]": b"x", "UID": b"9"},
        ),
        ([b"* 1 FETCH (X-GM-LABELS (\\Inbox) UID 2)"], {"X-GM-LABELS": [b"\\Inbox"], "UID": b"2"}),
        ([b"* 1 FETCH (FLAGS () MODSEQ (12))"], {"FLAGS": [], "MODSEQ": [b"12"]}),
        ([b"* 1 FETCH (BODY[] NIL)"], {"BODY[]": None}),
        ([b"* 1 FETCH (UID 1 ) "], {"UID": b"1"}),
    ],
    ids=["P5", "P6", "section", "labels", "modseq", "nil", "blanks"],
)
def test_a_fetch_is_read_item_by_item(response: Sequence[bytes], items: object) -> None:
    fetch = parse.read(tuple(response))
    assert isinstance(fetch, Fetch)
    assert fetch.items == items


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (b" 7-Feb-1994 22:43:04 -0800", datetime(1994, 2, 8, 6, 43, 4, tzinfo=UTC)),
        (b"17-Jul-2026 02:44:25 +0000", datetime(2026, 7, 17, 2, 44, 25, tzinfo=UTC)),
    ],
)
def test_internaldate_is_read_with_its_zone(written: bytes, moment: datetime) -> None:
    assert Fetch(1, {"INTERNALDATE": written}).internal_date == moment.timestamp()


@pytest.mark.parametrize("written", [b"", b"yesterday", b"31-Feb-2026 00:00:00 +0000", b"\xff"])
def test_an_internaldate_that_is_none_is_none(written: bytes) -> None:
    assert Fetch(1, {"INTERNALDATE": written}).internal_date is None


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 400 Bad Request",
        b"* \xff\xfe\x00 FETCH",
        b"*",
        b"* ",
        b"T1 MAYBE",
        b"OK",
        b"* 4294967296 EXISTS",
        b"* SEARCH 1 x",
        b"* SEARCH 4294967296",
        b"* VANISHED x",
        b"* VANISHED 1:",
        b'* LIST () "/"',
        b"* LIST x y z",
        b"* LIST (()) x z",
        b"* 1 FETCH",
        b"* 1 FETCH (UID)",
        b"* 1 FETCH (UID 1",
        b"* 1 FETCH (UID 1))",
        b'* 1 FETCH (UID "1)',
        b"* 1 FETCH UID 1",
        b"* 1 FETCH ((UID) 1)",
    ],
)
def test_what_is_not_imap_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse.read((line,))


def test_a_uid_that_is_no_number_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        _ = Fetch(1, {"UID": b"x"}).uid


def test_hostile_brackets_and_quotes_take_linear_time() -> None:
    """Seconds per megabyte would be quadratic; pytest's own limit is the guard."""
    for hostile in (b"[" * 500_000, b'"' + b"\\a" * 250_000, b"[]" * 250_000, b"a[" * 250_000):
        with pytest.raises(ProtocolError):
            parse.read((b"* 1 FETCH (" + hostile,))
