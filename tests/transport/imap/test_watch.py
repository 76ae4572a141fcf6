"""The watch as a whole, on a scripted server: what it tells, when, and what it sends."""

import asyncio

import pytest

from probe.config.settings import FolderRule
from probe.core.mailbox import Folder
from probe.core.observation import (
    Arrived,
    FolderFound,
    FolderMissing,
    Look,
    Verified,
    WatchCause,
    WatchLost,
)
from probe.transport.imap import schedule
from probe.transport.imap.reading import BATCH
from tests.transport.imap.scripted import (
    OK,
    Peer,
    Script,
    close,
    hang,
    scripted,
    until_done,
)
from tests.transport.imap.world import HASTY, bookmark, endpoint, now, watching

INBOX_ONLY = {"LIST": [b'* LIST () "/" INBOX\r\n', OK]}
MARKS = {Folder.INBOX: bookmark(), Folder.JUNK: bookmark(Folder.JUNK)}
IDLING = b"+ idling\r\n"


def header(uid: int, *, number: int | None = None, text: bytes = b"Subject: x\r\n\r\n") -> bytes:
    """One answer to a FETCH of headers."""
    return (
        (
            b'* %d FETCH (UID %d INTERNALDATE "17-Jul-2026 02:44:25 +0000"'
            b" BODY[HEADER]<0> {%d}\r\n" % (number or uid, uid, len(text))
        )
        + text
        + b")\r\n"
    )


class Box:
    """An INBOX that grows, for scripts that need more than one answer."""

    def __init__(self, *uids: int) -> None:
        self.uids = list(uids)
        self.texts: dict[int, bytes] = {}

    async def examine(self, peer: Peer) -> None:
        opened = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n"
        await peer.say(opened % (len(self.uids), max(self.uids, default=0) + 1) + OK)

    async def search(self, peer: Peer) -> None:
        wanted = peer.line.rsplit(b" ", 1)[1]
        first = int(wanted.partition(b":")[0]) if b":" in wanted else 0
        found = [uid for uid in self.uids if uid >= first] or self.uids[-1:]
        await peer.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in found) + b"\r\n" + OK)

    async def fetch(self, peer: Peer) -> None:
        for uid in self._asked(peer.line.split(b" ")[2]):
            number = self.uids.index(uid) + 1
            await peer.say(header(uid, number=number, text=self.texts.get(uid, b"A: b\r\n\r\n")))
        await peer.say(OK)

    def _asked(self, wanted: bytes) -> list[int]:
        asked: set[int] = set()
        for item in wanted.split(b","):
            first, _, last = item.partition(b":")
            asked.update(range(int(first), int(last or first) + 1))
        return [uid for uid in self.uids if uid in asked]

    @property
    def script(self) -> Script:
        return {
            **INBOX_ONLY,
            "EXAMINE": [self.examine],
            "UID SEARCH": [self.search],
            "UID FETCH": [self.fetch],
        }


async def end(script: Script) -> WatchLost:
    """What ends a watch."""
    async with scripted(script) as server, watching(endpoint(server.port)) as watched:
        with pytest.raises(WatchLost) as caught:
            await watched.until(lambda _: False)
        await server.gone.wait()
    return caught.value


# --- the beginning ---------------------------------------------------------------------


async def test_it_tells_its_folders_then_what_is_read() -> None:
    async with scripted() as server, watching(endpoint(server.port), bookmarks=MARKS) as watched:
        await watched.until_verified()
    inbox, junk, junk_read, inbox_read = watched.seen
    assert isinstance(inbox, FolderFound)
    assert (inbox.folder, inbox.how) == (Folder.INBOX, "inbox")
    assert isinstance(junk, FolderFound)
    assert (junk.folder, junk.name, junk.how) == (Folder.JUNK, "Junk", "special-use")
    assert isinstance(junk_read, Verified)
    assert junk_read.bookmark.folder is Folder.JUNK
    assert isinstance(inbox_read, Verified)
    assert inbox_read.bookmark.folder is Folder.INBOX


async def test_a_first_watch_starts_after_the_mail_that_is_there() -> None:
    box = Box(1, 2, 9)
    async with scripted(box.script) as server, watching(endpoint(server.port)) as watched:
        verified = await watched.until_verified()
    assert (verified.bookmark.uid, verified.bookmark.uidvalidity) == (9, 7)
    assert server.count(b"UID FETCH") == 0
    assert server.count(b"UID SEARCH") == 0


async def test_a_first_watch_reads_recent_mail_if_something_is_expected_already() -> None:
    box = Box(8, 9)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), expecting=lambda _: 1_790_000_000.0) as watched,
    ):
        await watched.until_verified()
    assert [one.ref.uid for one in watched.of(Arrived)] == [8, 9]
    assert b"UID SEARCH SINCE 20-Sep-2026" in server.received


async def test_a_server_that_tells_no_uidnext_is_asked_for_its_last_message() -> None:
    script: Script = {
        **INBOX_ONLY,
        "EXAMINE": [b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n", OK],
        "UID SEARCH": [b"* SEARCH 12\r\n", OK],
    }
    async with scripted(script) as server, watching(endpoint(server.port)) as watched:
        verified = await watched.until_verified()
    assert verified.bookmark.uid == 12
    assert b"UID SEARCH UID *" in server.received


async def test_a_bookmark_at_zero_reads_everything_in_batches() -> None:
    box = Box(*range(1, 2 * BATCH + 2))
    mark = bookmark(uid=0, uidvalidity=0)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), bookmarks={Folder.INBOX: mark}) as watched,
    ):
        verified = await watched.until_verified()
    assert [one.ref.uid for one in watched.of(Arrived)] == box.uids
    assert server.count(b"UID FETCH") == 3
    assert verified.bookmark.uid == box.uids[-1]
    assert verified.bookmark.uidvalidity == 7


async def test_only_what_is_after_the_bookmark_is_reported() -> None:
    """``4:*`` means the last message, if there is none after it (RFC 9051 §9)."""
    box = Box(1, 3)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), bookmarks=MARKS) as watched,
    ):
        await watched.until_verified()
    assert watched.of(Arrived) == []
    assert server.count(b"UID FETCH") == 0


async def test_a_renumbered_folder_is_read_from_the_day_before_the_last_reading() -> None:
    box = Box(1, 2)
    mark = bookmark(uidvalidity=6, uid=900, verified_at=1_790_000_000.0)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), bookmarks={Folder.INBOX: mark}) as watched,
    ):
        verified = await watched.until_verified()
    assert b"UID SEARCH SINCE 20-Sep-2026" in server.received
    arrived = watched.of(Arrived)
    assert [one.ref.uid for one in arrived] == [1, 2]
    assert {one.ref.uidvalidity for one in arrived} == {7}
    assert {one.not_before for one in arrived} == {None}
    assert (verified.bookmark.uid, verified.bookmark.uidvalidity) == (2, 7)


# --- arrival ---------------------------------------------------------------------------


async def test_a_message_found_by_a_sweep_was_not_there_at_the_last_reading() -> None:
    box = Box(3, 4)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), bookmarks=MARKS) as watched,
    ):
        arrived = await watched.until_kind(Arrived)
    assert arrived.not_before == 1000.0
    assert arrived.internal_date == 1784256265.0
    assert arrived.header == b"A: b\r\n\r\n"
    assert arrived.body is None


async def test_a_message_is_visible_from_the_moment_of_its_push_not_of_its_fetch() -> None:
    """Two pushes before anybody fetches, and an expunge that moves the numbers between."""
    box = Box(3)
    clock = Clock()

    async def push(peer: Peer) -> None:
        await peer.say(IDLING)
        clock.moment = 2000.0
        await clock.asked()
        clock.moment = 2010.0
        await peer.say(b"* 2 EXISTS\r\n")
        await until_done(peer)

    async def done_late(peer: Peer) -> None:
        """More comes while the server answers the next command."""
        clock.moment = 2020.0
        await peer.say(b"* 3 EXISTS\r\n* 1 EXPUNGE\r\n")
        box.uids = [4, 5]
        clock.moment = 2030.0
        await peer.say(OK)

    script = {**box.script, "IDLE": [push], "NOOP": [done_late]}
    async with (
        scripted(script) as server,
        watching(endpoint(server.port), bookmarks=MARKS, clock=clock, poll=1e6) as watched,
    ):
        first = await watched.until_kind(Arrived)
        second = await watched.until_kind(Arrived)
    assert (first.ref.uid, first.at, first.not_before) == (4, 2010.0, 2010.0)
    assert second.ref.uid == 5
    assert second.at in (2020.0, 2030.0)  # the two packets may be read as one
    assert second.not_before == 1000.5


class Clock:
    """A clock that stands until it is set, and tells when it was read."""

    def __init__(self, moment: float = 1000.5) -> None:
        self.moment = moment
        self._read = asyncio.Event()

    def __call__(self) -> float:
        self._read.set()
        return self.moment

    async def asked(self) -> None:
        """Wait until somebody has read the new time."""
        self._read.clear()
        await self._read.wait()


async def test_a_push_before_the_plus_wakes_the_watch() -> None:
    box = Box(3)

    async def early(peer: Peer) -> None:
        box.uids = [3, 4]
        await peer.say(b"* 2 EXISTS\r\n" + IDLING)
        await until_done(peer)

    async with (
        scripted({**box.script, "IDLE": [early]}) as server,
        watching(endpoint(server.port), bookmarks=MARKS, poll=1e6) as watched,
    ):
        arrived = await watched.until_kind(Arrived)
    assert arrived.ref.uid == 4
    assert arrived.not_before is not None
    assert arrived.not_before < arrived.at


async def test_an_idle_that_pushes_nothing_is_found_out_by_the_poll() -> None:
    box = Box(3)

    async def mute(peer: Peer) -> None:
        box.uids = [3, 4]
        await peer.say(IDLING)
        await until_done(peer)

    async with (
        scripted({**box.script, "IDLE": [mute]}) as server,
        watching(endpoint(server.port), bookmarks=MARKS, poll=0.2) as watched,
    ):
        arrived = await watched.until_kind(Arrived)
    assert arrived.not_before is not None
    assert arrived.not_before < arrived.at
    assert server.count(b"NOOP") >= 1


async def test_a_server_without_idle_is_polled_with_noop() -> None:
    box = Box(3)
    polled = 0

    async def noop(peer: Peer) -> None:
        nonlocal polled
        polled += 1
        if polled == 2:
            box.uids.append(4)
        await peer.say(OK)

    capability = [b"* CAPABILITY IMAP4rev1\r\n", OK]
    script = {**box.script, "CAPABILITY": capability, "NOOP": [noop]}
    async with (
        scripted(script) as server,
        watching(endpoint(server.port), bookmarks=MARKS, poll=0.05) as watched,
    ):
        arrived = await watched.until_kind(Arrived)
    assert arrived.ref.uid == 4
    assert server.count(b"IDLE") == 0


async def test_c7_an_idle_is_renewed_by_itself_and_verifies_again() -> None:
    async with (
        scripted(INBOX_ONLY) as server,
        watching(endpoint(server.port), poll=1e6, idle_renewal=0.1) as watched,
    ):
        verified = [await watched.until_verified() for _ in range(3)]
    assert server.count(b"IDLE") >= 2
    assert server.count(b"DONE") >= 2
    moments = [one.bookmark.verified_at for one in verified]
    assert moments == sorted(set(moments))


async def test_a_server_that_ends_every_idle_at_once_is_not_asked_in_a_circle() -> None:
    script = {**INBOX_ONLY, "IDLE": [IDLING, OK]}
    async with scripted(script) as server, watching(endpoint(server.port), poll=0.1) as watched:
        for _ in range(6):
            await watched.until_verified()
    assert server.count(b"IDLE") <= 1 + server.count(b"NOOP") // 2


async def test_the_body_is_fetched_of_what_looks_like_a_report_and_of_nothing_else() -> None:
    box = Box(3, 4, 5)
    box.texts[5] = b"Content-Type: multipart/report\r\n\r\n"

    async def fetch(peer: Peer) -> None:
        if b"BODY.PEEK[]" in peer.line:
            await peer.say(b"* 3 FETCH (UID 5 BODY[]<0> {5}\r\nwhole)\r\n" + OK)
        else:
            await box.fetch(peer)

    async with (
        scripted({**box.script, "UID FETCH": [fetch]}) as server,
        watching(endpoint(server.port), bookmarks=MARKS) as watched,
    ):
        await watched.until_verified()
    assert [(one.ref.uid, one.body) for one in watched.of(Arrived)] == [(4, None), (5, b"whole")]
    assert b"UID FETCH 5 (UID BODY.PEEK[]<0.262144>)" in server.received


async def test_a_message_that_the_server_cannot_read_hides_no_other() -> None:
    box = Box(3, 4, 5, 6)

    async def fetch(peer: Peer) -> None:
        if 5 in box._asked(peer.line.split(b" ")[2]):
            await peer.say(b"TAG NO [SERVERBUG] message 5 is broken\r\n")
        else:
            await box.fetch(peer)

    async with (
        scripted({**box.script, "UID FETCH": [fetch]}) as server,
        watching(endpoint(server.port), bookmarks=MARKS) as watched,
    ):
        verified = await watched.until_verified()
    assert [one.ref.uid for one in watched.of(Arrived)] == [4, 6]
    assert verified.bookmark.uid == 6


async def test_nothing_is_ever_fetched_but_with_peek_and_only_examined() -> None:
    box = Box(3, 4)
    async with (
        scripted(box.script) as server,
        watching(endpoint(server.port), bookmarks=MARKS) as watched,
    ):
        await watched.until_verified()
    fetches = [said for said in server.received if b"FETCH" in said]
    assert fetches
    assert all(b"BODY.PEEK[" in said for said in fetches)
    assert server.count(b"SELECT") + server.count(b"UID STORE") == 0


# --- junk ------------------------------------------------------------------------------


async def test_a_look_reads_inbox_and_junk_after_it_was_asked_for() -> None:
    async with scripted() as server, watching(endpoint(server.port), poll=1e6) as watched:
        await watched.until_verified()
        asked = now()
        watched.errands.put_nowait(Look())
        answers = [await watched.until_verified(folder) for folder in (Folder.INBOX, Folder.JUNK)]
    assert all(answer.bookmark.verified_at >= asked for answer in answers)


@pytest.mark.parametrize("expected", [True, False])
async def test_junk_is_read_unasked_while_something_is_expected(
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("FIRST_LOOK", "LONGEST_GAP", "GLANCE"):
        monkeypatch.setattr(schedule, name, 0.02)
    since = now() if expected else None
    async with (
        scripted() as server,
        watching(endpoint(server.port), poll=0.1, expecting=lambda _: since) as watched,
    ):
        for _ in range(5):
            await watched.until_verified()
    assert (server.count(b'EXAMINE "Junk"') > 1) is expected


async def test_inbox_is_read_before_and_after_junk_so_that_the_gap_stays_small() -> None:
    async with (
        scripted() as server,
        watching(endpoint(server.port), bookmarks=MARKS, poll=1e6) as watched,
    ):
        await watched.until_verified()
        before = len(server.received)
        watched.errands.put_nowait(Look())
        for folder in (Folder.INBOX, Folder.JUNK, Folder.INBOX):
            await watched.until_verified(folder)
    round_trip = [said.split(b" UID")[0] for said in server.received[before:]]
    start = round_trip.index(b"NOOP")
    assert round_trip[start : start + 6] == [
        b"NOOP",
        b"UID SEARCH",
        b'EXAMINE "Junk"',
        b"UID SEARCH",
        b'EXAMINE "INBOX"',
        b"UID SEARCH",
    ]


async def test_without_junk_folder_it_is_missing_and_inbox_is_watched() -> None:
    async with scripted(INBOX_ONLY) as server, watching(endpoint(server.port)) as watched:
        await watched.until_verified()
    [missing] = watched.of(FolderMissing)
    assert missing.folder is Folder.JUNK
    assert "'INBOX'" in missing.detail


async def test_a_junk_folder_that_appears_later_is_found_by_a_look() -> None:
    lists = iter([b"", b'* LIST (\\Junk) "/" Junk\r\n'])

    async def grow(peer: Peer) -> None:
        await peer.say(b'* LIST () "/" INBOX\r\n' + next(lists) + OK)

    async with scripted({"LIST": [grow]}) as server, watching(endpoint(server.port)) as watched:
        await watched.until_verified()
        watched.errands.put_nowait(Look())
        verified = await watched.until_verified(Folder.JUNK)
    assert verified.bookmark.name == "Junk"
    assert [found.folder for found in watched.of(FolderFound)] == [Folder.INBOX, Folder.JUNK]


async def test_absent_by_config_is_told_once_and_not_looked_for() -> None:
    rule = FolderRule(absent=True)
    async with scripted() as server, watching(endpoint(server.port), junk=rule) as watched:
        await watched.until_verified()
        watched.errands.put_nowait(Look())
        await watched.until_verified()
        await watched.until_verified()
    [missing] = watched.of(FolderMissing)
    assert missing.absent_by_config
    assert server.count(b"LIST") == 1


async def test_a_junk_folder_that_cannot_be_opened_does_not_cost_us_inbox() -> None:
    async def examine(peer: Peer) -> None:
        is_junk = b"Junk" in peer.line
        box = Box(3)
        await (peer.say(b"TAG NO [NOPERM] keep out\r\n") if is_junk else box.examine(peer))

    async with (
        scripted({"EXAMINE": [examine]}) as server,
        watching(endpoint(server.port)) as watched,
    ):
        await watched.until_verified()
    [missing] = watched.of(FolderMissing)
    assert "keep out" in missing.detail


async def test_special_uses_are_asked_for_where_lines_do_not_carry_them() -> None:
    async def listing(peer: Peer) -> None:
        asked = b"RETURN (SPECIAL-USE)" in peer.line
        junk = b'* LIST (\\Junk) "/" Kram\r\n' if asked else b'* LIST () "/" Kram\r\n'
        await peer.say(junk + OK)

    offered = [b"* CAPABILITY IMAP4rev1 IDLE SPECIAL-USE LIST-EXTENDED\r\n", OK]
    script: Script = {"LIST": [listing], "CAPABILITY": offered}
    async with scripted(script) as server, watching(endpoint(server.port)) as watched:
        await watched.until_verified()
    assert watched.of(FolderFound)[1].name == "Kram"


# --- the end ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "cause", "says"),
    [
        ({"EXAMINE": [b"TAG NO [NOPERM] keep out\r\n"]}, WatchCause.REFUSED, "keep out"),
        ({"EXAMINE": [b"TAG BAD User is authenticated but not connected.\r\n"]},
         WatchCause.REFUSED, "not connected"),
        ({"EXAMINE": [b"* 1 EXISTS\r\n", OK]}, WatchCause.PROTOCOL, "UIDVALIDITY"),
        ({"LIST": [b"TAG NO [UNAVAILABLE] later\r\n"]}, WatchCause.THROTTLED, "later"),
        ({"IDLE": [IDLING, b"* BYE timeout\r\n", close]}, WatchCause.CLOSED, "timeout"),
        ({"IDLE": [b"TAG NO nope\r\n"]}, WatchCause.REFUSED, "nope"),
        ({"IDLE": [IDLING, close]}, WatchCause.CLOSED, "closed the connection"),
        ({"LOGIN": [b"TAG NO [AUTHENTICATIONFAILED] x\r\n"]}, WatchCause.CREDENTIALS, "x"),
    ],
)  # fmt: skip
async def test_whatever_ends_it_is_told(script: Script, cause: WatchCause, says: str) -> None:
    lost = await end({**INBOX_ONLY, **script})
    assert lost.cause is cause
    assert says in lost.detail


async def test_done_that_is_not_answered_is_silence() -> None:
    async def deaf(peer: Peer) -> None:
        await peer.say(IDLING)
        await hang(peer)

    async with (
        scripted({**INBOX_ONLY, "IDLE": [deaf]}) as server,
        watching(endpoint(server.port, timeout=HASTY), poll=0.1) as watched,
    ):
        with pytest.raises(WatchLost) as caught:
            await watched.until(lambda _: False)
        await server.gone.wait()
    assert caught.value.cause is WatchCause.SILENT


async def test_closing_it_says_goodbye_and_drops_the_connection() -> None:
    async with scripted() as server:
        async with watching(endpoint(server.port)) as watched:
            await watched.until_verified()
        await server.gone.wait()
    assert server.received[-1] == b"LOGOUT"


async def test_closing_it_does_not_wait_long_for_a_server_that_says_nothing() -> None:
    async with scripted({"LOGOUT": [hang]}) as server:
        async with watching(endpoint(server.port)) as watched:
            await watched.until_verified()
        await server.gone.wait()


async def test_cancelling_it_in_idle_drops_the_connection_at_once() -> None:
    async with scripted() as server, watching(endpoint(server.port)) as watched:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watched.until(lambda _: False))
            await server.until_heard(b"IDLE")
            task.cancel()
        await server.gone.wait()
    assert server.count(b"LOGOUT") == 0


async def test_an_errand_that_nobody_took_stays_in_the_queue() -> None:
    async with scripted() as server, watching(endpoint(server.port)) as watched:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(watched.until(lambda _: False))
            await server.until_heard(b"IDLE")
            task.cancel()
        watched.errands.put_nowait(Look())
        assert watched.errands.qsize() == 1
