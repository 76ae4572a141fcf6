"""Removing: what is ours and nothing else, on pymap and on servers that will not let us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from probe.core.mailbox import Folder
from probe.core.observation import (
    Kept,
    MessageRef,
    Observation,
    Remove,
    Removed,
    Tidy,
    Verified,
    WatchCause,
    WatchLost,
)
from probe.transport.imap.errands import AT_ONCE
from tests.transport.imap.real_server import PASSWORD, USER, RealServer, real_server
from tests.transport.imap.scripted import OK, OPENED, Action, Script, scripted
from tests.transport.imap.world import Watched, endpoint, now, watching

OURS = b"Subject: mailprobe x\r\nX-Ours: 1000\r\n\r\nbody\r\n"
YOUNG = b"Subject: mailprobe x\r\nX-Ours: 9000\r\n\r\nbody\r\n"
FORGED = b"Subject: mailprobe x\r\n\r\nX-Ours: 1000 in the body only\r\n"
FOREIGN = b"Subject: dinner?\r\n\r\nat eight\r\n"
REPORT = b"Subject: Undelivered\r\nContent-Type: multipart/report\r\n\r\nX-Ours: 1000\r\n"


@asynccontextmanager
async def at_work() -> AsyncIterator[tuple[RealServer, Watched]]:
    async with (
        real_server() as server,
        watching(endpoint(server.port, user=USER, password=PASSWORD), poll=1e6) as watched,
    ):
        await watched.until_verified()
        yield server, watched


async def done(watched: Watched) -> list[Removed | Kept]:
    """What an errand brought, when it is over: INBOX is read before it and after it."""
    before = len(watched.seen)
    await watched.until_verified()
    await watched.until_verified()
    return [said for said in watched.seen[before:] if isinstance(said, (Removed, Kept))]


def validity(watched: Watched, folder: Folder = Folder.INBOX) -> int:
    marks = [said.bookmark for said in watched.of(Verified)]
    return next(mark.uidvalidity for mark in marks if mark.folder is folder)


async def test_our_message_is_removed_and_a_foreign_one_is_not_touched() -> None:
    async with at_work() as (server, watched):
        mine, other = await server.put(OURS), await server.put(FOREIGN, seen=True)
        refs = tuple(MessageRef(Folder.INBOX, validity(watched), uid) for uid in (mine, other))
        watched.errands.put_nowait(Remove(refs))
        removed, kept = await done(watched)
        left = await server.flags()
    assert isinstance(removed, Removed)
    assert removed.refs == refs[:1]
    assert isinstance(kept, Kept)
    assert kept.refs == refs[1:]
    assert "signature" in kept.detail
    assert left == {other: {"\\Seen"}}


async def test_a_forged_message_is_not_touched() -> None:
    async with at_work() as (server, watched):
        uid = await server.put(FORGED)
        watched.errands.put_nowait(Remove((MessageRef(Folder.INBOX, validity(watched), uid),)))
        [kept] = await done(watched)
        left = await server.flags()
    assert isinstance(kept, Kept)
    assert left == {uid: set()}


async def test_a_report_about_our_message_is_ours_too() -> None:
    async with at_work() as (server, watched):
        ref = MessageRef(Folder.INBOX, validity(watched), await server.put(REPORT))
        watched.errands.put_nowait(Remove((ref,)))
        [removed] = await done(watched)
        assert await server.flags() == {}
    assert isinstance(removed, Removed)


async def test_messages_of_several_folders_are_removed_in_one_errand() -> None:
    async with at_work() as (server, watched):
        refs = (
            MessageRef(Folder.INBOX, validity(watched), await server.put(OURS)),
            MessageRef(
                Folder.JUNK, validity(watched, Folder.JUNK), await server.put(OURS, "Junk")
            ),
        )
        watched.errands.put_nowait(Remove(refs))
        removed = await done(watched)
        assert await server.flags() == await server.flags("Junk") == {}
    assert [one.refs for one in removed] == [(refs[0],), (refs[1],)]


async def test_what_is_gone_already_counts_as_removed() -> None:
    async with at_work() as (_, watched):
        ref = MessageRef(Folder.INBOX, validity(watched), 12345)
        watched.errands.put_nowait(Remove((ref,)))
        [removed] = await done(watched)
    assert isinstance(removed, Removed)
    assert removed.refs == (ref,)


async def test_a_number_of_a_renumbered_folder_names_another_message_and_removes_none() -> None:
    async with at_work() as (server, watched):
        uid = await server.put(OURS)
        stale = MessageRef(Folder.INBOX, validity(watched) + 1, uid)
        watched.errands.put_nowait(Remove((stale,)))
        [kept] = await done(watched)
        left = await server.flags()
    assert isinstance(kept, Kept)
    assert "renumbered" in kept.detail
    assert list(left) == [uid]


async def test_many_messages_are_removed_in_parts() -> None:
    async with at_work() as (server, watched):
        uids = [await server.put(OURS) for _ in range(AT_ONCE + 5)]
        refs = tuple(MessageRef(Folder.INBOX, validity(watched), uid) for uid in uids)
        watched.errands.put_nowait(Remove(refs))
        parts = await done(watched)
        assert await server.flags() == {}
    assert [len(part.refs) for part in parts] == [AT_ONCE, 5]
    assert sum((part.refs for part in parts), ()) == refs


async def test_tidying_removes_old_messages_of_ours_from_all_three_folders() -> None:
    async with at_work() as (server, watched):
        for folder in ("INBOX", "Junk", "Sent"):
            for message in (OURS, YOUNG, FORGED, FOREIGN):
                await server.put(message, folder)
        watched.errands.put_nowait(Tidy(now() - 1))
        await done(watched)
        counts = [len(await server.flags(folder)) for folder in ("INBOX", "Junk", "Sent")]
        assert counts == [2, 2, 2]  # FORGED and FOREIGN: 9000 s after 1970 is old as well
        watched.errands.put_nowait(Tidy(now() - 1))
        assert await done(watched) == []


async def test_tidying_leaves_what_is_younger_than_asked() -> None:
    async with at_work() as (server, watched):
        await server.put(OURS, "Sent")
        young = await server.put(YOUNG, "Sent")
        watched.errands.put_nowait(Tidy(5000.0))
        assert await done(watched) == []  # by the server's dates nothing is so old
        assert len(await server.flags("Sent")) == 2
        assert young in await server.flags("Sent")


# --- servers that will not -------------------------------------------------------------

REF = MessageRef(Folder.INBOX, 7, 5)
FETCHED = b"* 1 FETCH (UID 5 BODY[HEADER] {14}\r\nX-Ours: 1000\r\n)\r\n" + OK


async def remove_on(script: Script) -> tuple[list[Observation], list[bytes]]:
    """Ask for a removal and watch until INBOX is read again."""
    whole = {"LIST": [b'* LIST () "/" INBOX\r\n', OK], "UID FETCH": [FETCHED], **script}
    async with scripted(whole) as server, watching(endpoint(server.port), poll=1e6) as watched:
        await watched.until_verified()
        watched.errands.put_nowait(Remove((REF,)))
        brought = await done(watched)
    return list(brought), server.received


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ({"UID STORE": [b"TAG NO [NOPERM] legal hold\r\n"]}, "legal hold"),
        ({"UID EXPUNGE": [b"TAG NO [CANNOT] retention\r\n"]}, "retention"),
        ({"UID SEARCH": [b"* SEARCH 5\r\n", OK]}, "still there"),
        ({"CAPABILITY": [b"* CAPABILITY IMAP4rev1 IDLE\r\n", OK]}, "UIDPLUS"),
        ({"SELECT": [b"TAG NO [NOPERM] read only\r\n"]}, "read only"),
        ({"UID FETCH": [b"TAG NO [SERVERBUG] broken\r\n"]}, "broken"),
    ],
)
async def test_a_server_that_does_not_let_us_is_told_of_not_fought(
    script: dict[str, list[Action]], says: str
) -> None:
    [kept], _ = await remove_on(script)
    assert isinstance(kept, Kept)
    assert kept.refs == (REF,)
    assert says in kept.detail


async def test_without_uidplus_nothing_is_marked() -> None:
    _, received = await remove_on({"CAPABILITY": [b"* CAPABILITY IMAP4rev1 IDLE\r\n", OK]})
    assert not [said for said in received if b"STORE" in said or b"EXPUNGE" in said]


async def test_exactly_the_verified_messages_are_marked_and_expunged() -> None:
    [removed], received = await remove_on({})
    assert isinstance(removed, Removed)
    assert rb"UID STORE 5 +FLAGS.SILENT (\Deleted)" in received
    assert b"UID EXPUNGE 5" in received
    assert not [said for said in received if said.startswith((b"EXPUNGE", b"CLOSE"))]
    selected = received.index(b'SELECT "INBOX"')
    fetched = received.index(b"UID FETCH 5 (UID INTERNALDATE BODY.PEEK[HEADER]<0.65536>)")
    stored = received.index(rb"UID STORE 5 +FLAGS.SILENT (\Deleted)")
    assert selected < fetched < stored


async def test_a_throttling_answer_to_an_errand_ends_the_watch() -> None:
    with pytest.raises(WatchLost) as caught:
        await remove_on({"UID STORE": [b"TAG NO [LIMIT] slow down\r\n"]})
    assert caught.value.cause is WatchCause.THROTTLED


async def test_a_folder_that_is_not_known_keeps_its_messages() -> None:
    ref = MessageRef(Folder.SENT, 7, 5)
    script: Script = {"LIST": [b'* LIST () "/" INBOX\r\n', OK], "EXAMINE": [OPENED]}
    async with scripted(script) as server, watching(endpoint(server.port), poll=1e6) as watched:
        await watched.until_verified()
        watched.errands.put_nowait(Remove((ref,)))
        [kept] = await done(watched)
    assert isinstance(kept, Kept)
    assert "sent" in kept.detail


async def test_an_errand_interrupts_an_idle() -> None:
    async with (
        scripted() as server,
        watching(endpoint(server.port), poll=1e6) as watched,
        asyncio.TaskGroup() as group,
    ):
        waiting = group.create_task(watched.until_kind(Removed))
        await server.until_heard(b"IDLE")
        watched.errands.put_nowait(Remove((REF,)))
        removed = await waiting
    assert removed.refs == (REF,)
