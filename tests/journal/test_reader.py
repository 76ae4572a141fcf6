"""Reading: filters, pages, the last word of each route; and never a write."""

import sqlite3
from pathlib import Path

import pytest

from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.journal import reader as reader_module
from probe.journal.reader import Reader
from probe.journal.records import Cursor, Standing
from probe.journal.store import Store
from tests.journal.helpers import deliver, fly
from tests.makers import START, a_probe, bounce, expired, seen


def ids(found: list[Standing]) -> list[str]:
    return [standing.probe.id for standing in found]


async def test_the_newest_come_first_and_equal_times_by_id(store: Store, path: Path) -> None:
    for number, at in ((1, 0.0), (2, 5.0), (3, 5.0), (4, 2.0)):
        await store.open_probe(a_probe(number, planned_at=START + at))
    tied = sorted((a_probe(2).id, a_probe(3).id), reverse=True)
    with Reader(path) as reader:
        assert ids(reader.recent()) == [*tied, a_probe(4).id, a_probe(1).id]
        assert len(reader.recent(limit=2)) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_over_equal_times_miss_nothing_and_repeat_nothing(
    store: Store, path: Path, size: int
) -> None:
    for number in range(20):
        await store.open_probe(a_probe(number, planned_at=START + number // 6))
    with Reader(path) as reader:
        paged: list[Standing] = []
        before = None
        while page := reader.recent(limit=size, before=before):
            assert len(page) <= size
            paged += page
            before = Cursor(page[-1].probe.planned_at, page[-1].probe.id)
        assert paged == reader.recent(limit=100)
        assert len(paged) == 20


async def test_a_page_is_bounded_whatever_is_asked_for(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "MAX_PAGE", 3)
    for number in range(5):
        await store.open_probe(a_probe(number))
    with Reader(path) as reader:
        assert len(reader.recent(limit=10**9)) == 3
        assert reader.recent(limit=-1) == reader.recent(limit=0) == []


async def test_filters_are_all_of_them_at_once(store: Store, path: Path) -> None:
    here = {"sender": "red", "sender_provider": "redpost"}
    delivered = await deliver(store, 1)
    other = await deliver(store, 2, **here)
    flying = await fly(store, 3, planned_at=START + 100)
    with Reader(path) as reader:
        assert ids(reader.recent(sender="red")) == [other]
        assert ids(reader.recent(recipient="red")) == []
        assert ids(reader.recent(sender_provider="northmail", outcome=Outcome.DELIVERED)) == [
            delivered
        ]
        assert len(reader.recent(recipient="blue", recipient_provider="bluepost")) == 3
        assert ids(reader.recent(since=START + 100)) == [flying]
        assert ids(reader.recent(since=START - 1, sender="red")) == [other]
        assert reader.recent(sender="' OR 1 = 1 --") == []


async def test_an_unknown_probe_has_no_history(store: Store, path: Path) -> None:
    with Reader(path) as reader:
        assert reader.history("a" * 16) is None


async def test_a_reader_cannot_write(store: Store, path: Path) -> None:
    await store.open_probe(a_probe())
    with Reader(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM probes")


def test_a_reader_makes_no_file(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), Reader(path) as reader:
        reader.recent()
    assert not path.exists()


async def test_a_reader_opened_before_sees_what_was_committed_since(
    store: Store, path: Path
) -> None:
    with Reader(path) as reader:
        assert reader.recent() == []
        probe_id = await deliver(store, 1)
        assert ids(reader.recent()) == [probe_id]
        assert reader.tallies().concluded


async def test_a_reader_is_not_held_up_by_a_commit_in_progress(store: Store, path: Path) -> None:
    await store.open_probe(a_probe(1))
    probe = a_probe(2)

    def read_meanwhile(connection: sqlite3.Connection) -> list[Standing]:
        connection.execute("UPDATE probes SET detail = 'not yet'")
        with Reader(path) as reader:
            return reader.recent()

    (found,) = await store._run(read_meanwhile)
    assert found.verdict.detail == ""
    await store.open_probe(probe)


async def test_each_route_has_its_last_word(store: Store, path: Path) -> None:
    await deliver(store, 1, planned_at=START)
    await fly(store, 2, planned_at=START + 50)
    other = await fly(store, 3, sender="red")
    await store.record(other, bounce(5.0), START + 5)
    with Reader(path) as reader:
        found = {(route.sender, route.recipient): route for route in reader.routes()}
    assert found["north", "blue"].outcome is Outcome.DELIVERED
    assert found["north", "blue"].delivery_seconds == 2.0
    assert found["red", "blue"].outcome is Outcome.BOUNCED
    assert (found["red", "blue"].at, found["red", "blue"].delivery_seconds) == (START + 5, None)


async def test_a_late_fact_about_an_older_probe_does_not_overwrite_a_newer_one(
    store: Store, path: Path
) -> None:
    older = await fly(store, 1, planned_at=START)
    newer = await fly(store, 2, planned_at=START + 50)
    await store.record(newer, seen(3.0, Folder.JUNK), START + 3)
    await store.record(older, seen(4.0), START + 4)
    with Reader(path) as reader:
        (route,) = reader.routes()
    assert route.outcome is Outcome.JUNKED


async def test_what_was_not_observed_says_nothing_of_a_route(store: Store, path: Path) -> None:
    blind = await fly(store, 1)
    await store.record(blind, expired(watched=False), START + 601)
    with Reader(path) as reader:
        assert reader.routes() == []
