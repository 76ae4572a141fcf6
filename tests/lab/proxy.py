"""A TCP proxy between a test and a server: delays, stalls, cuts, and notes what crosses when."""

import asyncio
import re
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

CHUNK = 65_536
CHUNKS_IN_FLIGHT = 256
"""At most 16 MiB wait in one direction of a stalled connection; then the sender must wait."""

CONNECT_SECONDS = 5.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for zero seconds: close() sends RST instead of FIN (socket(7))."""


class Direction(StrEnum):
    """Which way octets go."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


BOTH = (Direction.TO_SERVER, Direction.TO_CLIENT)


class Crossing(NamedTuple):
    """A line that crossed, and when its last octet came to the proxy (seconds since 1970)."""

    at: float
    connection: int
    line: bytes


class Watch:
    """Collects the lines of one direction in which a pattern is found."""

    def __init__(self, pattern: bytes, direction: Direction) -> None:
        self.crossings: list[Crossing] = []
        self._pattern = re.compile(pattern)
        self._direction = direction
        self._news = asyncio.Event()

    def see(self, direction: Direction, crossing: Crossing) -> None:
        if direction is self._direction and self._pattern.search(crossing.line):
            self.crossings.append(crossing)
            self._news.set()

    async def wait(self, count: int = 1) -> list[Crossing]:
        """Return all crossings once there are so many."""
        while len(self.crossings) < count:
            self._news.clear()
            await self._news.wait()
        return self.crossings


@dataclass(frozen=True)
class _CutRule:
    pattern: re.Pattern[bytes]
    direction: Direction
    reset: bool


class _Connection:
    """One client's connection and its counterpart to the server."""

    def __init__(self, number: int, client: asyncio.StreamWriter) -> None:
        self.number = number
        self.writers = [client]
        self.pumps: list[asyncio.Task[None]] = []

    def cut(self, *, reset: bool) -> None:
        """End both halves, with RST or with FIN."""
        for writer in self.writers:
            if reset:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                writer.transport.abort()
            else:
                writer.close()
        for pump in self.pumps:
            pump.cancel()


class TcpProxy:
    """Stands before one server on a port of its own while its ``async with`` block lasts."""

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.latency = 0.0
        """Seconds that octets take in each direction, from now on."""
        self.connections_made = 0
        self._upstream = (host, port)
        self._open = {direction: asyncio.Event() for direction in BOTH}
        self._watches: list[Watch] = []
        self._cut_rules: list[_CutRule] = []
        self._connections: set[_Connection] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self.resume()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._handle, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        if self._handlers:
            await asyncio.wait(self._handlers)

    def stall(self, *directions: Direction) -> None:
        """Let nothing through, both ways unless told, with all connections open."""
        for direction in directions or BOTH:
            self._open[direction].clear()

    def resume(self) -> None:
        """End a stall: what waited comes through now."""
        for gate in self._open.values():
            gate.set()

    def cut(self, *, reset: bool = False) -> None:
        """End all connections now, with FIN or with RST; new ones are welcome."""
        for connection in list(self._connections):
            connection.cut(reset=reset)

    def cut_before(self, pattern: bytes, direction: Direction, *, reset: bool = True) -> None:
        """Cut the connection, once, on which this comes: it and what follows never cross."""
        self._cut_rules.append(_CutRule(re.compile(pattern), direction, reset))

    def watch(self, pattern: bytes, direction: Direction = Direction.TO_CLIENT) -> Watch:
        """Note from now on when lines with this pattern cross; plain text only, of course."""
        watch = Watch(pattern, direction)
        self.add(watch)
        return watch

    def add(self, watch: Watch) -> None:
        """Let a watch see what crosses, before it is passed on."""
        self._watches.append(watch)

    def forget_watches(self) -> None:
        """They have seen enough."""
        self._watches.clear()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        self.connections_made += 1
        connection = _Connection(self.connections_made, writer)
        self._connections.add(connection)
        try:
            await self._join(connection, reader, writer)
        except OSError:
            connection.cut(reset=True)  # the server refuses, and so do we
        finally:
            self._connections.discard(connection)
            self._handlers.discard(handler)

    async def _join(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        connection.writers.append(server_writer)
        if writer.is_closing():  # cut in the meantime
            connection.cut(reset=True)
            return
        async with asyncio.TaskGroup() as group:
            for source, sink, direction in (
                (reader, server_writer, Direction.TO_SERVER),
                (server_reader, writer, Direction.TO_CLIENT),
            ):
                octets: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_IN_FLIGHT)
                take = self._take(connection, source, direction, octets)
                give = self._give(sink, direction, octets)
                connection.pumps += [group.create_task(take), group.create_task(give)]
        for half in connection.writers:
            half.close()

    async def _take(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        direction: Direction,
        octets: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        """Read one side to its end, noting lines and obeying the cut rules."""
        clock = asyncio.get_running_loop().time
        unfinished, chunk = b"", b"at least one read"
        while chunk:
            chunk = b""
            with suppress(ConnectionError):
                chunk = await reader.read(CHUNK)
            # The wall clock, as in the Maildir's file names and in the probes' events.
            at = time.time()  # noqa: TID251
            if self._is_cut(connection, direction, unfinished + chunk):
                return
            *lines, unfinished = (unfinished + chunk).split(b"\r\n")
            unfinished = unfinished[-CHUNK:]
            for line in lines:
                for watch in self._watches:
                    watch.see(direction, Crossing(at, connection.number, line))
            await octets.put((clock() + self.latency, chunk))

    async def _give(
        self,
        writer: asyncio.StreamWriter,
        direction: Direction,
        octets: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        """Write what was taken when its time has come; its end is our end."""
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await octets.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._open[direction].wait()
            with suppress(OSError):  # ENOTCONN, after a reset, is no ConnectionError
                if not chunk:
                    if not writer.is_closing():
                        writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()

    def _is_cut(self, connection: _Connection, direction: Direction, octets: bytes) -> bool:
        for rule in self._cut_rules:
            if rule.direction is direction and rule.pattern.search(octets):
                self._cut_rules.remove(rule)
                connection.cut(reset=rule.reset)
                return True
        return False
