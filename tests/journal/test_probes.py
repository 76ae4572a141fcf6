"""A probe's life in the journal: opened, facts appended, judged, pruned."""

import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from probe.core.event import Event
from probe.core.facts import IllegalEventError
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.tally import Change
from probe.journal import probes
from probe.journal.probes import ConflictError, Ignored
from probe.journal.store import Store, connect
from tests.journal.helpers import copy_of, deliver, fly, history, standings
from tests.makers import (
    RECIPIENT,
    SENDER,
    START,
    a_probe,
    accepted,
    bounce,
    expired,
    refused,
    seen,
    unconfirmed,
    unsent,
)


async def test_an_opened_probe_is_written_down_before_anything_is_known(
    store: Store, path: Path
) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    found = history(path, probe.id)
    assert found is not None
    assert (found.probe, found.events) == (probe, ())
    assert found.verdict.outcome is None
    assert not found.verdict.final


async def test_facts_come_back_in_the_order_in_which_they_were_recorded(
    store: Store, path: Path
) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    facts = (seen(2.0), accepted(), bounce(), seen(3.0, Folder.JUNK))
    for event in facts:
        await store.record(probe.id, event, event.at)
    found = history(path, probe.id)
    assert found is not None
    assert found.events == facts
    assert found.verdict.outcome is Outcome.JUNKED
    assert found.verdict.sightings == 2


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((refused(),), Outcome.REFUSED),
        ((unsent(),), Outcome.UNSENT),
        ((accepted(), seen()), Outcome.DELIVERED),
        ((accepted(), seen(folder=Folder.JUNK)), Outcome.JUNKED),
        ((accepted(), seen(70.0)), Outcome.DELAYED),
        ((accepted(), bounce()), Outcome.BOUNCED),
        ((accepted(), expired()), Outcome.LOST),
        ((accepted(), expired(watched=False)), Outcome.UNOBSERVED),
        ((unconfirmed(), expired()), Outcome.UNSENT),
    ],
)
async def test_every_outcome_is_written_and_no_deadline_is_left(
    store: Store, path: Path, events: tuple[Event, ...], outcome: Outcome
) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    for event in events:
        change = await store.record(probe.id, event, event.at)
    assert isinstance(change, Change)
    found = history(path, probe.id)
    assert found is not None
    assert found.verdict == change.after
    assert (found.verdict.outcome, found.verdict.final) == (outcome, True)
    assert await store.next_due() is None
    assert await store.in_flight() == []


async def test_a_change_tells_what_was_and_what_is(store: Store) -> None:
    probe_id = await fly(store, 1)
    change = await store.record(probe_id, seen(), START + 2)
    assert isinstance(change, Change)
    assert change.before.outcome is None
    assert change.after.outcome is Outcome.DELIVERED
    assert change.concluded


async def test_a_fact_about_a_probe_that_the_journal_does_not_know_is_told(
    store: Store, path: Path
) -> None:
    assert await store.record("a" * 16, seen(), START) is Ignored.UNKNOWN
    assert standings(path) == []


async def test_a_message_of_a_forgotten_probe_is_still_tidied_away(store: Store) -> None:
    assert await store.record("a" * 16, seen(), START, copy_of(5)) is Ignored.UNKNOWN
    assert await store.stale_copies(START + 100) == {RECIPIENT.id: [copy_of(5).ref]}


async def test_the_same_message_read_twice_counts_once(store: Store, path: Path) -> None:
    probe_id = await fly(store, 1)
    await store.record(probe_id, seen(2.0), START + 2, copy_of(5))
    assert await store.record(probe_id, seen(9.0), START + 9, copy_of(5)) is Ignored.KNOWN_COPY
    found = history(path, probe_id)
    assert found is not None
    assert found.verdict.sightings == 1


async def test_two_messages_of_one_probe_are_a_duplicate(store: Store, path: Path) -> None:
    probe_id = await fly(store, 1)
    await store.record(probe_id, seen(2.0), START + 2, copy_of(5))
    await store.record(probe_id, seen(9.0), START + 9, copy_of(6))
    found = history(path, probe_id)
    assert found is not None
    assert found.verdict.sightings == 2


async def test_a_message_where_the_route_does_not_lead_proves_nothing(
    store: Store, path: Path
) -> None:
    probe_id = await fly(store, 1)
    stray = copy_of(5, mailbox=SENDER.id)
    assert await store.record(probe_id, seen(), START + 2, stray) is Ignored.MISPLACED
    found = history(path, probe_id)
    assert found is not None
    assert found.verdict.outcome is None
    assert SENDER.id in await store.stale_copies(START + 100)


async def test_a_bounce_belongs_in_the_senders_mailbox(store: Store) -> None:
    probe_id = await fly(store, 1)
    at_recipient = copy_of(5, mailbox=RECIPIENT.id)
    assert await store.record(probe_id, bounce(), START + 5, at_recipient) is Ignored.MISPLACED
    change = await store.record(probe_id, bounce(), START + 5, copy_of(6, mailbox=SENDER.id))
    assert isinstance(change, Change)
    assert change.after.outcome is Outcome.BOUNCED


async def test_a_fact_that_cannot_be_leaves_nothing_behind(store: Store, path: Path) -> None:
    probe_id = await deliver(store, 1)
    before = history(path, probe_id)
    with pytest.raises(IllegalEventError, match=probe_id):
        await store.record(probe_id, refused(), START + 9, copy_of(5))
    assert history(path, probe_id) == before
    assert await store.stale_copies(START + 100) == {}


async def test_time_alone_makes_a_probe_overdue(store: Store, path: Path) -> None:
    probe_id = await fly(store, 1)
    change = await store.rejudge(probe_id, START + 61)
    assert change is not None
    assert (change.after.outcome, change.after.final) == (Outcome.DELAYED, False)
    found = history(path, probe_id)
    assert found is not None
    assert found.events == (accepted(),)
    assert await store.next_due() == START + 600


async def test_there_is_nothing_to_judge_of_an_unknown_probe(store: Store) -> None:
    assert await store.rejudge("a" * 16, START) is None


async def test_deadlines_come_oldest_first_and_say_which_has_run_out(store: Store) -> None:
    slow = await fly(store, 1, delayed_after=60.0, lost_after=300.0)
    quick = await fly(store, 2, delayed_after=10.0, lost_after=20.0)
    assert await store.next_due() == START + 10
    assert await store.due(START + 9, 10) == []
    (first,) = await store.due(START + 11, 10)
    assert (first.probe.id, first.at, first.lost) == (quick, START + 10, False)
    both = await store.due(START + 100, 10)
    assert [(due.probe.id, due.at, due.lost) for due in both] == [
        (quick, START + 20, True),
        (slow, START + 60, False),
    ]
    assert len(await store.due(START + 100, 1)) == 1


async def test_a_deadline_can_be_put_off_but_not_invented(store: Store) -> None:
    flying, done = await fly(store, 1), await deliver(store, 2)
    await store.postpone([flying, done], START + 1000)
    assert await store.next_due() == START + 1000
    assert [due.probe.id for due in await store.due(START + 2000, 10)] == [flying]


async def test_a_probe_whose_submission_never_ended_is_unfinished(store: Store) -> None:
    cut, whole = a_probe(1), a_probe(2)
    await store.open_probe(cut)
    await store.open_probe(whole)
    await store.record(whole.id, accepted(), START)
    assert await store.unfinished() == [cut]


async def test_a_probe_seen_before_its_accepting_reply_is_still_unfinished(store: Store) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    await store.record(probe.id, seen(), START + 2)
    assert await store.unfinished() == [probe]


async def test_in_flight_is_what_is_waited_for(store: Store) -> None:
    flying = await fly(store, 1)
    await deliver(store, 2)
    await store.open_probe(a_probe(3))
    assert await store.in_flight() == [(flying, RECIPIENT.id, START)]


async def test_pruning_forgets_only_old_concluded_probes_of_these_outcomes(
    store: Store, path: Path
) -> None:
    await deliver(store, 1, planned_at=START - 1000)
    young = await deliver(store, 2, planned_at=START)
    flying = await fly(store, 3, planned_at=START - 1000)
    lost = await fly(store, 4, planned_at=START - 1000)
    await store.record(lost, expired(), START + 601)
    assert await store.prune([Outcome.DELIVERED], START - 500) == 1
    assert {standing.probe.id for standing in standings(path)} == {young, flying, lost}


async def test_pruning_takes_the_facts_along_and_leaves_the_counts(
    store: Store, path: Path
) -> None:
    await deliver(store, 1, planned_at=START - 1000)
    await store.prune([Outcome.DELIVERED], START)
    with sqlite3.connect(path) as connection:
        (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
        (counts,) = connection.execute("SELECT count(*) FROM tallies").fetchone()
    connection.close()
    assert events == 0
    assert counts > 0


async def test_one_batch_of_pruning_is_bounded(store: Store) -> None:
    for number in range(1, 6):
        await deliver(store, number, planned_at=START - 1000)
    batch = partial(probes.prune, outcomes=[Outcome.DELIVERED], before=START, limit=3)
    assert [await store._run(batch) for _ in range(3)] == [3, 2, 0]


async def test_a_probe_is_opened_once(store: Store) -> None:
    await store.open_probe(a_probe())
    with pytest.raises(sqlite3.IntegrityError):
        await store.open_probe(a_probe())
    assert store.writable


def test_a_row_that_changed_between_reading_and_writing_is_not_overwritten(path: Path) -> None:
    """Compare-and-set, should ever another process write despite the lock."""
    mine, other = connect(path), connect(path)
    probe = a_probe()
    probes.open_probe(mine, probe)

    def interfere(statement: str) -> None:
        if statement.startswith("UPDATE probes"):
            other.execute("UPDATE probes SET version = version + 1, detail = 'theirs'")

    mine.set_trace_callback(interfere)
    with pytest.raises(ConflictError, match=probe.id):
        probes.record(mine, probe.id, accepted(), START, None)
    mine.set_trace_callback(None)
    (detail,) = mine.execute("SELECT detail FROM probes").fetchone()
    assert detail == "theirs"
    mine.close()
    other.close()


async def test_nobody_else_can_write_between_reading_and_writing(store: Store, path: Path) -> None:
    """What compare-and-set guards against cannot happen inside one commit of the writer."""
    await store.open_probe(a_probe())
    other = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)

    def try_to_interfere(connection: sqlite3.Connection) -> str:
        probes.record(connection, a_probe().id, accepted(), START, None)
        try:
            other.execute("UPDATE probes SET version = version + 1")
        except sqlite3.OperationalError as error:
            return str(error)
        return "nothing stopped it"

    assert await store._run(try_to_interfere) == "database is locked"
    other.close()


async def test_that_the_wait_is_over_is_not_said_of_a_probe_that_was_heard_of(
    store: Store, path: Path
) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    for event in (accepted(), seen()):
        await store.record(probe.id, event, START + 2)

    assert await store.record(probe.id, expired(), START + 601) is Ignored.CONCLUDED

    heard = history(path, probe.id)
    assert heard is not None
    assert [type(event).__name__ for event in heard.events] == ["Accepted", "Sighted"]


async def test_room_that_came_free_is_given_back(store: Store, path: Path) -> None:
    for number in range(40):
        await store.open_probe(a_probe(number))
        await store.record(a_probe(number).id, accepted(), START)
        await store.record(a_probe(number).id, replace(seen(), header="x" * 20_000), START + 2)
    await store.prune([Outcome.DELIVERED], START)
    (before,) = await store._run(lambda c: c.execute("PRAGMA page_count").fetchone())
    await store.shrink()
    (after,) = await store._run(lambda c: c.execute("PRAGMA page_count").fetchone())

    assert before - after > 100
