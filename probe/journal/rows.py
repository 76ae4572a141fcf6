"""Rows of the probes table, as the types of the core."""

import sqlite3
from dataclasses import fields

from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.probe import Probe, Verdict

PROBE_COLUMNS = tuple(field.name for field in fields(Probe))
VERDICT_COLUMNS = (
    "outcome",
    "final",
    "verdict_at",
    "submitted_at",
    "delivery_seconds",
    "estimated",
    "folder",
    "sightings",
    "detail",
)
COLUMNS = ", ".join((*PROBE_COLUMNS, *VERDICT_COLUMNS))


def probe_values(probe: Probe) -> tuple[str | float, ...]:
    """The values of PROBE_COLUMNS."""
    return tuple(getattr(probe, name) for name in PROBE_COLUMNS)


def verdict_values(verdict: Verdict) -> tuple[str | float | None, ...]:
    """The values of VERDICT_COLUMNS."""
    return (
        verdict.outcome,
        verdict.final,
        verdict.at,
        verdict.submitted_at,
        verdict.delivery_seconds,
        verdict.estimated,
        verdict.folder,
        verdict.sightings,
        verdict.detail,
    )


def probe_of(row: sqlite3.Row) -> Probe:
    """The probe of a row."""
    return Probe(*(row[name] for name in PROBE_COLUMNS))


def verdict_of(row: sqlite3.Row) -> Verdict:
    """The verdict of a row."""
    return Verdict(
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        final=bool(row["final"]),
        at=row["verdict_at"],
        submitted_at=row["submitted_at"],
        delivery_seconds=row["delivery_seconds"],
        estimated=bool(row["estimated"]),
        folder=Folder(row["folder"]) if row["folder"] else None,
        sightings=row["sightings"],
        detail=row["detail"],
    )
