"""Counters and histograms as rows, moved in the same transaction as the verdict."""

import sqlite3

from probe.core.outcome import Outcome
from probe.core.tally import DELIVERY_BUCKETS, Change, Delivery, Pair, Tallies

_CONCLUDED, _REVISED, _BUCKET, _SUM = "concluded", "revised", "bucket", "sum"


def add(connection: sqlite3.Connection, change: Change) -> None:
    """Count one change of a verdict."""
    before, after = change.before.outcome, change.after.outcome
    if change.concluded and after:
        _add(connection, _CONCLUDED, change.pair, after, 1)
    elif change.revised:
        _add(connection, _REVISED, change.pair, f"{before} {after}", 1)
    if (seconds := change.observed_seconds) is not None:
        # Named by its bound, so that other buckets in a later version do not mix with these.
        bound = next((bound for bound in DELIVERY_BUCKETS if seconds <= bound), "+Inf")
        _add(connection, _BUCKET, change.pair, str(bound), 1)
        _add(connection, _SUM, change.pair, "", seconds)


def load(connection: sqlite3.Connection) -> Tallies:
    """All counts as they stand."""
    found = Tallies()
    for kind, sender, recipient, key, value in connection.execute(
        "SELECT kind, sender_provider, recipient_provider, key, value FROM tallies"
    ):
        _READERS[kind](found, (sender, recipient), key, value)
    return found


def _add(connection: sqlite3.Connection, kind: str, pair: Pair, key: str, value: float) -> None:
    connection.execute(
        "INSERT INTO tallies VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = value + excluded.value",
        (kind, *pair, key, value),
    )


def _concluded(found: Tallies, pair: Pair, key: str, value: float) -> None:
    found.concluded[pair, Outcome(key)] = int(value)


def _revised(found: Tallies, pair: Pair, key: str, value: float) -> None:
    before, after = key.split(" ")
    found.revised[pair, Outcome(before), Outcome(after)] = int(value)


def _bucket(found: Tallies, pair: Pair, key: str, value: float) -> None:
    bound = float("inf") if key == "+Inf" else float(key)
    place = sum(known < bound for known in DELIVERY_BUCKETS)
    found.delivery.setdefault(pair, Delivery()).counts[place] += int(value)


def _sum(found: Tallies, pair: Pair, _key: str, value: float) -> None:
    found.delivery.setdefault(pair, Delivery()).total_seconds = value


_READERS = {_CONCLUDED: _concluded, _REVISED: _revised, _BUCKET: _bucket, _SUM: _sum}
