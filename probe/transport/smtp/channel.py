"""The way to one SMTP server: socket, TLS, greeting and EHLO, up to where a login may begin."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Self, cast

from aiosmtplib import SMTP, SMTPConnectResponseError

from probe.config.settings import Endpoint, SmtpSettings, Tls
from probe.core.event import Cause
from probe.mail.reply import Stage
from probe.transport import certificate, tls
from probe.transport.dial import connect, resolve
from probe.transport.smtp.exchange import Exchange
from probe.transport.smtp.failure import EXPECTED, Obstacle, is_refusal
from probe.transport.smtp.wire import Wire

# After QUIT the server has this long to answer and close (RFC 5321 §4.1.1.10): our shutdown
# must not wait for a server that is busy.
QUIT_PATIENCE = 2.0

CertificateSeen = Callable[[str, str, float], None]
"""Told host, protocol and the end of the certificate's life, at each handshake."""


class Channel:
    """A greeted, protected connection; ``client`` gives the commands, ``wire`` the octets."""

    def __init__(self, settings: SmtpSettings, exchange: Exchange) -> None:
        endpoint = settings.endpoint
        self._endpoint = endpoint
        self.wire = Wire(exchange)
        self.client = SMTP(
            hostname=endpoint.host, local_hostname=settings.helo, timeout=endpoint.timeout
        )

    @classmethod
    async def open(
        cls, settings: SmtpSettings, exchange: Exchange, certificate_seen: CertificateSeen
    ) -> Self:
        """Connect and protect.

        Raises:
            Exception: one of ``failure.EXPECTED``; the connection is closed.
        """
        endpoint = settings.endpoint
        try:
            channel = await cls._open(settings, exchange, tls.context)
        except ssl.SSLCertVerificationError as error:
            peer = await cls._look(settings, exchange, error)
            if certificate.has_expired(error):
                _report(endpoint, peer, certificate_seen)
            detail = certificate.failure(endpoint.host, endpoint.port, error, peer)
            raise Obstacle(Cause.TLS, detail) from None
        _report(endpoint, channel.peer, certificate_seen)
        return channel

    def leave(self) -> None:
        """Say QUIT and close; the answer is not waited for, and the server's time is bounded."""
        if self.client.is_connected:
            self.wire.write(b"QUIT\r\n")
        self.client.close()
        patience = asyncio.get_running_loop().call_later(QUIT_PATIENCE, self.wire.abort)
        self.wire.closed.add_done_callback(lambda _: patience.cancel())

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.wire.abort()
        self.client.close()

    def discard(self, error: BaseException) -> None:
        """Leave politely where both sides are in step; anything else is cut."""
        if self.client.is_connected and (is_refusal(error) or isinstance(error, Obstacle)):
            self.leave()
        else:
            self.abort()

    @classmethod
    async def _open(
        cls,
        settings: SmtpSettings,
        exchange: Exchange,
        make_context: Callable[..., ssl.SSLContext],
    ) -> Self:
        exchange.stage = Stage.TLS
        context = _context(settings.endpoint, make_context)
        channel = cls(settings, exchange)
        try:
            await channel._connect(exchange, context)
            with exchange.timed(Stage.CONNECT):
                await channel._welcome()
            if context and settings.endpoint.tls is Tls.STARTTLS:
                with exchange.timed(Stage.TLS):
                    await channel._starttls(context)
                with exchange.timed(Stage.CONNECT):
                    # RFC 3207 §4.2: what it said in clear is forgotten
                    await channel.client.ehlo()
        except BaseException as error:
            channel.discard(error)
            raise
        return channel

    @classmethod
    async def _look(
        cls, settings: SmtpSettings, exchange: Exchange, error: ssl.SSLCertVerificationError
    ) -> certificate.Peer | None:
        """Connect once more only to read a refused certificate, for its date or its names."""
        if certificate.worth_a_look(error):
            scratch = Exchange(exchange.clock, exchange.now)
            with suppress(*EXPECTED):
                channel = await cls._open(settings, scratch, certificate.lenient)
                channel.leave()
                return channel.peer
        return None

    async def _connect(self, exchange: Exchange, context: ssl.SSLContext | None) -> None:
        host, port, limit = self._endpoint.host, self._endpoint.port, self._endpoint.timeout
        with exchange.timed(Stage.RESOLVE):
            addresses = await resolve(host, port, timeout=limit)
        with exchange.timed(Stage.CONNECT):
            connected = await connect(host, port, addresses, timeout=limit)
            exchange.note(f"connected to {connected.getpeername()[0]} port {port}")
        if context and self._endpoint.tls is Tls.IMPLICIT:
            raw = await self._adopt(connected, asyncio.Protocol())
            self.wire.connection_made(raw)
            with exchange.timed(Stage.TLS):
                await self._handshake(raw, context)
        else:
            await self._adopt(connected, self.wire)

    async def _adopt(
        self, connected: socket.socket, protocol: asyncio.Protocol
    ) -> asyncio.Transport:
        """Put the socket under a protocol.

        Before implicit TLS that is one without ears, so that a greeting injected in clear
        cannot be taken for the server's.
        """
        loop = asyncio.get_running_loop()
        try:
            raw, _ = await loop.create_connection(lambda: protocol, sock=connected)
        except BaseException:
            connected.close()
            raise
        self.wire.raw = raw
        self.client.protocol, self.client.transport = self.wire, raw
        return raw

    async def _handshake(self, raw: asyncio.Transport, context: ssl.SSLContext) -> None:
        """TLS from the first octet (RFC 8314 §3.3)."""
        limit = self._endpoint.timeout
        async with asyncio.timeout(limit):
            secured = await asyncio.get_running_loop().start_tls(
                raw,
                self.wire,
                context,
                server_hostname=self._endpoint.host,
                ssl_handshake_timeout=limit,
            )
        self.wire.transport = self.client.transport = secured
        self._note_tls()

    async def _welcome(self) -> None:
        greeting = await self.wire.read_response(self._endpoint.timeout)
        if greeting.code != 220:
            raise SMTPConnectResponseError(greeting.code, greeting.message)
        await self.client.ehlo()

    async def _starttls(self, context: ssl.SSLContext) -> None:
        """Upgrade, or stop: a login never goes out in clear because STARTTLS was missing."""
        host = self._endpoint.host
        if not self.client.supports_extension("starttls"):
            raise Obstacle(
                Cause.TLS,
                f"{host} port {self._endpoint.port} does not offer STARTTLS: check the port; "
                "if it offered it before, somebody between may be stripping it",
            )
        await self.client.starttls(server_hostname=host, tls_context=context)
        if self.wire.surplus:  # aiosmtplib threw it away (RFC 3207 §4.2); nobody honest sends it
            raise Obstacle(
                Cause.TLS,
                f"{host} said something in clear after its answer to STARTTLS: "
                "the server is broken, or somebody between injects commands",
            )
        self._note_tls()

    def _note_tls(self) -> None:
        cipher, protocol, _ = self.client.get_transport_info("cipher")
        self.wire.exchange.note(f"{protocol} established, {cipher}")

    @property
    def peer(self) -> certificate.Peer | None:
        """The server's certificate; None on a plain connection."""
        secured = self.wire.transport
        peer = secured.get_extra_info("peercert") if secured else None
        return cast("certificate.Peer | None", peer)


def _context(endpoint: Endpoint, make: Callable[..., ssl.SSLContext]) -> ssl.SSLContext | None:
    if endpoint.tls is Tls.PLAIN:
        return None
    try:
        return make(endpoint.ca_file)
    except ssl.SSLError:
        reason = "it holds no certificate in PEM form"
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    raise Obstacle(Cause.TLS, f"ca_file {endpoint.ca_file} cannot be used: {reason}")


def _report(
    endpoint: Endpoint, peer: certificate.Peer | None, certificate_seen: CertificateSeen
) -> None:
    ends = certificate.not_after(peer)
    if ends is not None:
        certificate_seen(endpoint.host, "smtp", ends)
