"""An IMAP server that says what it is told to, so that it can misbehave in every way."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

Action = bytes | Callable[["Peer"], Awaitable[None]]
"""Octets to send, ``TAG`` standing for the command's tag; or something to do."""

Script = Mapping[str, Sequence[Action]]
"""What to do on each command; ``UID SEARCH`` and the like are commands of their own."""

GREETING = b"* OK hi\r\n"
CAPABILITY = b"* CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE\r\n"
OK = b"TAG OK done\r\n"
OPENED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n" + OK


class Peer:
    """The server's side of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        received: list[bytes],
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._received = received
        self.tag = b""
        self.line = b""

    async def hear(self) -> bytes:
        """A line that is no command; empty at the end."""
        heard = (await self.reader.readline()).rstrip(b"\r\n")
        self._received.append(heard)
        return heard

    async def say(self, octets: bytes) -> None:
        """Send, with the tag of the command at hand."""
        self.writer.write(octets.replace(b"TAG", self.tag))
        with contextlib.suppress(OSError):
            await self.writer.drain()


async def close(peer: Peer) -> None:
    """FIN."""
    peer.writer.close()
    await peer.reader.read()


async def reset(peer: Peer) -> None:
    """RST."""
    peer.writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    peer.writer.transport.abort()


async def hang(peer: Peer) -> None:
    """Say nothing, and hear nothing, until the client is gone."""
    await peer.reader.read()


async def idle(peer: Peer) -> None:
    """An IDLE that never pushes."""
    await peer.say(b"+ idling\r\n")
    await until_done(peer)


async def until_done(peer: Peer) -> None:
    """Wait for DONE and end the IDLE."""
    if await peer.hear():
        await peer.say(OK)


def line(pattern: bytes, times: int) -> bytes:
    """The same line many times, ``N`` standing for its number."""
    return b"".join(pattern.replace(b"N", b"%d" % n) + b"\r\n" for n in range(1, times + 1))


DEFAULTS: Script = {
    "CAPABILITY": [CAPABILITY, OK],
    "LOGIN": [OK],
    "AUTHENTICATE": [OK],
    "LIST": [b'* LIST () "/" INBOX\r\n* LIST (\\Junk) "/" Junk\r\n', OK],
    "EXAMINE": [OPENED],
    "SELECT": [OPENED],
    "UID SEARCH": [b"* SEARCH\r\n", OK],
    "UID FETCH": [OK],
    "UID STORE": [OK],
    "UID EXPUNGE": [OK],
    "NOOP": [OK],
    "IDLE": [idle],
    "LOGOUT": [b"* BYE bye\r\n", OK, close],
}


class Scripted:
    """A server with a script, and what its clients said."""

    def __init__(self, greeting: Sequence[Action], script: Script) -> None:
        self.port = 0
        self.received: list[bytes] = []
        """Lines, without tags."""
        self.heard = asyncio.Condition()
        self.gone = asyncio.Event()
        """The client closed, or dropped, the connection."""
        self.script = {**DEFAULTS, **script}
        self._greeting = greeting
        self._serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving[asyncio.current_task()] = writer
        peer = Peer(reader, writer, self.received)
        try:
            with contextlib.suppress(OSError):
                await self._perform(peer, self._greeting)
                while await self._command(peer):
                    pass
        finally:
            writer.transport.abort()
            self.gone.set()

    async def end(self) -> None:
        """Drop everybody, and wait until all is cleared away."""
        for writer in self._serving.values():
            writer.transport.abort()
        tasks = [task for task in self._serving if task is not None]
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=5)
            for task in stuck:
                task.cancel()

    async def _command(self, peer: Peer) -> bool:
        octets = await peer.reader.readline()
        if not octets:
            return False
        peer.tag, _, peer.line = octets.rstrip(b"\r\n").partition(b" ")
        async with self.heard:
            self.received.append(peer.line)
            self.heard.notify_all()
        words = peer.line.decode("utf-8", "replace").split(" ")
        verb = " ".join(words[:2]) if words[0] == "UID" else words[0]
        await self._perform(peer, self.script.get(verb, [b"TAG BAD what?\r\n"]))
        return not peer.writer.is_closing()

    async def _perform(self, peer: Peer, actions: Sequence[Action]) -> None:
        for action in actions:
            await (peer.say(action) if isinstance(action, bytes) else action(peer))

    async def until_heard(self, what: bytes, times: int = 1) -> None:
        """Wait until so many lines begin with these octets."""
        async with self.heard:
            await self.heard.wait_for(lambda: self.count(what) >= times)

    def count(self, what: bytes) -> int:
        """How many lines began with these octets."""
        return sum(line.startswith(what) for line in self.received)


@asynccontextmanager
async def scripted(
    script: Script | None = None,
    *,
    greeting: Sequence[Action] = (GREETING,),
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Scripted]:
    """A running server."""
    server = Scripted(greeting, script or {})
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        await server.end()
