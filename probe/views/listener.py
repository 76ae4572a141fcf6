"""Takes connections in: no more than are good for us, and TLS within a time."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from probe import logs
from probe.config.settings import WebSettings
from probe.views.connection import one_line
from probe.views.errors import WebUnavailableError
from probe.views.limits import Crowd, peer_of

BACKLOG = 64
"""Connections that the system holds for us; all that we take are taken at once."""

HANDSHAKE_TIMEOUT = 5.0
"""Seconds for TLS to be agreed on: two round trips round the world and a slow machine."""

REST = 1.0
"""Seconds before the next try where the system has no more files or memory for us."""

_SPENT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_TLS_HANDSHAKE = b"\x16"
"""The first octet of every TLS connection (RFC 8446 §5.1)."""

_CROWDED = one_line(503, "Service Unavailable", "too many connections")
_NOT_TLS = one_line(400, "Bad Request", "this port speaks TLS: ask with https://")

Accept = Callable[[Callable[[], None]], asyncio.Protocol]
"""Makes the protocol of a connection; what it is given is called when the connection ends."""


@asynccontextmanager
async def listening(settings: WebSettings) -> AsyncIterator[list[socket.socket]]:
    """Listen on every address of the host until the block ends.

    Raises:
        WebUnavailableError: one line that says what to do.
    """
    with ExitStack() as opened:
        try:
            sockets = [opened.enter_context(made) async for made in _open(settings)]
        except (OSError, UnicodeError) as error:  # UnicodeError: no host is named so
            raise WebUnavailableError(_why(settings, error)) from error
        yield sockets


async def _open(settings: WebSettings) -> AsyncIterator[socket.socket]:
    found = await asyncio.get_running_loop().getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, _, _, _, address in dict.fromkeys(found):
        made = socket.create_server(address, family=family, backlog=BACKLOG)
        made.setblocking(False)
        yield made


class Listener:
    """Accepts until it is cancelled."""

    def __init__(self, accept: Accept, tls: Callable[[], ssl.SSLContext | None]) -> None:
        self._accept = accept
        self._tls = tls
        self.crowd = Crowd()

    async def run(self, sockets: Sequence[socket.socket]) -> None:
        """Accept on all of them."""
        async with asyncio.TaskGroup() as group:
            for listening in sockets:
                group.create_task(self._run(listening, group))

    async def _run(self, listening: socket.socket, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, address = await loop.sock_accept(listening)
            except ConnectionError:
                continue  # it was gone before we had it
            except OSError as error:
                if error.errno not in _SPENT:
                    raise
                logs.get().warning("web.exhausted", why=error.strerror)
                await asyncio.sleep(REST)
                continue
            peer = peer_of(address[0])
            if self.crowd.enter(peer):
                group.create_task(self._greet(taken, _Once(self.crowd.leave, peer)))
            else:
                _turn_away(taken, None if self._tls() else _CROWDED)
            await asyncio.sleep(0)  # a flood must not keep the loop from its other work

    async def _greet(self, taken: socket.socket, leave: "_Once") -> None:
        """Agree on TLS, or not; from then on the protocol minds the connection."""
        loop = asyncio.get_running_loop()
        tls = self._tls()
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                if tls is not None and await _first_octet(taken) != _TLS_HANDSHAKE:
                    _turn_away(taken, _NOT_TLS)
                    leave()
                    return
                await loop.connect_accepted_socket(
                    lambda: self._accept(leave),
                    taken,
                    ssl=tls,
                    ssl_shutdown_timeout=None if tls is None else HANDSHAKE_TIMEOUT,
                )
        except OSError:  # an ssl.SSLError and a TimeoutError are one too
            taken.close()
            leave()
        except BaseException:
            taken.close()
            raise


class _Once:
    """Leaves the crowd, once, however often it is told to."""

    def __init__(self, leave: Callable[[str], None], peer: str) -> None:
        self._leave: Callable[[str], None] | None = leave
        self._peer = peer

    def __call__(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave(self._peer)


async def _first_octet(taken: socket.socket) -> bytes:
    """Look at it and leave it there."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(taken, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(taken)
    return taken.recv(1, socket.MSG_PEEK)


def _turn_away(taken: socket.socket, word: bytes | None) -> None:
    """A word, if it can be said without waiting."""
    try:
        taken.setblocking(False)
        if word is not None:
            taken.send(word)
            taken.shutdown(socket.SHUT_WR)
            taken.recv(4096)  # what lies unread would turn our close into a reset
    except OSError:
        pass
    finally:
        taken.close()


_KEY = "(web.listen; of the demo: --host, --port)"


def _why(settings: WebSettings, error: OSError | UnicodeError) -> str:
    where = f"web: cannot listen on {settings.host} port {settings.port}"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"{where}: the host name is not known; choose an address of this machine {_KEY}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: the port is taken; stop the other program or choose another port {_KEY}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: that is no address of this machine; choose one that is {_KEY}"
    if error.errno == errno.EACCES:
        return f"{where}: not permitted; choose a port from 1024 on {_KEY}"
    return f"{where}: {error.strerror or error}"
