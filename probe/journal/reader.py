"""Reading the journal: a read-only connection of its own (WAL lets it read while one writes).

Blocking: call it in a thread. One reader serves one thread at a time.
"""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from probe.core.outcome import Outcome
from probe.core.tally import Tallies
from probe.journal import rows, tallies
from probe.journal.probes import events_of
from probe.journal.records import Cursor, History, RouteStanding, Standing

MAX_PAGE = 1000
"""Probes on one page, whatever was asked for."""


class Reader:
    """Questions that views ask."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA busy_timeout = 2000")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def history(self, probe_id: str) -> History | None:
        """One probe with all its facts; None if there is none of that id."""
        row = self._connection.execute(
            f"SELECT {rows.COLUMNS} FROM probes WHERE id = ?",  # noqa: S608 - our own constants
            (probe_id,),
        ).fetchone()
        if row is None:
            return None
        facts = tuple(events_of(self._connection, probe_id))
        return History(rows.probe_of(row), rows.verdict_of(row), facts)

    def recent(  # noqa: PLR0913 - filters, each optional and named
        self,
        *,
        limit: int = 50,
        before: Cursor | None = None,
        since: float | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        sender_provider: str | None = None,
        recipient_provider: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[Standing]:
        """Probes planned at or after ``since``, newest first, one page."""
        equal = {
            "sender": sender,
            "recipient": recipient,
            "sender_provider": sender_provider,
            "recipient_provider": recipient_provider,
            "outcome": outcome,
        }
        asked = {name: value for name, value in equal.items() if value is not None}
        clauses = [f"{name} = ?" for name in asked]
        values: list[str | float] = list(asked.values())
        if since is not None:
            clauses.append("planned_at >= ?")
            values.append(since)
        if before is not None:
            clauses.append("(planned_at, id) < (?, ?)")
            values += [before.planned_at, before.id]
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        found = self._connection.execute(
            f"SELECT {rows.COLUMNS} FROM probes {where}"  # noqa: S608 - our own column names
            " ORDER BY planned_at DESC, id DESC LIMIT ?",
            (*values, max(0, min(limit, MAX_PAGE))),  # sqlite takes -1 for no limit
        )
        return [Standing(rows.probe_of(row), rows.verdict_of(row)) for row in found]

    def routes(self) -> list[RouteStanding]:
        """Every route that ever had a verdict."""
        found = self._connection.execute(
            "SELECT sender, recipient, outcome, at, delivery_seconds FROM routes"
        )
        return [
            RouteStanding(
                row["sender"],
                row["recipient"],
                Outcome(row["outcome"]),
                row["at"],
                row["delivery_seconds"],
            )
            for row in found
        ]

    def tallies(self) -> Tallies:
        """All counts, as they stand."""
        return tallies.load(self._connection)
