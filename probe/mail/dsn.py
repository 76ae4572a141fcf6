"""Delivery status notifications (RFC 3464, RFC 6533), read from raw messages.

stdlib ``email`` under ``compat32`` does the MIME work; hostile input gives a result or None.
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class DsnRecipient:
    """The per-recipient fields, RFC 3464 §2.3, addresses and MTA names without their type."""

    recipient: str
    action: Action | None
    status: str | None = None
    diagnostic: str | None = None
    remote_mta: str | None = None


@dataclass(frozen=True, slots=True)
class Dsn:
    """A delivery status notification."""

    recipients: tuple[DsnRecipient, ...]
    reporting_mta: str | None = None
    original_message_id: str | None = None

    @property
    def action(self) -> Action:
        """The worst of the recipients' actions; ``failed`` where none is given."""
        order = list(Action)
        given = [r.action for r in self.recipients if r.action]
        return min(given, key=order.index) if given else Action.FAILED
