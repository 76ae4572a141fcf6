"""One synthetic message: what was planned, and how it stands."""

from dataclasses import dataclass

from probe.core.mailbox import Folder
from probe.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe as it was journalled before anything was sent; never altered."""

    id: str
    """16 characters of base32 (see probe.mail.token)."""
    sender: str
    """Mailbox id."""
    recipient: str
    """Mailbox id."""
    sender_provider: str
    recipient_provider: str
    client: str
    """The recipient's client, else the sender's, else empty."""
    planned_at: float
    delayed_after: float
    """Seconds after acceptance."""
    lost_after: float
    """Seconds after acceptance."""
    clock_step: float = 0.0
    """By how many seconds the machine's clock was set while the probe was in flight and mailprobe
    was not running. Its planning and its submission are on the clock of before, what was heard
    of it since on the clock of after. The one thing that is not planned."""

    @property
    def route(self) -> tuple[str, str]:
        """The route's identity."""
        return (self.sender, self.recipient)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a probe stands, computed from its facts; a late fact may change it."""

    outcome: Outcome | None
    """None: in flight, not overdue."""
    final: bool
    """True: no deadline is pending. (A fact that comes late may still revise it.)"""
    at: float
    """When what decided it happened, not when we noticed."""
    submitted_at: float | None = None
    """When the server accepted it, or when we gave up trying; None: still trying."""
    delivery_seconds: float | None = None
    """From the accepting reply to being visible; None unless it arrived."""
    estimated: bool = False
    """The delivery time is taken from the server's clock, because we were not looking."""
    folder: Folder | None = None
    sightings: int = 0
    """How many copies were seen; more than one is a duplicate."""
    detail: str = ""
    """One line for a person: the reply, the diagnostic, what was not reachable."""
