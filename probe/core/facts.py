"""What is known of one probe, folded so that the order in which it became known is forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from probe.core.event import (
    Accepted,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Submission,
    Unconfirmed,
    Unsent,
)
from probe.core.probe import Probe
from probe.mail.dsn import Action


class Phase(StrEnum):
    """Whether the submission has come to an end. It does so exactly once."""

    OPEN = "open"
    SUBMITTED = "submitted"


LEGAL: dict[Phase, frozenset[type[Event]]] = {
    # A message may arrive, and even bounce, before its accepting reply has been read.
    Phase.OPEN: frozenset({Accepted, Refused, Unsent, Unconfirmed, Sighted, Notified}),
    Phase.SUBMITTED: frozenset({Sighted, Notified, Expired}),
}


class IllegalEventError(Exception):
    """A fact that cannot be: nothing is changed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one probe, whatever the order in which it became known."""

    probe: Probe
    submission: Submission | None
    sightings: tuple[Sighted, ...]
    """By time."""
    failures: tuple[Notified, ...]
    """Notifications that say *failed*, by time."""
    expired: Expired | None

    @property
    def phase(self) -> Phase:
        """See Phase."""
        return Phase.SUBMITTED if self.submission else Phase.OPEN

    @property
    def in_flight(self) -> bool:
        """Handed over (as far as we know), and nothing heard since."""
        undecided = isinstance(self.submission, Accepted | Unconfirmed)
        return undecided and not (self.sightings or self.failures or self.expired)

    @property
    def submitted_at(self) -> float | None:
        """When the submission ended, on the clock of what was heard since."""
        return self.submission.at + self.probe.clock_step if self.submission else None

    @property
    def delayed_at(self) -> float | None:
        """The moment after which an arrival is late; None before the submission has ended."""
        return _after(self.submitted_at, self.probe.delayed_after)

    @property
    def lost_at(self) -> float | None:
        """The moment after which it is not waited for."""
        return _after(self.submitted_at, self.probe.lost_after)

    @property
    def first_sighting(self) -> Sighted | None:
        """The earliest copy."""
        return self.sightings[0] if self.sightings else None


def _after(moment: float | None, seconds: float) -> float | None:
    return None if moment is None else moment + seconds


def gather(probe: Probe, events: Iterable[Event]) -> Facts:
    """Fold the events of one probe.

    Raises:
        IllegalEventError: the submission has two ends.
    """
    everything = sorted(events, key=lambda event: event.at)
    ends = [e for e in everything if isinstance(e, Accepted | Refused | Unsent | Unconfirmed)]
    if len(ends) > 1:
        raise IllegalEventError(f"probe {probe.id}: the submission ended twice: {ends!r}")
    expiries = [e for e in everything if isinstance(e, Expired)]
    return Facts(
        probe=probe,
        submission=ends[0] if ends else None,
        sightings=tuple(
            sorted(
                (e for e in everything if isinstance(e, Sighted)),
                key=lambda sighting: (sighting.at, sighting.folder),
            )
        ),
        failures=tuple(
            e for e in everything if isinstance(e, Notified) and e.dsn.action is Action.FAILED
        ),
        # Two can only come of two looks; the one that could see is the better witness.
        expired=max(expiries, key=lambda e: (e.watched, -e.at), default=None),
    )


def check(facts: Facts, event: Event) -> None:
    """Whether a fact may join these facts.

    Raises:
        IllegalEventError: it may not.
    """
    if type(event) not in LEGAL[facts.phase]:
        raise IllegalEventError(
            f"probe {facts.probe.id}: {type(event).__name__} cannot follow in phase {facts.phase}"
        )
