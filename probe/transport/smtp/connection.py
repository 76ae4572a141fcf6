"""One SMTP connection, logged in: used for messages one after the other, then left."""

import asyncio
from typing import Self

from aiosmtplib import SMTPResponse, SMTPServerDisconnected
from aiosmtplib.email import parse_address

from probe.config.settings import SmtpSettings
from probe.core.event import Cause
from probe.mail.reply import Stage
from probe.transport.smtp.channel import CertificateSeen, Channel
from probe.transport.smtp.exchange import Exchange
from probe.transport.smtp.failure import Obstacle, is_refusal
from probe.transport.smtp.login import login


class Connection:
    """Whatever interrupts its use closes it; only a clear refusal leaves it in step."""

    def __init__(self, channel: Channel, settings: SmtpSettings) -> None:
        self.settings = settings
        self.messages = 0
        self._channel = channel
        self._client = channel.client
        self._needs_reset = False

    @classmethod
    async def open(
        cls, settings: SmtpSettings, exchange: Exchange, certificate_seen: CertificateSeen
    ) -> Self:
        """Connect, protect, log in.

        Raises:
            Exception: one of ``failure.EXPECTED``; the connection is closed.
        """
        channel = await Channel.open(settings, exchange, certificate_seen)
        try:
            with exchange.timed(Stage.AUTH):
                await login(channel.client, settings)
        except BaseException as error:
            channel.discard(error)
            raise
        channel.wire.limit_buffers()
        return cls(channel, settings)

    async def submit(
        self, sender: str, recipient: str, message: bytes, exchange: Exchange
    ) -> SMTPResponse:
        """Send one message and return the accepting reply.

        Raises:
            Exception: one of ``failure.EXPECTED``; see ``usable``.
        """
        self._channel.wire.exchange = exchange
        self.messages += 1
        try:
            with exchange.timed(Stage.ENVELOPE):
                await self._envelope(sender, recipient, message, exchange)
            with exchange.timed(Stage.DATA):
                return await self._client.data(message)
        except BaseException as error:
            if not is_refusal(error):
                self.abort()
            self._needs_reset = True
            raise

    @property
    def usable(self) -> bool:
        """Open, in step, and good for another message."""
        worn = self.messages >= self.settings.connection_messages
        return self._client.is_connected and not self._channel.wire.surplus and not worn

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done when the connection has gone."""
        return self._channel.wire.closed

    def leave(self) -> None:
        """Say QUIT and close."""
        self._channel.leave()

    def abort(self) -> None:
        """Close at once."""
        self._channel.abort()

    async def _envelope(
        self, sender: str, recipient: str, message: bytes, exchange: Exchange
    ) -> None:
        """RSET where the last message was refused, then MAIL and RCPT (RFC 5321 §3.3)."""
        if self._needs_reset:
            await self._reset()
        for address in (sender, recipient):
            _check(address)
        international = not (sender + recipient).isascii()
        options = ["SMTPUTF8"] if international else []
        if international and not self._client.supports_extension("smtputf8"):
            raise self._no_smtputf8(recipient if sender.isascii() else sender)
        if not message.isascii() and self._client.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")  # RFC 6152 §3
        encoding = "utf-8" if international else "ascii"
        await self._client.mail(sender, options=options, encoding=encoding)
        exchange.sender_accepted = True
        await self._client.rcpt(recipient, encoding=encoding)

    async def _reset(self) -> None:
        """RSET; a server that will not is as good as gone (RFC 5321 §4.1.1.5: always 250)."""
        response = await self._client.execute_command(b"RSET")
        if response.code != 250:
            raise SMTPServerDisconnected("RSET was refused")
        self._needs_reset = False

    def _no_smtputf8(self, address: str) -> Obstacle:
        host = self.settings.endpoint.host
        detail = f"{host} does not offer SMTPUTF8 (RFC 6531), which {address} needs"
        return Obstacle(Cause.PROTOCOL, detail)


def _check(address: str) -> None:
    """Let an address through only if it goes out as it is: aiosmtplib would quietly repair it."""
    if parse_address(address) != address:
        raise Obstacle(Cause.PROTOCOL, f"{address!r} is not an address that SMTP can carry")
