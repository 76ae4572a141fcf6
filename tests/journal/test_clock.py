"""The journal is put into the time of the process that opens it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from probe.core.mailbox import Folder
from probe.core.observation import Bookmark
from probe.journal.store import Store
from tests.journal.helpers import copy_of, deliver, fly, history
from tests.makers import RECIPIENT, START, a_probe, seen

HOUR = 3600.0
BOOT, LATER_BOOT = "one start of the machine", "another"
ANCHOR = START - 1000.0


async def opened(path: Path) -> Store:
    store = Store.open(path)
    assert await store.take_over_clock(BOOT, ANCHOR, START) == 0.0
    return store


async def test_of_one_boot_the_two_clocks_tell_by_how_much_it_was_set(path: Path) -> None:
    store = await opened(path)
    assert await store.take_over_clock(BOOT, ANCHOR + HOUR, START + HOUR) == HOUR
    assert await store.take_over_clock(BOOT, ANCHOR + HOUR, START + HOUR) == 0.0
    assert await store.take_over_clock(BOOT, ANCHOR - HOUR, START - HOUR) == -2 * HOUR
    await store.close()


async def test_what_two_readings_of_a_clock_differ_by_is_no_setting(path: Path) -> None:
    store = await opened(path)
    flown = await fly(store, 1)
    assert await store.take_over_clock(BOOT, ANCHOR + 0.05, START + 0.05) == 0.0
    await store.close()
    found = history(path, flown)
    assert found is not None
    assert found.probe == a_probe(1)


@pytest.mark.parametrize("boot", [LATER_BOOT, ""])
async def test_over_a_boot_only_a_clock_behind_the_journal_shows(path: Path, boot: str) -> None:
    store = await opened(path)
    await deliver(store, 1)  # planned a second before START
    assert await store.take_over_clock(boot, ANCHOR + HOUR, START + HOUR) == 0.0
    assert await store.take_over_clock(boot and "a third", 7.0, START - HOUR) == pytest.approx(
        1 - HOUR
    )
    await store.close()


async def test_what_flies_is_moved_and_what_is_concluded_stays_as_it_was_written(
    path: Path,
) -> None:
    store = await opened(path)
    landed, flown = await deliver(store, 1), await fly(store, 2)
    before = history(path, landed)
    await store.take_over_clock(BOOT, ANCHOR + HOUR, START + HOUR)

    assert history(path, landed) == before
    found = history(path, flown)
    assert found is not None
    assert found.probe.clock_step == HOUR
    assert found.verdict.submitted_at == START + HOUR
    assert await store.due(START + HOUR + 59, 10) == []
    (due,) = await store.due(START + HOUR + 61, 10)
    assert not due.lost
    (due,) = await store.due(START + HOUR + 601, 10)
    assert due.lost
    await store.close()


async def test_a_probe_on_the_way_out_is_moved_unless_it_was_seen_already(path: Path) -> None:
    store = await opened(path)
    for number in (1, 2):
        await store.open_probe(a_probe(number))
    await store.record(a_probe(2).id, seen(), START)
    await store.take_over_clock(BOOT, ANCHOR - HOUR, START - HOUR)
    await store.close()
    steps = [history(path, a_probe(number).id) for number in (1, 2)]
    assert [found and found.probe.clock_step for found in steps] == [-HOUR, 0.0]


async def test_bookmarks_copies_and_routes_go_along(path: Path) -> None:
    store = await opened(path)
    probe_id = await deliver(store, 1)
    await store.add_copy(copy_of(), probe_id, START)
    await store.save_bookmark(
        RECIPIENT.id, Bookmark(Folder.INBOX, "INBOX", 7, 3, START), clock_offset=5.0
    )
    await store.take_over_clock(BOOT, ANCHOR - HOUR, START - HOUR)

    place = await store.place(RECIPIENT.id)
    assert place.bookmarks[Folder.INBOX].verified_at == START - HOUR
    assert place.clock_offset == 5.0 + HOUR  # the server's clock was not set
    assert await store.stale_copies(START - HOUR + 1) != {}
    assert await store.stale_copies(START - HOUR) == {}
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        (planned_at,) = connection.execute("SELECT planned_at FROM routes").fetchone()
    assert planned_at == START - 1 - HOUR


async def test_killed_before_it_was_written_it_is_done_by_the_next(path: Path) -> None:
    store = await opened(path)
    flown = await fly(store, 1)
    await store.close()
    store = Store.open(path)  # and it died here
    await store.close()
    store = Store.open(path)
    assert await store.take_over_clock(BOOT, ANCHOR + HOUR, START + HOUR) == HOUR
    await store.close()
    found = history(path, flown)
    assert found is not None
    assert found.probe.clock_step == HOUR
