"""One time for the whole journal, though the machine's clock is set while nobody runs.

A process keeps one time from its start to its end (probe.daemon.clock). The next one has
another if the machine's clock was set: then a probe in flight would look an hour old, and be
called lost, or seem to arrive before it was sent. So what is still waited for, and what says
how things stand now, is put into the new time. Concluded probes and their facts stay as they
were written.
"""

import sqlite3

from probe.journal.probes import rejudge

NOISE = 0.1
"""Seconds. Two processes never read the machine's clocks with the same delay."""


def take_over(connection: sqlite3.Connection, boot: str, anchor: float, now: float) -> float:
    """Put the journal into the time of this process.

    Args:
        connection: the writer's, in a transaction.
        boot: which start of the machine this is; empty: that cannot be told.
        anchor: our clock minus the machine's steady one, comparable within one boot.
        now: the present moment on our clock.

    Returns:
        By how many seconds the machine's clock was set since the last process started, as far
        as that shows; 0.0 if it was not.
    """
    moved = _moved(connection, boot, anchor, now)
    by = moved if abs(moved) > NOISE else 0.0
    if by:
        _translate(connection, by, now)
    connection.execute("DELETE FROM clock")
    connection.execute("INSERT INTO clock VALUES (?, ?)", (boot, anchor))
    return by


def _moved(connection: sqlite3.Connection, boot: str, anchor: float, now: float) -> float:
    known = connection.execute("SELECT boot, anchor FROM clock").fetchone()
    if boot and known is not None and known["boot"] == boot:
        return anchor - float(known["anchor"])
    # After a start of the machine, only this can be told: nothing was written in the future.
    (latest,) = connection.execute(
        "SELECT MAX(at) FROM (SELECT MAX(planned_at) AS at FROM probes"
        " UNION ALL SELECT MAX(verified_at) FROM bookmarks)"
    ).fetchone()
    return min(0.0, now - latest) if latest is not None else 0.0


def _translate(connection: sqlite3.Connection, by: float, now: float) -> None:
    connection.execute(
        "UPDATE bookmarks SET verified_at = verified_at + ?1, clock_offset = clock_offset - ?1",
        (by,),
    )
    connection.execute("UPDATE copies SET seen_at = seen_at + ?", (by,))
    connection.execute("UPDATE routes SET at = at + ?1, planned_at = planned_at + ?1", (by,))
    # Of a probe that nothing was heard of, all that comes will come in the new time.
    silent = connection.execute(
        "SELECT id FROM probes WHERE due_at IS NOT NULL OR (submitted_at IS NULL AND NOT"
        " EXISTS (SELECT 1 FROM events WHERE probe_id = probes.id))"
    ).fetchall()
    for row in silent:
        connection.execute(
            "UPDATE probes SET clock_step = clock_step + ? WHERE id = ?", (by, row["id"])
        )
        rejudge(connection, row["id"], now)
