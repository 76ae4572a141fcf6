"""One command on its way: what is sent, what came back, how long it may take."""

import asyncio
from collections.abc import Callable

from aioimaplib.aioimaplib import Command

from probe.core.observation import WatchLost
from probe.transport.imap.parse import Status, Untagged
from probe.transport.imap.reader import ProtocolError

# All commands that a watcher of mail has a use for. That APPEND, COPY, MOVE, DELETE and the
# like are not here is a promise: no path through the library can send them.
ALLOWED = frozenset(
    {"CAPABILITY", "STARTTLS", "LOGIN", "AUTHENTICATE", "LOGOUT", "NOOP", "IDLE"}
    | {"LIST", "EXAMINE", "SELECT", "SEARCH", "FETCH", "STORE", "EXPUNGE"}
)

MAX_UNTAGGED = 20_000
"""Answers to one command; the largest folder lists seen have a few thousand lines."""

MAX_OCTETS = 8 << 20
"""Answers to one command: 50 headers of 64 KiB are 3.2 MiB, and a full SEARCH is 1 MiB."""


def settle(future: "asyncio.Future[None]") -> None:
    """Let whoever waits go on; a waiter that was cancelled took its future with it."""
    if not future.done():
        future.set_result(None)


class Request(Command):
    """A command of aioimaplib's whose arguments do not print: they may hold a password."""

    def __init__(
        self,
        name: str,
        tag: str,
        *args: str,
        prefix: str = "",
        challenge: Callable[[bytes], str | None] | None = None,
    ) -> None:
        super().__init__(name, tag, *args, prefix=prefix)
        self.answer = challenge
        """Makes the reply to a ``+``; None: the server has nothing to ask."""
        self.untagged: list[Untagged] = []
        # Futures, not the library's Event: an IDLE lasts, and an Event weighs 0.8 KiB.
        del self._event
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._octets = 0
        self._lost: WatchLost | None = None
        self._status: Status | None = None

    def __repr__(self) -> str:
        return f"<Request {self.title}>"

    __str__ = __repr__

    @property
    def title(self) -> str:
        """What it is, without its arguments."""
        return f"{self.prefix or ''}{self.name}"

    @property
    def status(self) -> Status:
        """The tagged answer."""
        if self._status is None:
            raise RuntimeError(f"{self.title} is not answered yet")
        return self._status

    @property
    def is_answered(self) -> bool:
        """Whether the tagged answer is here."""
        return self._status is not None

    @property
    def is_ok(self) -> bool:
        """Whether the server did it."""
        return self.status.kind == "OK"

    def line(self) -> bytes:
        """What goes over the wire. For nobody else."""
        text = " ".join((self.tag, self.title, *self.args))
        return text.encode("utf-8", "surrogateescape") + b"\r\n"

    def take(self, untagged: Untagged, octets: int) -> None:
        """Keep one untagged answer.

        Raises:
            ProtocolError: these are more than any honest answer has.
        """
        self._octets += octets
        if len(self.untagged) >= MAX_UNTAGGED or self._octets > MAX_OCTETS:
            raise ProtocolError(f"the answer to {self.title} does not end")
        self.untagged.append(untagged)

    def finish(self, status: Status) -> None:
        """The tagged answer came; whoever waits goes on."""
        self._status = status
        settle(self._end)

    def fail(self, lost: WatchLost) -> None:
        """There will be no answer; whoever waits is told why. An answer that came stays."""
        if not self.is_answered:
            self._lost = lost
        settle(self._end)

    async def wait(self) -> None:
        """Until it is answered.

        Raises:
            WatchLost: it never will be.
        """
        await self._end
        if self._lost is not None:
            raise self._lost


class Idle(Request):
    """IDLE: goes on after the ``+`` until DONE, or until the server has had enough."""

    def __init__(self, tag: str, on_begin: Callable[[], None]) -> None:
        super().__init__("IDLE", tag, challenge=self._begin)
        self.begun: asyncio.Future[None] = self._loop.create_future()
        """Set also when it is refused or the connection lost, so that nobody waits for ever."""
        self._on_begin = on_begin

    def _begin(self, _: bytes) -> None:
        self._on_begin()
        settle(self.begun)

    def finish(self, status: Status) -> None:
        """As for any request; and nobody waits for the ``+`` any longer."""
        super().finish(status)
        settle(self.begun)

    def fail(self, lost: WatchLost) -> None:
        """As for any request; and nobody waits for the ``+`` any longer."""
        super().fail(lost)
        settle(self.begun)
