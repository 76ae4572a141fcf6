"""One sender's way out: one submission at a time, over a connection kept while it is useful."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from probe.config.settings import MailboxSettings, SmtpSettings
from probe.core.event import Accepted
from probe.transport.smtp.channel import CertificateSeen
from probe.transport.smtp.connection import Connection
from probe.transport.smtp.exchange import Exchange
from probe.transport.smtp.failure import EXPECTED, was_dead


@dataclass(slots=True)
class Lane:
    """Whoever submits holds ``lock``; while nobody does, an idle timer runs."""

    certificate_seen: CertificateSeen
    leaving: Callable[[Connection], None]
    """Told each connection that is being closed, so that the end can be waited for."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _kept: Connection | None = None
    _timer: asyncio.TimerHandle | None = None

    async def submit(
        self, mailbox: MailboxSettings, recipient: str, message: bytes, exchange: Exchange
    ) -> Accepted:
        """Send over the kept connection or a fresh one.

        A kept connection that the server closed meanwhile is replaced once: nothing had been
        handed over.

        Raises:
            Exception: one of ``failure.EXPECTED``.
        """
        kept = self._take(mailbox.smtp)
        if kept:
            exchange.reused = True
            exchange.note("over the connection opened earlier")
            try:
                return await self._over(kept, mailbox, recipient, message, exchange)
            except EXPECTED as error:
                if not was_dead(error, exchange):
                    raise
            exchange.restart()
            exchange.note("the server had closed the idle connection: connecting anew")
        fresh = await Connection.open(mailbox.smtp, exchange, self.certificate_seen)
        return await self._over(fresh, mailbox, recipient, message, exchange)

    def leave(self) -> None:
        """Close the kept connection, if any."""
        if self._timer:
            self._timer.cancel()
        kept, self._kept, self._timer = self._kept, None, None
        if kept:
            self.leaving(kept)
            kept.leave()

    async def _over(
        self,
        connection: Connection,
        mailbox: MailboxSettings,
        recipient: str,
        message: bytes,
        exchange: Exchange,
    ) -> Accepted:
        try:
            reply = await connection.submit(mailbox.mailbox.address, recipient, message, exchange)
            return exchange.accepted(reply.code, reply.message)
        finally:
            self._keep(connection)

    def _take(self, settings: SmtpSettings) -> Connection | None:
        """The kept connection, if it still lives and the settings are what it was opened with."""
        kept = self._kept
        if kept and kept.usable and kept.settings == settings:
            if self._timer:
                self._timer.cancel()
            self._kept = self._timer = None
            return kept
        self.leave()
        return None

    def _keep(self, connection: Connection) -> None:
        """Keep it until its idle time is over; one that is worn or out of step goes."""
        self._kept = connection
        if connection.usable:
            idle = connection.settings.connection_idle
            self._timer = asyncio.get_running_loop().call_later(idle, self.leave)
        else:
            self.leave()
