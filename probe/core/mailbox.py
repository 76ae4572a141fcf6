"""Mailboxes, and the directed routes between them."""

from dataclasses import dataclass
from enum import StrEnum


class Folder(StrEnum):
    """The part that a folder plays, whatever its name is (RFC 6154 §2)."""

    INBOX = "inbox"
    JUNK = "junk"
    SENT = "sent"


WATCHED = (Folder.INBOX, Folder.JUNK)
"""Where an arriving message is looked for. Sent folders are only cleaned."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address that we own (RFC 5598 §2.1). Ids, not addresses, go into labels and logs."""

    id: str
    address: str
    provider: str
    client: str = ""

    @property
    def domain(self) -> str:
        """The part after the last ``@``, lower case."""
        return self.address.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class Route:
    """A directed pair of mailboxes, by id, and what we expect of it. Durations in seconds."""

    sender: str
    recipient: str
    interval: float
    delayed_after: float
    lost_after: float

    @property
    def pair(self) -> tuple[str, str]:
        """What identifies the route."""
        return (self.sender, self.recipient)
