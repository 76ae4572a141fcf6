"""A TCP port that can be shut and opened again, and its connections."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
# Far above what one mailprobe opens to a provider with two mailboxes.
_MAX_CONNECTIONS = 200
# A client that speaks plaintext to a TLS port is dropped after this.
_HANDSHAKE_TIMEOUT = 5.0
# Aborted connections end within a turn of the loop or two; longer is a defect to be seen.
_END_TIMEOUT = 5.0


class Listener:
    """One listening socket on loopback. The port is chosen once and kept while it is shut."""

    def __init__(
        self, protocol: Callable[["Listener"], asyncio.BaseProtocol], tls: ssl.SSLContext | None
    ) -> None:
        self._protocol = protocol
        self._tls = tls
        self._held = _bind(0)
        self.port: int = self._held.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], asyncio.BaseTransport] = {}

    @property
    def open(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._serving)

    async def start(self) -> None:
        """Accept connections. On an open one it does nothing."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: self._protocol(self),
                sock=self._held,
                ssl=self._tls,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT if self._tls else None,
            )

    async def stop(self) -> None:
        """Refuse new connections and cut the present ones. On a shut one it does nothing."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            # Bound, not listening: clients are refused, and nobody else takes the port.
            self._held = _bind(self.port)
            await self.cut()
            async with asyncio.timeout(_HANDSHAKE_TIMEOUT + _END_TIMEOUT):
                await server.wait_closed()

    async def cut(self) -> None:
        """Reset every connection, and wait until their tasks have ended."""
        tasks = set(self._serving)
        for transport in self._serving.values():
            _reset(transport)
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=_END_TIMEOUT)
            for task in stuck:
                task.cancel()

    async def close(self) -> None:
        """Stop for good and give the port back."""
        await self.stop()
        self._held.close()

    async def abort_current(self) -> None:
        """Reset the connection that the current task serves.

        Raises:
            ConnectionResetError: always; the task has nothing more to do.
        """
        task = asyncio.current_task()
        if task in self._serving:
            _reset(self._serving[task])
        raise ConnectionResetError("cut by a fate")

    @contextlib.contextmanager
    def serving(self, transport: asyncio.BaseTransport) -> Iterator[None]:
        """Count the current task as the one that serves this connection."""
        task = asyncio.current_task()
        if task is None or self._server is None or len(self._serving) >= _MAX_CONNECTIONS:
            _reset(transport)
            raise ConnectionAbortedError("no more connections are taken")
        self._serving[task] = transport
        try:
            yield
        finally:
            del self._serving[task]
            transport.close()


def _bind(port: int) -> socket.socket:
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
        held.setblocking(False)
    except OSError:
        held.close()
        raise
    return held


def _reset(transport: asyncio.BaseTransport) -> None:
    """Close at once and with a reset: no goodbye, and nothing lingers in the kernel."""
    held = transport.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    else:
        transport.close()
