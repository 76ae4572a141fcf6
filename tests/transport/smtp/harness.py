"""Settings and a submitter for tests: real sockets, nothing replaced."""

from dataclasses import dataclass, field, replace
from typing import Any

from probe.config.secret import Secret
from probe.config.settings import Endpoint, ImapSettings, MailboxSettings, SmtpSettings, Tls
from probe.core.event import Line, Submission
from probe.core.mailbox import Mailbox
from probe.transport.smtp import Submitter

PASSWORD = 'tr0ub4dor "&\\3'
SENDER, RECIPIENT = "north", "probe@blue.test"
MESSAGE = (
    b"From: probe@north.test\r\nTo: probe@blue.test\r\nSubject: hello\r\n\r\n.dot\r\nbody\r\n"
)
NOW = 1_750_000_000.0
BRIEF = 0.6
"""Seconds of a limit that is meant to pass. On a busy machine, too, the steps before take less."""

_ENDPOINT_KEYS = {"host", "port", "tls", "username", "password", "ca_file", "timeout"}


def mailbox(port: int, **changes: Any) -> MailboxSettings:
    """A sender at a server on loopback; any field of Endpoint or SmtpSettings can be changed."""
    of_endpoint = {key: changes.pop(key) for key in _ENDPOINT_KEYS & changes.keys()}
    endpoint = Endpoint(
        "127.0.0.1", port, Tls.PLAIN, "probe@north.test", Secret(PASSWORD), timeout=10.0
    )
    smtp = SmtpSettings(replace(endpoint, **of_endpoint), connection_idle=60.0)
    return MailboxSettings(
        Mailbox(SENDER, "probe@north.test", "northmail"),
        replace(smtp, **changes),
        ImapSettings(endpoint),
        sends_per_day=100,
    )


@dataclass
class Bench:
    """A submitter whose settings can be changed between submissions."""

    mailbox: MailboxSettings
    certificates: list[tuple[str, str, float]] = field(default_factory=list)
    submitter: Submitter = field(init=False)

    def __post_init__(self) -> None:
        self.submitter = Submitter(self._settings, lambda: NOW, self._seen)

    def _settings(self, sender_id: str) -> MailboxSettings:
        return {SENDER: self.mailbox}[sender_id]

    def _seen(self, host: str, protocol: str, ends: float) -> None:
        self.certificates.append((host, protocol, ends))

    async def submit(self, message: bytes = MESSAGE, to: str = RECIPIENT) -> Submission:
        return await self.submitter.submit(SENDER, to, message)


def dialogue(lines: tuple[Line, ...]) -> list[str]:
    """A transcript without its times."""
    return [f"{line.speaker}: {line.text}" for line in lines]
