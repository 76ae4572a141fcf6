"""The last verdicts between each two providers, in memory: what the matrix is drawn from.

The journal has them too, but a page that refreshes every few seconds on a wall must cost
nothing there, however many probes an hour has.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from probe.core.outcome import Outcome
from probe.core.probe import Probe, Verdict
from probe.core.tally import Change, Pair
from probe.journal.records import Standing

KEPT = 60
"""Verdicts per pair: an hour of one route at its usual interval, and as many points as a
sparkline can show."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a matrix needs to know of one probe."""

    route: tuple[str, str]
    planned_at: float
    outcome: Outcome
    delivery_seconds: float | None


class Recent:
    """A listener of the correlator."""

    def __init__(self, standings: Iterable[Standing] = ()) -> None:
        self._marks: dict[Pair, dict[str, Mark]] = {}
        for standing in sorted(standings, key=lambda standing: standing.probe.planned_at):
            self._note(standing.probe, standing.verdict)

    def changed(self, change: Change) -> None:
        """Note a verdict, or the revision of one."""
        self._note(change.probe, change.after)

    def marks(self, pair: Pair, since: float) -> list[Mark]:
        """Verdicts on probes planned at or after ``since``, oldest first."""
        marks = [m for m in self._marks.get(pair, {}).values() if m.planned_at >= since]
        return sorted(marks, key=lambda mark: mark.planned_at)

    def _note(self, probe: Probe, verdict: Verdict) -> None:
        if verdict.outcome is None:
            return
        marks = self._marks.setdefault((probe.sender_provider, probe.recipient_provider), {})
        marks[probe.id] = Mark(
            probe.route, probe.planned_at, verdict.outcome, verdict.delivery_seconds
        )
        if len(marks) > KEPT:
            del marks[min(marks, key=lambda id_: marks[id_].planned_at)]
