"""What is remembered of the mailboxes: bookmarks, our messages in them, what was sent."""

from probe.core.mailbox import Folder
from probe.core.observation import Bookmark
from probe.journal.mailboxes import REFS_AT_ONCE
from probe.journal.store import Store
from tests.journal.helpers import copy_of, ref
from tests.makers import START, a_probe

INBOX = Bookmark(Folder.INBOX, "INBOX", 7, 42, START)
JUNK = Bookmark(Folder.JUNK, "Indésirables/été", 2**32 - 1, 2**32 - 1, START + 1)


async def test_a_mailbox_that_was_never_watched_has_no_bookmarks(store: Store) -> None:
    place = await store.place("blue")
    assert (place.bookmarks, place.clock_offset) == ({}, None)


async def test_bookmarks_come_back_folder_by_folder(store: Store) -> None:
    await store.save_bookmark("blue", INBOX, -2.5)
    await store.save_bookmark("blue", JUNK, -2.5)
    await store.save_bookmark("red", INBOX, None)
    place = await store.place("blue")
    assert place.bookmarks == {Folder.INBOX: INBOX, Folder.JUNK: JUNK}
    assert place.clock_offset == -2.5
    assert (await store.place("red")).clock_offset is None


async def test_a_later_bookmark_takes_the_place_of_the_earlier(store: Store) -> None:
    moved = Bookmark(Folder.INBOX, "INBOX", 8, 3, START + 60)
    await store.save_bookmark("blue", INBOX, None)
    await store.save_bookmark("blue", moved, 1.0)
    place = await store.place("blue")
    assert place.bookmarks == {Folder.INBOX: moved}


async def test_a_copy_is_known_by_mailbox_folder_uidvalidity_and_uid(store: Store) -> None:
    assert await store.add_copy(copy_of(1), "a", START)
    assert not await store.add_copy(copy_of(1), "a", START + 5)
    assert await store.add_copy(copy_of(2), "a", START)
    assert await store.add_copy(copy_of(1, mailbox="red"), "a", START)


async def test_copies_are_stale_when_they_were_seen_before_a_moment(store: Store) -> None:
    await store.add_copy(copy_of(1), "a", START)
    await store.add_copy(copy_of(2), "b", START + 10)
    await store.add_copy(copy_of(3, mailbox="red"), "c", START + 1)
    assert await store.stale_copies(START) == {}
    assert await store.stale_copies(START + 5) == {"blue": [ref(1)], "red": [ref(3)]}


async def test_one_errand_of_removal_is_bounded(store: Store) -> None:
    for uid in range(REFS_AT_ONCE + 5):
        await store.add_copy(copy_of(uid), "a", START + uid / 1000)
    stale = await store.stale_copies(START + 5)
    assert stale == {"blue": [ref(uid) for uid in range(REFS_AT_ONCE)]}


async def test_many_messages_in_one_mailbox_do_not_crowd_out_the_others(store: Store) -> None:
    many = [("unreachable", "inbox", 7, uid, "a", START + uid / 1e6) for uid in range(12_000)]
    insert = "INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?, 0)"
    await store._run(lambda connection: connection.executemany(insert, many) and None)
    await store.add_copy(copy_of(1), "b", START + 3)

    stale = await store.stale_copies(START + 5)

    assert stale["blue"] == [ref(1)]
    assert len(stale["unreachable"]) == REFS_AT_ONCE


async def test_what_is_gone_from_the_server_is_forgotten(store: Store) -> None:
    for uid in (1, 2, 3):
        await store.add_copy(copy_of(uid), "a", START)
    await store.forget_copies("blue", [ref(1), ref(3)])
    await store.forget_copies("red", [ref(2)])
    assert await store.stale_copies(START + 5) == {"blue": [ref(2)]}


async def test_what_the_server_keeps_is_asked_for_once(store: Store) -> None:
    await store.add_copy(copy_of(1), "a", START)
    await store.give_up_copies("blue", [ref(1)])
    assert await store.stale_copies(START + 5) == {}
    assert not await store.add_copy(copy_of(1), "a", START + 9), "it is still known"


async def test_the_sending_budget_is_told_who_sent_how_many_in_which_hour(store: Store) -> None:
    hour = START // 3600 * 3600
    await store.open_probe(a_probe(1, planned_at=START - 10))
    await store.open_probe(a_probe(2, planned_at=START))
    await store.open_probe(a_probe(3, planned_at=START + 5))
    await store.open_probe(a_probe(4, planned_at=START + 7200))
    await store.open_probe(a_probe(5, planned_at=START + 1, sender="red"))
    found = sorted(await store.sent_since(START))
    assert found == [("north", hour, 2), ("north", hour + 7200, 1), ("red", hour, 1)]
