"""What the program runs on: the config, checked, defaults and presets filled in.

Plain frozen types, so that the rooms above depend on what was meant and not on how YAML says
it. Durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from probe.config.protection import Protection
from probe.config.secret import Secret
from probe.core.mailbox import Mailbox, Route


class Tls(StrEnum):
    """How a connection is protected."""

    IMPLICIT = "implicit"
    """TLS from the first octet (RFC 8314): ports 465 and 993."""
    STARTTLS = "starttls"
    """Upgrade before login, required: ports 587 and 143."""
    PLAIN = "plain"
    """No TLS, by name only; for a server on this machine."""


class Mechanism(StrEnum):
    """SASL mechanism for a password."""

    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, and how to talk to it."""

    host: str
    port: int
    tls: Tls
    username: str
    password: Secret
    ca_file: Path | None = None
    """Trust these certificates instead of the system's."""
    timeout: float = 30.0
    """Longest wait for one answer."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Submission (RFC 6409) for one mailbox."""

    endpoint: Endpoint
    mechanism: Mechanism | None = None
    """None: the best that the server offers, PLAIN before LOGIN before CRAM-MD5."""
    helo: str = "mailprobe.invalid"
    total_timeout: float = 120.0
    """Longest time for one whole submission, however busy the line."""
    connection_idle: float = 5.0
    """An unused connection is closed after this."""
    connection_messages: int = 50
    """A connection is closed after this many messages, so that connecting is measured too."""


@dataclass(frozen=True, slots=True)
class FolderRule:
    """How to find the folder that plays a part."""

    name: str | None = None
    """Exactly this one, if given."""
    absent: bool = False
    """There is none; do not look."""
    guesses: tuple[str, ...] = ()
    """Names to try, in this order, where the server does not mark it (RFC 6154)."""


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """Watching one mailbox over IMAP."""

    endpoint: Endpoint
    junk: FolderRule = field(default_factory=FolderRule)
    sent: FolderRule = field(default_factory=FolderRule)
    idle_renewal: float = 240.0
    """IDLE is ended and begun anew after this; some servers drop it silently at 300 s."""
    poll: float = 60.0
    """The folder is read at least this often, whatever was or was not pushed."""


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """One mailbox, and the ways to it."""

    mailbox: Mailbox
    smtp: SmtpSettings
    imap: ImapSettings
    sends_per_day: int
    """Our own budget, below the provider's limit."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages and metrics are served."""

    host: str = "127.0.0.1"
    port: int = 9925
    hosts: tuple[str, ...] = ()
    """More names under which the pages may be asked for."""
    protection: Protection = field(default_factory=Protection)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    mail: float = 3600.0
    """Our messages in the mailboxes, counted from their arrival."""
    delivered: float = 30 * 86400.0
    """Probes that were delivered, in the journal."""
    others: float = 400 * 86400.0
    """All other probes, in the journal."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything."""

    path: Path
    msp: str
    journal: Path
    web: WebSettings
    retention: Retention
    mailboxes: Mapping[str, MailboxSettings]
    """By mailbox id, in the order of the file."""
    routes: tuple[Route, ...]
    """Explicit and meshed, each directed pair once."""
    warnings: tuple[str, ...] = ()
    """What works but should be looked at; one line each, with its place in the file."""
