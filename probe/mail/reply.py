"""What an SMTP server says: replies (RFC 5321 §4.2) and enhanced status codes (RFC 3463)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

# RFC 3463 §2: class "." subject "." detail. The reply text begins with it (RFC 2034 §4); some
# filters write a "#" before or a ":" behind it. What goes on with a dot is an IP address.
_ENHANCED = re.compile(r"\s*#?([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\w)")

# No standard says how a server names the queue id in its final reply; these are the habits
# of the servers we meet. An id is a run of visible characters, so that text such as
# "250 OK queued" yields nothing.
_QUEUE_IDS = (
    re.compile(r"queued as <?([\w.+/=-]{4,})>?", re.IGNORECASE),  # Postfix, iCloud, appliances
    re.compile(r"\bid=([\w-]{6,})"),  # Exim
    re.compile(r"<([^<>\s]+)> \[Hostname=", re.IGNORECASE),  # Exchange Online
    re.compile(r"\[InternalId=(\d+)", re.IGNORECASE),  # Exchange between servers
    re.compile(
        r"^(?:2\.\d\.\d )?OK +\d{9,} ([\w.-]+)(?: - gsmtp)?$", re.IGNORECASE | re.MULTILINE
    ),  # Google
    re.compile(
        r"^(?:2\.\d\.\d )?([\w-]{6,}) Message accepted for delivery", re.IGNORECASE | re.MULTILINE
    ),  # Sendmail
    re.compile(r"\bqueue(?:d)?[ -]?id[:= ]+([\w.-]{4,})", re.IGNORECASE),
)


class Stage(StrEnum):
    """How far a submission had come; in the order in which the stages happen."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    ENVELOPE = "envelope"
    DATA = "data"


@dataclass(frozen=True, slots=True, order=True)
class EnhancedStatus:
    """An enhanced mail system status code, RFC 3463."""

    klass: int
    subject: int
    detail: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the code at the start of a reply's text; None where there is none."""
        found = _ENHANCED.match(text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.klass}.{self.subject}.{self.detail}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply: the three-digit code and its text, lines joined by line feeds."""

    code: int
    text: str

    @property
    def enhanced(self) -> EnhancedStatus | None:
        """The enhanced status code, where its class agrees with the reply code (RFC 2034 §4)."""
        status = EnhancedStatus.parse(self.text)
        return status if status and status.klass == self.code // 100 else None

    @property
    def permanent(self) -> bool:
        """True for a 5yz reply: the same message would be refused again (RFC 5321 §4.2.1)."""
        return self.code // 100 == 5

    @property
    def queue_id(self) -> str | None:
        """The name under which the server says that it keeps the message; None if it does not."""
        for pattern in _QUEUE_IDS:
            if found := pattern.search(self.text):
                return found[1]
        return None

    def __str__(self) -> str:
        return f"{self.code} {self.text}".replace("\n", " / ")
