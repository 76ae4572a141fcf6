"""Facts about one probe, past tense, never altered. Judgements are computed from them.

Times are seconds since 1970, UTC, on this process's one clock (``at``); a server's own time
never stands in ``at``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from probe.core.mailbox import Folder
from probe.mail.dsn import Dsn
from probe.mail.reply import Reply, Stage


class Speaker(StrEnum):
    """Who said a line of a transcript."""

    CLIENT = "C"
    SERVER = "S"
    NOTE = "*"
    """Our own remark, such as "TLS 1.3 established"."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an SMTP transcript; secrets are masked before it is made."""

    offset: float
    """Seconds since the submission began."""
    speaker: Speaker
    text: str


Transcript = tuple[Line, ...]
Timings = dict[Stage, float]
"""Seconds spent in each stage. A stage that a reused connection did not need is absent."""


class Cause(StrEnum):
    """Why a submission came to no reply, in the wire's own terms."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    PROTOCOL = "protocol"
    CREDENTIALS = "credentials"
    """We have nothing to log in with (an unreadable secret, no common mechanism)."""
    CANCELLED = "cancelled"
    """We stopped: shutdown, or a restart that found the submission unfinished."""
    LIMIT = "limit"
    """Our own sending budget was spent."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The submission server took responsibility (RFC 5321 §4.5.5): a 250 after DATA."""

    at: float
    reply: Reply
    timings: Timings = field(default_factory=dict)
    transcript: Transcript = ()
    reused: bool = False
    """Sent over a connection opened earlier: no connect, TLS and auth stages were measured."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A server answered us with a 4yz or 5yz reply."""

    at: float
    stage: Stage
    reply: Reply
    timings: Timings = field(default_factory=dict)
    transcript: Transcript = ()


@dataclass(frozen=True, slots=True)
class Unsent:
    """The exchange ended before the message was handed over, without a refusing reply."""

    at: float
    stage: Stage
    cause: Cause
    detail: str
    timings: Timings = field(default_factory=dict)
    transcript: Transcript = ()


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The connection died after the message was sent and before the reply.

    Accepted or not is unknown (RFC 5321 §4.5.3.2.6). It is never sent again; its arrival
    decides.
    """

    at: float
    cause: Cause
    detail: str
    timings: Timings = field(default_factory=dict)
    transcript: Transcript = ()


@dataclass(frozen=True, slots=True)
class Sighted:
    """The message is visible in the recipient's mailbox."""

    at: float
    """When the server told us (the push crossed the wire), or when a sweep found it."""
    folder: Folder
    not_before: float | None
    """The last moment at which we had verified that it was not there; None: never looked."""
    internal_date: float | None = None
    """The server's own time of storing (RFC 9051 §2.3.3), resolution one second."""
    clock_offset: float | None = None
    """The server's clock minus ours, measured on messages that were pushed; None: unknown."""
    header: str = ""
    """The header of the message as it arrived, bounded, undecodable octets as U+FFFD."""


@dataclass(frozen=True, slots=True)
class Notified:
    """A delivery status notification about this probe came back."""

    at: float
    dsn: Dsn
    raw: str = ""
    """The notification as it came, bounded: the evidence."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The lost-after time ran out, and the mailbox was (or could not be) searched after it."""

    at: float
    watched: bool
    """True: every watched folder was read after the deadline, and the message is in none."""
    detail: str = ""
    """Why it could not be looked for."""


Submission = Accepted | Refused | Unsent | Unconfirmed
Event = Submission | Sighted | Notified | Expired
