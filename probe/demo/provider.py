"""One provider: its submission server, its mailboxes, and the door for mail from others."""

import ssl
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from probe.config.secret import Secret
from probe.config.settings import (
    Endpoint,
    FolderRule,
    ImapSettings,
    MailboxSettings,
    SmtpSettings,
    Tls,
)
from probe.core.mailbox import Mailbox
from probe.demo.commons import Commons
from probe.demo.listener import HOST, Listener
from probe.demo.store import MailStore
from probe.demo.submission import Accept, SubmissionServer
from probe.demo.vendors import VENDORS, Vendor

# Shorter than for real servers: in a demo a person waits to see that a server hangs.
_TIMEOUT = 10.0
_POLL = 15.0
# The world has no limit; this is a message each two seconds.
_SENDS_PER_DAY = 43_200


class Part(StrEnum):
    """What of a provider can fail on its own."""

    SMTP = "smtp"
    """Submission."""
    IMAP = "imap"
    MX = "mx"
    """Taking mail in from other providers."""


class Provider:
    """A vendor in operation."""

    def __init__(
        self,
        vendor: Vendor,
        passwords: Mapping[str, Secret],
        commons: Commons,
        tls: ssl.SSLContext,
        accept: Accept,
    ) -> None:
        self.vendor = vendor
        self.store = MailStore(vendor, commons, tls)
        self.mx_open = True
        """Whether mail from other providers is taken in; theirs waits while it is not."""
        self._passwords = passwords
        self._submission = SubmissionServer(vendor, passwords, commons, tls, accept)

    @property
    def smtp(self) -> Listener:
        """Where mail is submitted."""
        return self._submission.listener

    @property
    def imap(self) -> Listener:
        """Where mail is read."""
        return self.store.listener

    async def start(self, *parts: Part) -> None:
        """Put these parts into operation, or all; a part that is stays as it is."""
        parts = parts or tuple(Part)
        self.mx_open = self.mx_open or Part.MX in parts
        if Part.SMTP in parts:
            await self.smtp.start()
        if Part.IMAP in parts:
            await self.imap.start()

    async def stop(self, *parts: Part) -> None:
        """An outage of these parts, or of all: connections are cut, and the mail is kept."""
        parts = parts or tuple(Part)
        self.mx_open = self.mx_open and Part.MX not in parts
        if Part.SMTP in parts:
            await self.smtp.stop()
        if Part.IMAP in parts:
            await self.imap.stop()

    async def open_accounts(self) -> None:
        """Make the mailboxes."""
        for address, password in self._passwords.items():
            await self.store.open_account(address, password)

    async def close(self) -> None:
        """Stop for good."""
        await self.smtp.close()
        await self.imap.close()

    def mailboxes(self, ca_file: Path) -> tuple[MailboxSettings, ...]:
        """How mailprobe reaches each of them."""
        return tuple(
            self._mailbox(address, password, ca_file)
            for address, password in self._passwords.items()
        )

    def _mailbox(self, address: str, password: Secret, ca_file: Path) -> MailboxSettings:
        vendor = self.vendor
        local_part = address.partition("@")[0]

        def endpoint(listener: Listener, tls: Tls) -> Endpoint:
            return Endpoint(HOST, listener.port, tls, address, password, ca_file, _TIMEOUT)

        sent = FolderRule(guesses=tuple(v.sent for v in VENDORS), absent=not vendor.keeps_sent)
        return MailboxSettings(
            mailbox=Mailbox(f"{vendor.id}-{local_part}", address, vendor.id),
            smtp=SmtpSettings(endpoint(self.smtp, vendor.submission_tls)),
            imap=ImapSettings(
                endpoint(self.imap, vendor.imap_tls),
                junk=FolderRule(guesses=tuple(v.junk for v in VENDORS)),
                sent=sent,
                poll=_POLL,
            ),
            sends_per_day=_SENDS_PER_DAY,
        )
