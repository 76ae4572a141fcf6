"""The account of a campaign: what the journal says, against what the servers did."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from probe.core.facts import gather
from probe.core.outcome import ARRIVED, Outcome
from probe.core.tally import Tallies
from probe.journal.probes import events_of
from probe.journal.reader import Reader
from probe.journal.rows import COLUMNS, probe_of, verdict_of
from tests.crash.servers import Seen, Servers

DENIES_ARRIVAL = {Outcome.LOST, Outcome.UNSENT, Outcome.UNOBSERVED, Outcome.REFUSED}
"""What must not be said of a message that a server stored."""


@dataclass
class Account:
    """Probe ids under everything that must not be, and all outcomes by the time of planning."""

    outcomes: list[tuple[float, str, str]] = field(default_factory=list)
    """Planned at, probe, outcome."""
    open: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    falsely_lost: list[str] = field(default_factory=list)
    falsely_seen: list[str] = field(default_factory=list)
    """Called arrived, and no server ever stored it."""
    unknown: list[str] = field(default_factory=list)
    """A server took it, and the journal does not know it."""
    miscounted: list[str] = field(default_factory=list)

    @property
    def wrongs(self) -> dict[str, list[str]]:
        """All that must be empty."""
        kinds = ("open", "twice", "falsely_lost", "falsely_seen", "unknown", "miscounted")
        return {kind: found for kind in kinds if (found := getattr(self, kind))}


def settle(journal: Path, servers: Servers) -> Account:
    """Hold the journal against the servers."""
    account = Account()
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f"SELECT {COLUMNS}, due_at FROM probes").fetchall()
        for row in rows:
            _one(account, connection, row, servers.seen.get(row["id"], Seen()))
    known = {probe for _, probe, _ in account.outcomes}
    account.unknown = sorted(set(servers.seen) - known)
    with Reader(journal) as reader:
        account.miscounted = _miscounted(rows, reader.tallies())
    return account


def _one(account: Account, connection: sqlite3.Connection, row: sqlite3.Row, seen: Seen) -> None:
    probe, verdict = probe_of(row), verdict_of(row)
    facts = gather(probe, events_of(connection, probe.id))  # raises where there are two ends
    outcome = verdict.outcome
    account.outcomes.append((probe.planned_at, probe.id, str(outcome)))
    if outcome is None or not verdict.final or row["due_at"] is not None or not facts.submission:
        account.open.append(probe.id)
    if seen.submissions > 1 or seen.stored > 1 or seen.copies > 1 or verdict.sightings > 1:
        account.twice.append(probe.id)
    arrived = bool(seen.stored or seen.copies)
    if arrived and outcome in DENIES_ARRIVAL:
        account.falsely_lost.append(probe.id)
    if outcome in ARRIVED and not arrived:
        account.falsely_seen.append(probe.id)


def _miscounted(rows: list[sqlite3.Row], tallies: Tallies) -> list[str]:
    """Where the counters and the probes do not agree."""
    counted: Counter[tuple[tuple[str, str], str]] = Counter()
    for (pair, outcome), number in tallies.concluded.items():
        counted[pair, outcome] += number
    for (pair, before, after), number in tallies.revised.items():
        counted[pair, before] -= number
        counted[pair, after] += number
    exact: Counter[tuple[str, str]] = Counter()
    stand: Counter[tuple[tuple[str, str], str]] = Counter()
    for row in rows:
        pair = (row["sender_provider"], row["recipient_provider"])
        stand[pair, row["outcome"]] += 1
        exact[pair] += row["outcome"] in ARRIVED and not row["estimated"]
    observed = {pair: sum(delivery.counts) for pair, delivery in tallies.delivery.items()}
    return [
        *(
            f"{k}: counted {counted[k]}, are {stand[k]}"
            for k in counted | stand
            if counted[k] != stand[k]
        ),
        *(
            f"{p}: in the histogram {observed.get(p, 0)}, are {exact[p]}"
            for p in exact
            if observed.get(p, 0) != exact[p]
        ),
    ]
