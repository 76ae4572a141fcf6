"""How long a message took, and whether we know it or infer it."""

from dataclasses import dataclass

from probe.core.event import Accepted, Sighted
from probe.core.facts import Facts
from probe.core.probe import Probe

EXACT_GAP = 0.5
"""Seconds. A message known to be absent so shortly before it was seen has an exact delivery
time: the smallest bucket of the histogram cannot tell the difference."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """When it arrived, as well as we can know."""

    seconds: float
    estimated: bool


def delivery(facts: Facts) -> Delivery | None:
    """The time from the accepting reply to being visible, of the first copy.

    Both ends are on our own clock where we saw the message come. Where we were not looking,
    the server's INTERNALDATE is taken, corrected by the measured difference of the clocks and
    held between the last moment at which it was absent and the moment at which it was found.
    """
    seen, submission = facts.first_sighting, facts.submission
    if seen is None or submission is None:
        return None
    accepted = isinstance(submission, Accepted)
    start = facts.probe.clock_step + (submission.at if accepted else facts.probe.planned_at)
    absent_until = max(start, seen.not_before if seen.not_before is not None else start)
    if seen.at - absent_until <= EXACT_GAP:
        known = accepted and not _over_a_clock_step(facts.probe, seen)
        return Delivery(max(0.0, seen.at - start), estimated=not known)
    arrived = seen.at
    if seen.internal_date is not None:
        stored = seen.internal_date - (seen.clock_offset or 0.0)
        arrived = min(max(stored, absent_until), seen.at)
    return Delivery(max(0.0, arrived - start), estimated=True)


def _over_a_clock_step(probe: Probe, seen: Sighted) -> bool:
    """Whether the clock was set between the two ends, or must have been, since time ran back."""
    return bool(probe.clock_step) or seen.at < probe.planned_at
