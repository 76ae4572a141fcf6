"""Group commit: many callers, few commits, and nobody pays for another's mistake."""

import asyncio
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from probe.core.facts import IllegalEventError
from probe.journal import writer as writer_module
from probe.journal.errors import JournalError, JournalUnwritableError
from probe.journal.store import Store
from tests.journal.helpers import deliver, fly, standings
from tests.makers import START, a_probe, refused, seen


class Gate:
    """Holds the writer's thread until it is opened."""

    def __init__(self) -> None:
        self._entered, self._open = threading.Event(), threading.Event()

    def work(self, _connection: sqlite3.Connection) -> None:
        self._entered.set()
        assert self._open.wait(30)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self._entered.wait, 30)

    def open(self) -> None:
        self._open.set()


async def trace(store: Store) -> list[str]:
    """The statements that the writer will run from now on."""
    statements: list[str] = []

    def begin(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(statements.append)

    await store._run(begin)
    return statements


async def waiting(store: Store, number: int) -> None:
    """Until so many pieces of work wait for the writer's thread."""
    while store._writer._queue.qsize() < number:  # noqa: ASYNC110 - a thread's queue has no event
        await asyncio.sleep(0)


async def test_many_callers_share_few_commits(store: Store, path: Path) -> None:
    gate = Gate()
    statements = await trace(store)
    async with asyncio.TaskGroup() as group:
        group.create_task(store._run(gate.work))
        await gate.entered()
        for number in range(200):
            group.create_task(store.open_probe(a_probe(number)))
        await waiting(store, 200)
        gate.open()
    # One for the gate and one for all the rest (COMMIT of trace() itself is in the list too).
    assert statements.count("COMMIT") <= 3
    assert len(standings(path)) == 200


async def test_a_commit_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_BATCH", 10)
    gate = Gate()
    statements = await trace(store)
    async with asyncio.TaskGroup() as group:
        group.create_task(store._run(gate.work))
        await gate.entered()
        for number in range(50):
            group.create_task(store.open_probe(a_probe(number)))
        await waiting(store, 50)
        gate.open()
    assert 5 <= statements.count("COMMIT") <= 8


async def test_what_was_answered_is_on_disk(store: Store, path: Path) -> None:
    await store.open_probe(a_probe())
    assert [standing.probe for standing in standings(path)] == [a_probe()]


async def test_a_fact_that_cannot_be_harms_no_other_in_the_same_commit(
    store: Store, path: Path
) -> None:
    done, flying = await deliver(store, 1), await fly(store, 2)
    gate = Gate()
    answers = asyncio.gather(
        store._run(gate.work),
        store.open_probe(a_probe(3)),
        store.record(done, refused(), START + 5),
        store.open_probe(a_probe(1)),
        store.record(flying, seen(), START + 2),
        return_exceptions=True,
    )
    await gate.entered()
    gate.open()
    _, opened, illegal, twice, _ = await answers
    assert opened is None
    assert isinstance(illegal, IllegalEventError)
    assert isinstance(twice, sqlite3.IntegrityError)
    assert {s.probe.id: s.verdict.final for s in standings(path)} == {
        done: True,
        flying: True,
        a_probe(3).id: False,
    }
    assert store.writable


async def test_a_mistake_half_way_takes_back_only_its_own_piece(store: Store, path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE probes SET detail = 'half'")
        raise ValueError("mistaken")

    await store.open_probe(a_probe())
    with pytest.raises(ValueError, match="mistaken"):
        await store._run(half)
    assert standings(path)[0].verdict.detail == ""


async def test_a_cancelled_caller_does_not_take_back_what_is_being_written(
    store: Store, path: Path
) -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._run(gate.work))
        await gate.entered()
        caller = group.create_task(store.open_probe(a_probe()))
        await waiting(store, 1)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert not store.idle
        gate.open()
    await store.next_due()  # comes after it in the queue
    assert [standing.probe for standing in standings(path)] == [a_probe()]
    assert store.idle


async def test_closing_writes_what_waits(path: Path) -> None:
    store, gate = Store.open(path), Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._run(gate.work))
        await gate.entered()
        for number in range(50):
            group.create_task(store.open_probe(a_probe(number)))
        await waiting(store, 50)
        closing = group.create_task(store.close())
        await asyncio.sleep(0)
        gate.open()
        await closing
    assert len(standings(path)) == 50


async def test_a_closed_journal_says_so_at_once(path: Path) -> None:
    store = Store.open(path)
    await store.close()
    await store.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        await store.open_probe(a_probe())


async def test_callers_wait_when_too_much_is_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING", 3)
    store, gate = Store.open(path), Gate()
    async with asyncio.TaskGroup() as group:
        group.create_task(store._run(gate.work))
        await gate.entered()
        callers = [group.create_task(store.open_probe(a_probe(n))) for n in range(10)]
        await waiting(store, 2)
        callers[0].cancel()  # what it asked for still waits, and so makes no room
        for _ in range(20):
            await asyncio.sleep(0)
        assert store._writer._queue.qsize() == 2
        gate.open()
    assert len(standings(path)) == 10
    await store.close()


async def test_a_full_file_is_told_and_nothing_is_half_written(store: Store, path: Path) -> None:
    flying = await fly(store, 1)
    await store._run(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
    header = "x" * 200_000
    before = standings(path)
    with pytest.raises(JournalUnwritableError, match=r"full\): free space"):
        await store.record(flying, replace(seen(), header=header), START + 2)
    assert not store.writable
    assert await store.next_due() == START + 60
    assert not store.writable, "a question alone proves nothing"
    assert standings(path) == before
    await store._run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await store.record(flying, replace(seen(), header=header), START + 2)
    assert store._writer.writable
    assert standings(path)[0].verdict.final


async def test_a_writer_that_dies_fails_everybody_who_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_batch: object) -> None:
        raise MemoryError("a bug")

    monkeypatch.setattr(store._writer, "_commit", bug)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    asked = [asyncio.ensure_future(store.next_due()) for _ in range(3)]  # noqa: TID251 - gathered below
    done = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(error) for error in done] == [JournalError] * 3
    with pytest.raises(JournalError, match="closed"):
        await store.next_due()
    assert not store.writable
