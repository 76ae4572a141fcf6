"""An SMTP server that says what its script tells it to, and keeps what it was told.

By default it is a small honest submission server. ``at`` names a moment of the dialogue
(``GREETING``, a command's verb, ``WHILE_SENDING`` for the octets after 354, ``END`` for the
reply to the final dot) and what happens there instead.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

GREETING, WHILE_SENDING, END = "GREETING", "WHILE_SENDING", "END"

EHLO = "250-mx.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN CRAM-MD5"

HONEST = {
    GREETING: "220 mx.test ESMTP",
    "EHLO": EHLO,
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    END: "250 2.0.0 Ok: queued as 4F2B81C0DE",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class Peer:
    """One connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has closed the connection."""

    async def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def drop(self) -> None:
        """Cut the connection, as a crash does."""
        self.writer.transport.abort()
        raise ConnectionResetError

    async def hang(self) -> None:
        """Say nothing more; wait until the client has had enough."""
        while await self.reader.read(65536):
            pass
        raise ConnectionResetError

    def verbs(self) -> list[str]:
        return [command.split(" ")[0].upper() for command in self.commands]


Act = Callable[[Peer], Awaitable[None]]
Script = dict[str, str | Act]


async def drop(peer: Peer) -> None:
    await peer.drop()


async def hang(peer: Peer) -> None:
    await peer.hang()


def upgrade(context: ssl.SSLContext, extra: str = "") -> Act:
    """Answer STARTTLS, with ``extra`` smuggled in behind the reply, and begin TLS."""

    async def act(peer: Peer) -> None:
        await peer.say("220 2.0.0 ready" + extra)
        try:
            await peer.writer.start_tls(context)
        except (OSError, ssl.SSLError):
            # on Python 3.11 wait_closed() hangs after a handshake that the client cut
            peer.gone.set()
            raise ConnectionResetError from None

    return act


async def finish(peer: Peer) -> None:
    """Close properly: FIN, not RST."""
    peer.writer.close()
    raise ConnectionResetError


class Scripted:
    """The server; ``reached`` holds one event per moment, set when the dialogue comes there."""

    def __init__(self, at: Script) -> None:
        self.script: Script = {**HONEST, **at}
        self.peers: list[Peer] = []
        self.port = 0
        self._reached: dict[str, asyncio.Event] = {}
        self._server: asyncio.Server | None = None

    def reached(self, moment: str) -> asyncio.Event:
        return self._reached.setdefault(moment, asyncio.Event())

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        for peer in self.peers:
            peer.writer.transport.abort()
            await peer.gone.wait()

    def count(self, verb: str) -> list[int]:
        """How often each connection heard this command."""
        return [peer.verbs().count(verb) for peer in self.peers]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self._dialogue(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            # After two close() on TLS, abort() fails on Python 3.11.2 (Debian 12).
            if not writer.is_closing():
                writer.close()
            with suppress(ConnectionError):
                if not peer.gone.is_set():
                    await writer.wait_closed()
            peer.gone.set()

    async def _dialogue(self, peer: Peer) -> None:
        await self._act(peer, GREETING)
        while line := await peer.reader.readline():
            command = line.decode().rstrip("\r\n")
            peer.commands.append(command)
            verb = command.split(" ")[0].upper()
            await self._act(peer, verb)
            if verb == "QUIT":
                return
            if verb == "DATA" and isinstance(self.script["DATA"], str):
                await self._message(peer)

    async def _message(self, peer: Peer) -> None:
        if WHILE_SENDING in self.script:
            await self._act(peer, WHILE_SENDING)
        if str(self.script["DATA"]).startswith("354"):
            peer.messages.append(await peer.reader.readuntil(b"\r\n.\r\n"))
            await self._act(peer, END)

    async def _act(self, peer: Peer, moment: str) -> None:
        self.reached(moment).set()
        action = self.script.get(moment, "500 5.5.1 unknown command")
        if isinstance(action, str):
            await peer.say(action)
        else:
            await action(peer)
