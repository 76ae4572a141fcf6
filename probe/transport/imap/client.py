"""aioimaplib's client with the hardened protocol plugged in, on a socket dialled by us."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast

from aioimaplib.aioimaplib import IMAP4

from probe.transport.imap.protocol import Protocol
from probe.transport.tls import abort


class Client(IMAP4):
    """One connection; all its commands go through ``Protocol.execute``."""

    protocol: Protocol  # type: ignore[assignment]  # the library does not annotate it

    def __init__(
        self,
        sock: socket.socket,
        host: str,
        *,
        timeout: float,
        now: Callable[[], float],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._socket = sock
        self._now = now
        self.is_tls = tls is not None
        super().__init__(host, timeout=timeout, ssl_context=cast("ssl.SSLContext", tls))

    def create_client(
        self,
        host: str,
        port: int,  # noqa: ARG002 - the library's signature; the socket is connected
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Callable[[Exception | None], None] | None = None,  # noqa: ARG002 - as port
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """What the library's constructor calls to connect."""
        loop = loop or asyncio.get_running_loop()
        self.protocol = Protocol(loop, now=self._now, timeout=self.timeout)
        self._client_task = loop.create_task(
            loop.create_connection(
                lambda: self.protocol,
                sock=self._socket,
                ssl=ssl_context,
                server_hostname=host if ssl_context else None,
                # The wait for the greeting covers the handshake, and is to end first.
                ssl_handshake_timeout=2 * self.timeout if ssl_context else None,
            )
        )

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """The handshake after STARTTLS was accepted."""
        await self.protocol.start_tls(
            asyncio.get_running_loop().start_tls,
            sslcontext=context,
            server_hostname=self.host,
            ssl_handshake_timeout=self.timeout,
        )

    def abort(self) -> None:
        """Drop the connection, in whatever state it is."""
        self._client_task.cancel()
        if self.protocol.transport is not None:
            abort(self.protocol.transport)
        else:
            self._socket.close()
