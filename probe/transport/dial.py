"""From a host name to a connected socket: resolve, then the first address that answers."""

import asyncio
import errno
import itertools
import os
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from probe.mail.reply import Stage

# RFC 8305 §5: the next address is tried 250 ms after the one before, or when that one failed.
_ATTEMPT_DELAY = 0.25

# Large providers publish some twenty addresses. Eight are tried: four of each family, all
# within two seconds; a service of which eight addresses are dead is down.
_MOST_ADDRESSES = 8

# An idle IMAP connection is probed after a minute, before the five minutes after which home
# and office routers forget a connection (RFC 5382 §5 asks for 124 minutes; few obey).
_KEEPALIVE_IDLE = 60
_KEEPALIVE_INTERVAL = 15
_KEEPALIVE_COUNT = 4
# What we wrote and nobody acknowledged for a minute will not be: fail (RFC 5482). It also ends
# a connection whose keepalive probes go unanswered.
_USER_TIMEOUT_MILLISECONDS = 60_000

# A resolver can hang for as long as resolv.conf lets it, and a thread cannot be cancelled.
# These threads are their own, so that a dead name server does not starve the default executor.
_RESOLVERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]
"""One address as the socket module takes it."""


class DialError(Exception):
    """No connection; ``detail`` is one line that says why and what to do."""

    def __init__(self, stage: Stage, detail: str) -> None:
        super().__init__(detail)
        self.stage = stage
        """RESOLVE or CONNECT."""
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connected, non-blocking socket, and what it took; closing it is the caller's."""

    socket: socket.socket
    resolve_seconds: float
    connect_seconds: float


async def dial(host: str, port: int, *, timeout: float) -> Dialled:  # noqa: ASYNC109 - per stage
    """Resolve ``host`` and connect to the first of its addresses that answers.

    ``timeout`` bounds each of the two stages. Who must know at any moment which of the two
    is under way calls them one by one.

    Raises:
        DialError: it does not resolve, or no address answers.
    """
    began = time.monotonic()
    addresses = await resolve(host, port, timeout=timeout)
    resolved = time.monotonic()
    connected = await connect(host, port, addresses, timeout=timeout)
    return Dialled(connected, resolved - began, time.monotonic() - resolved)


async def resolve(host: str, port: int, *, timeout: float) -> list[Address]:  # noqa: ASYNC109 - its error says more
    """Look the name up, off the loop; families alternate, the system's first choice leads."""
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().run_in_executor(
                _RESOLVERS, _getaddrinfo, host, port
            )
    except TimeoutError:
        detail = f"the name servers said nothing about {host} for {timeout:g} s"
        raise DialError(Stage.RESOLVE, f"{detail}: check this machine's DNS") from None
    except UnicodeError:
        raise DialError(Stage.RESOLVE, f"{host!r} is not a host name: check the host") from None
    except OSError as error:
        raise DialError(Stage.RESOLVE, _resolve_detail(host, error)) from None
    return _interleave(found)[:_MOST_ADDRESSES]


async def connect(
    host: str,
    port: int,
    addresses: list[Address],
    *,
    timeout: float,  # noqa: ASYNC109 - its error says more
) -> socket.socket:
    """Connect to whichever of the addresses answers first; the caller closes the socket."""
    connected = await _Race(host, port).run(addresses, timeout)
    _keep_alive(connected)
    return connected


def _getaddrinfo(host: str, port: int) -> list[Address]:
    """The blocking look-up; each address once."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((row[0], row[4]) for row in rows))  # type: ignore[misc]  # AF_INET and AF_INET6 only


def _resolve_detail(host: str, error: OSError) -> str:
    if error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}:
        return f"{host} does not resolve: check the host name"
    if error.errno == socket.EAI_AGAIN:
        return f"{host} cannot be resolved now: check this machine's DNS ({error.strerror})"
    return f"{host} does not resolve: {error.strerror}; check the host name and this machine's DNS"


def _interleave(addresses: Iterable[Address]) -> list[Address]:
    """Alternate the families (RFC 8305 §4), keeping the order within each."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = itertools.zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


@dataclass(slots=True)
class _Race:
    """Connection attempts, staggered (RFC 8305 §5): the first to connect wins."""

    host: str
    port: int
    won: socket.socket | None = None
    failures: dict[str, int] = field(default_factory=dict)
    """By address: the system's error number."""

    async def run(self, addresses: list[Address], limit: float) -> socket.socket:
        """Return the winner; every other socket is closed."""
        try:
            async with asyncio.timeout(limit):
                await self._stagger(addresses)
        except BaseException as error:
            if self.won:
                self.won.close()
            if isinstance(error, TimeoutError):
                raise DialError(Stage.CONNECT, self._silent(limit)) from None
            raise
        if self.won is None:
            raise DialError(Stage.CONNECT, self._failed())
        return self.won

    async def _stagger(self, addresses: list[Address]) -> None:
        """Start one attempt after the other, until one connects or all have failed."""
        async with asyncio.TaskGroup() as group:
            running: set[asyncio.Task[None]] = set()
            for address in addresses:
                running.add(group.create_task(self._attempt(*address)))
                await asyncio.wait(
                    running, timeout=_ATTEMPT_DELAY, return_when=asyncio.FIRST_COMPLETED
                )
                running = {task for task in running if not task.done()}
                if self.won:
                    break
            while running and not self.won:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                task.cancel()

    async def _attempt(
        self, family: socket.AddressFamily, address: tuple[str, int] | tuple[str, int, int, int]
    ) -> None:
        try:
            mine = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # this machine does not speak that family
            self.failures[address[0]] = error.errno or 0
            return
        try:
            mine.setblocking(False)
            await asyncio.get_running_loop().sock_connect(mine, address)
        except OSError as error:
            self.failures[address[0]] = error.errno or 0
        else:
            if self.won is None:
                self.won = mine
        finally:
            if self.won is not mine:
                mine.close()

    def _silent(self, limit: float) -> str:
        return (
            f"{self.host} port {self.port} gave no answer within {limit:g} s: "
            "check the port, and that no firewall drops it"
        )

    def _failed(self) -> str:
        where = f"{self.host} port {self.port}"
        errors = set(self.failures.values())
        listed = ", ".join(f"{at}: {_reason(number)}" for at, number in self.failures.items())
        if errors == {errno.ECONNREFUSED}:
            return f"{where} refuses connections: check the port ({listed})"
        if errors <= {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}:
            return f"{where} cannot be reached: check this machine's network ({listed})"
        return f"{where} cannot be connected: check host, port and firewall ({listed})"


def _reason(number: int) -> str:
    return os.strerror(number).lower() if number else "failed"


def _keep_alive(connected: socket.socket) -> None:
    """Find a silent death in minutes, not hours; options a platform lacks are left out."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", _KEEPALIVE_COUNT),
        ("TCP_USER_TIMEOUT", _USER_TIMEOUT_MILLISECONDS),
    ):
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
