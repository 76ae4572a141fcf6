"""Writing probes and their facts: the only place where a probe's state changes on disk."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from probe.core import lifecycle
from probe.core.event import Event, Expired, Notified
from probe.core.facts import Facts, check, gather
from probe.core.observation import MessageRef
from probe.core.outcome import Outcome
from probe.core.probe import Probe, Verdict
from probe.core.tally import Change
from probe.journal import codec, rows, tallies


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a message of ours lies."""

    mailbox: str
    ref: MessageRef


class Ignored(StrEnum):
    """Why a fact was not recorded; nothing is wrong with it."""

    UNKNOWN = "unknown"
    """The journal has no such probe (any more)."""
    KNOWN_COPY = "known copy"
    """This very message was recorded before: a sweep read it twice."""
    MISPLACED = "misplaced"
    """The message lies where the probe's route does not lead."""
    CONCLUDED = "concluded"
    """The wait was said to be over, and the probe had been heard of in the meantime."""


@dataclass(frozen=True, slots=True)
class Due:
    """A probe whose deadline has come."""

    probe: Probe
    at: float
    """The delayed-after or the lost-after time, whichever ran out last."""
    lost: bool
    """The lost-after time has run out, not only the delayed-after time."""


class ConflictError(Exception):
    """Another process changed the probe between our reading and our writing."""


def open_probe(connection: sqlite3.Connection, probe: Probe) -> None:
    """Write a probe down before anything of it is sent."""
    columns = ", ".join(rows.PROBE_COLUMNS)
    marks = ", ".join("?" * len(rows.PROBE_COLUMNS))
    connection.execute(
        f"INSERT INTO probes ({columns}, verdict_at) VALUES ({marks}, ?)",  # noqa: S608 - our own constants
        (*rows.probe_values(probe), probe.planned_at),
    )


def record(
    connection: sqlite3.Connection, probe_id: str, event: Event, now: float, copy: Copy | None
) -> Change | Ignored:
    """Append a fact and judge anew.

    Args:
        connection: the writer's, in a transaction.
        probe_id: whose fact it is.
        event: the fact.
        now: the moment of the judgement.
        copy: the message that the fact was read from, if it was.

    Raises:
        IllegalEventError: the fact cannot be; nothing is changed.
    """
    row = _row(connection, probe_id)
    if copy is not None and not add_copy(connection, copy, probe_id, event.at):
        return Ignored.KNOWN_COPY
    if row is None:
        return Ignored.UNKNOWN
    probe = rows.probe_of(row)
    if copy is not None and copy.mailbox != _place_of(probe, event):
        return Ignored.MISPLACED
    events = events_of(connection, probe_id)
    facts = gather(probe, events)
    check(facts, event)
    if isinstance(event, Expired) and not facts.in_flight:
        return Ignored.CONCLUDED
    kind, at, fact = codec.encode(event)
    connection.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?)", (probe_id, len(events), kind, at, fact)
    )
    # Judged as it will be read again: what cannot be read is not written.
    written = codec.decode(kind, fact)
    return _rejudge(connection, row, gather(probe, [*events, written]), now)


def rejudge(connection: sqlite3.Connection, probe_id: str, now: float) -> Change | None:
    """Judge again what time alone has changed. None: no such probe."""
    row = _row(connection, probe_id)
    if row is None:
        return None
    facts = gather(rows.probe_of(row), events_of(connection, probe_id))
    return _rejudge(connection, row, facts, now)


def add_copy(connection: sqlite3.Connection, copy: Copy, probe_id: str, seen_at: float) -> bool:
    """Remember where a message of ours lies; False if it was known."""
    cursor = connection.execute(
        "INSERT OR IGNORE INTO copies VALUES (?, ?, ?, ?, ?, ?, 0)",
        (
            copy.mailbox,
            copy.ref.folder,
            copy.ref.uidvalidity,
            copy.ref.uid,
            probe_id,
            seen_at,
        ),
    )
    return cursor.rowcount == 1


def due(connection: sqlite3.Connection, now: float, limit: int) -> list[Due]:
    """Probes whose deadline has come, oldest first."""
    found = connection.execute(
        f"SELECT {rows.COLUMNS}, due_at FROM probes WHERE due_at <= ?"  # noqa: S608 - our own constants
        " ORDER BY due_at LIMIT ?",
        (now, limit),
    )
    return [_due(row, now) for row in found]


def _due(row: sqlite3.Row, now: float) -> Due:
    lost_at = row["submitted_at"] + row["lost_after"]
    lost = lost_at <= now
    return Due(rows.probe_of(row), at=lost_at if lost else row["due_at"], lost=lost)


def next_due(connection: sqlite3.Connection) -> float | None:
    """The earliest deadline."""
    found = connection.execute(
        "SELECT MIN(due_at) FROM probes WHERE due_at IS NOT NULL"
    ).fetchone()
    return None if found is None else found[0]


def postpone(connection: sqlite3.Connection, probe_ids: Sequence[str], until: float) -> None:
    """Look at these probes later."""
    connection.executemany(
        "UPDATE probes SET due_at = ? WHERE id = ? AND due_at IS NOT NULL",
        [(until, probe_id) for probe_id in probe_ids],
    )


def unfinished(connection: sqlite3.Connection) -> list[Probe]:
    """Probes whose submission never ended: an earlier process died with them."""
    found = connection.execute(
        f"SELECT {rows.COLUMNS} FROM probes WHERE submitted_at IS NULL"  # noqa: S608 - our own constants
    )
    return [rows.probe_of(row) for row in found]


def in_flight(connection: sqlite3.Connection) -> list[tuple[str, str, float]]:
    """Probes that are waited for: id, recipient, since when."""
    found = connection.execute(
        "SELECT id, recipient, submitted_at FROM probes WHERE due_at IS NOT NULL"
    )
    return [(row["id"], row["recipient"], row["submitted_at"]) for row in found]


def events_of(connection: sqlite3.Connection, probe_id: str) -> list[Event]:
    """The facts of a probe, in the order in which they were recorded."""
    found = connection.execute(
        "SELECT kind, fact FROM events WHERE probe_id = ? ORDER BY number", (probe_id,)
    )
    return [codec.decode(row["kind"], row["fact"]) for row in found]


def shrink(connection: sqlite3.Connection, pages: int) -> None:
    """Give pages that hold nothing any more back to the file system."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free, pages)):
        # One page at a time: the pragma frees a page a step, and Python takes one step only of
        # what has no rows.
        connection.execute("PRAGMA incremental_vacuum(1)")


def prune(
    connection: sqlite3.Connection, outcomes: Sequence[Outcome], before: float, limit: int
) -> int:
    """Forget concluded probes of these outcomes planned before a moment; how many."""
    marks = ", ".join("?" * len(outcomes))
    cursor = connection.execute(
        "DELETE FROM probes WHERE id IN (SELECT id FROM probes"  # noqa: S608 - only marks are put in
        f" WHERE planned_at < ? AND final AND due_at IS NULL AND outcome IN ({marks}) LIMIT ?)",
        (before, *outcomes, limit),
    )
    return cursor.rowcount


def _place_of(probe: Probe, event: Event) -> str:
    """The mailbox in which such a message belongs: a notification goes back to the sender."""
    return probe.sender if isinstance(event, Notified) else probe.recipient


def _row(connection: sqlite3.Connection, probe_id: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        f"SELECT {rows.COLUMNS}, version FROM probes WHERE id = ?",  # noqa: S608 - our own constants
        (probe_id,),
    ).fetchone()
    return found


def _rejudge(connection: sqlite3.Connection, row: sqlite3.Row, facts: Facts, now: float) -> Change:
    change = Change(facts.probe, rows.verdict_of(row), lifecycle.judge(facts, now))
    _write(connection, row["version"], change, lifecycle.due(facts, now))
    if change.after != change.before:
        tallies.add(connection, change)
        _note_route(connection, change)
    return change


def _write(
    connection: sqlite3.Connection, version: int, change: Change, due_at: float | None
) -> None:
    sets = ", ".join(f"{name} = ?" for name in rows.VERDICT_COLUMNS)
    cursor = connection.execute(
        f"UPDATE probes SET {sets}, due_at = ?, version = version + 1"  # noqa: S608 - our own constants
        " WHERE id = ? AND version = ?",
        (*rows.verdict_values(change.after), due_at, change.probe.id, version),
    )
    if cursor.rowcount != 1:
        raise ConflictError(f"probe {change.probe.id} was changed by another process")


def _note_route(connection: sqlite3.Connection, change: Change) -> None:
    """The route's last word. An older probe's late fact does not overwrite a newer probe's."""
    verdict: Verdict = change.after
    if not verdict.final or verdict.outcome is Outcome.UNOBSERVED:
        return
    connection.execute(
        "INSERT INTO routes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " outcome = excluded.outcome, at = excluded.at, planned_at = excluded.planned_at,"
        " delivery_seconds = excluded.delivery_seconds"
        " WHERE excluded.planned_at >= planned_at",
        (
            *change.probe.route,
            verdict.outcome,
            verdict.at,
            change.probe.planned_at,
            verdict.delivery_seconds,
        ),
    )
