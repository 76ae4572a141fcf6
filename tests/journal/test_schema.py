"""Migrations: numbered, whole or not at all, and never taken twice."""

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from probe.journal import schema
from probe.journal.reader import Reader
from probe.journal.store import Store, connect
from tests.journal.helpers import deliver, standings
from tests.makers import a_probe

LATER = "ALTER TABLE probes ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'"


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(number)


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


async def test_a_new_journal_has_done_every_migration(path: Path) -> None:
    await Store.open(path).close()
    assert version(path) == len(schema.MIGRATIONS)


async def test_opening_again_changes_nothing(path: Path) -> None:
    await Store.open(path).close()
    before = dump(path)
    await Store.open(path).close()
    assert dump(path) == before


async def test_a_journal_of_the_first_schema_opens_with_all_that_is_in_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        await Store.open(path).close()
        assert version(path) == 1
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO probes (id, sender, recipient, sender_provider, recipient_provider,"
            " client, planned_at, delayed_after, lost_after, verdict_at)"
            " VALUES (:id, :sender, :recipient, :sender_provider, :recipient_provider,"
            " :client, :planned_at, :delayed_after, :lost_after, :planned_at)",
            asdict(a_probe()),
        )
    store = Store.open(path)
    assert version(path) == len(schema.MIGRATIONS)
    assert await store.unfinished() == [a_probe()]
    await deliver(store, 2)
    await store.close()


async def test_a_later_migration_keeps_what_is_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(path)
    probe_id = await deliver(store, 1)
    await store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, LATER))
    await Store.open(path).close()
    assert version(path) == len(schema.MIGRATIONS)
    assert [standing.probe.id for standing in standings(path)] == [probe_id]


async def test_a_migration_that_fails_half_way_leaves_the_journal_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(path)
    await deliver(store, 1)
    await store.close()
    good = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*good, f"{LATER}; INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(Exception, match="no such table: nowhere"):
        Store.open(path)
    assert version(path) == len(good)
    monkeypatch.setattr(schema, "MIGRATIONS", (*good, LATER))
    await Store.open(path).close()
    assert len(standings(path)) == 1


async def test_a_reader_reads_on_while_tables_are_migrated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(path)
    probe_id = await deliver(store, 1)
    await store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, LATER))
    with Reader(path) as reader:
        seen: list[int] = []

        def read_meanwhile(statement: str) -> None:
            if statement.startswith("ALTER"):
                seen.append(len(reader.recent()))

        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.set_trace_callback(read_meanwhile)
        schema.migrate(connection)
        connection.set_trace_callback(None)
        assert seen == [1]
        assert [standing.probe.id for standing in reader.recent()] == [probe_id]
        connection.close()


def test_deadlines_are_found_by_their_index(path: Path) -> None:
    connection = connect(path)
    (*_, plan), *_ = connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM probes WHERE due_at <= 1 ORDER BY due_at LIMIT 5"
    ).fetchall()
    connection.close()
    assert "probes_due" in plan
