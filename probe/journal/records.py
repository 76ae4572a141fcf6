"""What the journal hands out."""

from dataclasses import dataclass

from probe.core.event import Event
from probe.core.outcome import Outcome
from probe.core.probe import Probe, Verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """A probe and how it stands."""

    probe: Probe
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class History:
    """A probe with all its facts, in the order in which they were recorded."""

    probe: Probe
    verdict: Verdict
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class RouteStanding:
    """The last verdict of one route that said anything about it."""

    sender: str
    recipient: str
    outcome: Outcome
    at: float
    delivery_seconds: float | None
    """Of the last probe that arrived, if the last one did."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of probes ended: newest first, by (planned_at, id)."""

    planned_at: float
    id: str
