"""The canonical log line: one per change of a verdict, with all that a search needs."""

from probe import logs
from probe.core.event import Event
from probe.core.tally import Change


def log_line(change: Change, event: Event | None) -> None:
    """A listener of the correlator."""
    probe, verdict = change.probe, change.after
    if verdict.outcome is None or verdict == change.before:
        return
    logs.get().info(
        "probe.revised" if change.revised else "probe.judged",
        probe=probe.id,
        sender=probe.sender,
        recipient=probe.recipient,
        client=probe.client or None,
        outcome=verdict.outcome.value,
        final=verdict.final,
        delivery_seconds=_rounded(verdict.delivery_seconds),
        estimated=verdict.estimated or None,
        because=type(event).__name__.lower() if event else "overdue",
        detail=verdict.detail or None,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
