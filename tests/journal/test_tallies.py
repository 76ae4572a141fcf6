"""Counts on disk agree with counting in memory, whatever happens in between."""

from pathlib import Path

from probe.core.event import Event
from probe.core.outcome import Outcome
from probe.core.tally import DELIVERY_BUCKETS, Change, Tallies, count
from probe.journal.reader import Reader
from probe.journal.store import Store
from tests.makers import START, a_probe, accepted, expired, refused, seen

PAIR = ("northmail", "bluepost")


def tallies(path: Path) -> Tallies:
    with Reader(path) as reader:
        return reader.tallies()


async def live(store: Store, number: int, *events: Event, **changes: object) -> list[Change]:
    probe = a_probe(number, **changes)
    await store.open_probe(probe)
    told = [await store.record(probe.id, event, event.at) for event in events]
    return [change for change in told if isinstance(change, Change)]


async def test_an_empty_journal_has_no_counts(store: Store, path: Path) -> None:
    assert tallies(path) == Tallies()


async def test_the_counts_on_disk_are_those_of_the_changes_that_were_told(
    store: Store, path: Path
) -> None:
    expected = Tallies()
    bounds = (*DELIVERY_BUCKETS, 0.001, 0.75, 4000.0)
    for number, seconds in enumerate(bounds):
        patient = {"delayed_after": 5000.0, "lost_after": 6000.0}
        for change in await live(store, number, accepted(), seen(seconds), **patient):
            count(expected, change)
    for change in await live(store, 100, refused(), recipient_provider="redpost"):
        count(expected, change)
    for change in await live(store, 101, accepted(), expired(), seen(700.0)):
        count(expected, change)
    assert tallies(path) == expected
    assert expected.concluded[PAIR, Outcome.DELIVERED] == len(bounds)
    assert expected.revised == {(PAIR, Outcome.LOST, Outcome.DELAYED): 1}


async def test_a_restart_continues_the_counts(path: Path) -> None:
    for number in range(3):
        store = Store.open(path)
        await live(store, number, accepted(), seen(2.0))
        await store.close()
    found = tallies(path)
    assert found.concluded == {(PAIR, Outcome.DELIVERED): 3}
    assert found.delivery[PAIR].total_seconds == 6.0
    assert sum(found.delivery[PAIR].counts) == 3


async def test_a_refused_fact_is_not_counted(store: Store, path: Path) -> None:
    await live(store, 1, accepted(), seen(2.0))
    before = tallies(path)
    await store.rejudge(a_probe(1).id, START + 5000)
    assert tallies(path) == before


async def test_an_estimate_is_counted_but_not_in_the_histogram(store: Store, path: Path) -> None:
    await live(store, 1, accepted(), seen(30.0, not_before=0.0))
    found = tallies(path)
    assert found.concluded == {(PAIR, Outcome.DELIVERED): 1}
    assert found.delivery == {}
