"""Counting verdicts: what the counters and the histogram are made of.

Kept in the journal beside the probes, in the same transaction as the verdict that moved them,
so that a restart continues them and they always agree with what is written there.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

from probe.core.outcome import ARRIVED, Outcome
from probe.core.probe import Probe, Verdict

DELIVERY_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Upper bounds in seconds. Mail that is well takes seconds; greylisting takes five minutes;
the step from 600 to 3600 is where a queue is stuck."""

Pair = tuple[str, str]
"""Sender's provider, recipient's provider."""


@dataclass(slots=True)
class Delivery:
    """One histogram: counts per bucket (the last is +Inf, not cumulative) and the sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(DELIVERY_BUCKETS) + 1))
    total_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one delivery time."""
        self.counts[bisect_left(DELIVERY_BUCKETS, seconds)] += 1
        self.total_seconds += seconds


@dataclass(slots=True)
class Tallies:
    """All counts by provider pair."""

    concluded: dict[tuple[Pair, Outcome], int] = field(default_factory=dict)
    """Each probe once, under its first final outcome."""
    revised: dict[tuple[Pair, Outcome, Outcome], int] = field(default_factory=dict)
    """Final outcomes that a late fact changed: from, to."""
    delivery: dict[Pair, Delivery] = field(default_factory=dict)
    """Exact delivery times only, each probe at most once."""


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that changed, as the listeners are told of it."""

    probe: Probe
    before: Verdict
    after: Verdict

    @property
    def pair(self) -> Pair:
        """The providers at both ends."""
        return (self.probe.sender_provider, self.probe.recipient_provider)

    @property
    def concluded(self) -> bool:
        """The probe has its first final outcome now."""
        return self.after.final and not self.before.final

    @property
    def revised(self) -> bool:
        """A final outcome became another."""
        return self.before.final and self.after.final and self.before.outcome != self.after.outcome

    @property
    def observed_seconds(self) -> float | None:
        """A delivery time that belongs in the histogram now, and did not before."""
        return _exact(self.after) if _exact(self.before) is None else None


def count(tallies: Tallies, change: Change) -> None:
    """Add one change to the counts."""
    before, after = change.before.outcome, change.after.outcome
    if change.concluded and after:
        key = (change.pair, after)
        tallies.concluded[key] = tallies.concluded.get(key, 0) + 1
    elif change.revised and before and after:
        moved = (change.pair, before, after)
        tallies.revised[moved] = tallies.revised.get(moved, 0) + 1
    if (seconds := change.observed_seconds) is not None:
        tallies.delivery.setdefault(change.pair, Delivery()).observe(seconds)


def _exact(verdict: Verdict) -> float | None:
    if verdict.estimated or not verdict.final or verdict.outcome not in ARRIVED:
        return None
    return verdict.delivery_seconds
