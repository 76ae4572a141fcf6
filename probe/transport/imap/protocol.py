"""The hardened connection: aioimaplib's protocol with its reader, waits and logs replaced.

What holds here, whatever the server does (the defects it answers are the tests' rows):

1. Memory is bounded: each line, literal, response and the whole answer to a command.
2. One command is in flight. When its answer is late or its caller is cancelled, the
   connection is aborted: a late answer can never be taken for that to the next command.
3. Whatever ends the connection fails every waiter at once, with the server's own words.
4. Nothing that was sent or received is logged, and no exception holds an argument.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioimaplib.aioimaplib import (
    AUTH,
    CONNECTED,
    NONAUTH,
    Command,
    Commands,
    IMAP4ClientProtocol,
    Response,
)

from probe.core.observation import WatchCause, WatchLost
from probe.transport import tls
from probe.transport.imap import parse, refusal
from probe.transport.imap.mirror import SETTLING, Mirror, Visible
from probe.transport.imap.parse import Continuation, Fetch, Status, Tagged
from probe.transport.imap.reader import ProtocolError, Reader
from probe.transport.imap.reader import Response as Parts
from probe.transport.imap.request import ALLOWED, Idle, Request, settle
from probe.transport.imap.words import words

_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")  # RFC 8446 §5.1: alert, handshake


class Protocol(IMAP4ClientProtocol):
    """One IMAP connection."""

    # The library does not annotate these, so mypy takes them for None.
    transport: asyncio.Transport | None  # type: ignore[assignment]
    pending_sync_command: Request | None  # type: ignore[assignment]

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, now: Callable[[], float], timeout: float
    ) -> None:
        super().__init__(loop)
        # What the library waits on, and we do not: 4 KiB of each idle mailbox.
        del self.idle_queue, self._idle_event, self.state_condition
        self.mirror = Mirror()
        self.stirred = asyncio.Event()
        """Set by new mail, by the end of IDLE, and by the loss of the connection."""
        self.greeting: Status | None = None
        self.lost: WatchLost | None = None
        self.secrets: tuple[str, ...] = ()
        """Never repeated in an error, should the server echo them."""
        self._now = now
        self._timeout = timeout
        self._reader = Reader()
        self._turn = asyncio.Lock()
        self._greeted: asyncio.Future[None] = loop.create_future()
        self._deaf = False
        self._idle_since: float | None = None

    # --- from the wire -----------------------------------------------------------------

    def data_received(self, d: bytes) -> None:
        """Octets came: the moment of visibility of whatever they announce is now."""
        if self._is_over():
            return
        if self.state == CONNECTED and d[:2] in _TLS_RECORDS:
            self.lose(WatchCause.TLS, "the server speaks TLS from the start: set tls: implicit")
            return
        at = self._now()
        try:
            for parts in self._reader.feed(d):
                self._response(parts, at)
                if self._is_over():
                    return
        except ProtocolError as error:
            self.lose(WatchCause.PROTOCOL, str(error))

    def _is_over(self) -> bool:
        return self._deaf or self.lost is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by whomever."""
        why = f"connection lost: {words(str(exc))}" if exc else "the server closed the connection"
        cause = WatchCause.SILENT if isinstance(exc, TimeoutError) else WatchCause.CLOSED
        self.lose(cause, why)

    def lose(self, cause: WatchCause, detail: str, *, retry_after: float | None = None) -> None:
        """Abort, and fail everybody who waits. The first reason given stays."""
        if self.lost is None:
            self.lost = WatchLost(cause, self.scrub(detail), retry_after=retry_after)
        if self.pending_sync_command is not None:
            self.pending_sync_command.fail(self._loss())
        settle(self._greeted)
        self.stirred.set()
        tls.abort(self.transport)

    def scrub(self, text: str) -> str:
        """The text without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "**")
        return text

    def _response(self, parts: Parts, at: float) -> None:
        if not parts[0].strip() and len(parts) == 1:
            return  # some servers send an empty line after a literal
        said = parse.read(parts)
        if self.state == CONNECTED:
            self._greet(said, parts[0])
        elif isinstance(said, Tagged):
            self._answered(said)
        elif isinstance(said, Continuation):
            self._challenged(said)
        else:
            self._told(said, at, sum(map(len, parts)))

    def _greet(self, said: object, line: bytes) -> None:
        """RFC 9051 §7.1.4: a greeting is OK, PREAUTH or BYE, and nothing else."""
        if isinstance(said, Status) and said.kind == "BYE":
            self._lose_as(refusal.closed(said))
        elif isinstance(said, Status) and said.kind in {"OK", "PREAUTH"}:
            self.state = AUTH if said.kind == "PREAUTH" else NONAUTH
            self.greeting = said
            self._learn(said)
            settle(self._greeted)
        else:
            raise ProtocolError(f"not an IMAP greeting: {words(line)}")

    def _answered(self, said: Tagged) -> None:
        request = self.pending_sync_command
        if request is None or request.tag != said.tag:
            raise ProtocolError(f"an answer to nothing that was asked: {words(said.status.text)}")
        self._learn(said.status)
        # RFC 9051 §11.1: what comes before the handshake could come from anybody.
        self._deaf = request.name == "STARTTLS" and said.status.kind == "OK"
        request.finish(said.status)
        if request.name == "IDLE":
            self.stirred.set()

    def _challenged(self, said: Continuation) -> None:
        request = self.pending_sync_command
        if request is None or request.answer is None:
            raise ProtocolError("a + that nothing was waiting for")
        reply = request.answer(said.text)
        if reply is not None:
            self._write(reply.encode() + b"\r\n")

    def _told(self, said: parse.Untagged, at: float, octets: int) -> None:
        said = self._reflect(said, at)
        if isinstance(said, Status):
            self._learn(said)
        elif isinstance(said, parse.Capability):
            self.capabilities = set(said.names)
        request = self.pending_sync_command
        if isinstance(said, Status) and said.kind == "BYE":
            if request is None or request.name != "LOGOUT":
                self._lose_as(refusal.closed(said))
        elif request is not None and request.name != "IDLE":  # pushes live on in the mirror
            request.take(said, octets)

    def _reflect(self, said: parse.Untagged, at: float) -> parse.Untagged:
        """Keep the mirror; the numbers in a response are those of this very moment."""
        if isinstance(said, parse.Exists):
            self.mirror.exists(said.count, Visible(at, exact=self._is_live(at)))
            self.stirred.set()
        elif isinstance(said, parse.Expunge):
            self.mirror.expunge(said.number)
        elif isinstance(said, parse.Vanished):
            self.mirror.vanished(said.count)
        elif isinstance(said, Fetch):
            return Fetch(said.number, said.items, self.mirror.seen(said.number))
        return said

    def _is_live(self, at: float) -> bool:
        return self._idle_since is not None and at - self._idle_since >= SETTLING

    def _learn(self, status: Status) -> None:
        if status.code == "CAPABILITY":
            self.capabilities = set(parse.capabilities(status.argument))

    def _lose_as(self, lost: WatchLost) -> None:
        self.lose(lost.cause, lost.detail, retry_after=lost.retry_after)

    def _loss(self) -> WatchLost:
        lost = self.lost or WatchLost(WatchCause.CLOSED, "the connection is closed")
        return WatchLost(lost.cause, lost.detail, retry_after=lost.retry_after)

    # --- to the wire -------------------------------------------------------------------

    def check_alive(self) -> None:
        """Raise what ended the connection, if something did."""
        if self.lost is not None:
            raise self._loss()

    async def wait(self, state_regexp: str) -> None:  # noqa: ARG002 - the library's signature
        """Wait for the greeting; all that the library's client waits for."""
        await self._greeted
        self.check_alive()

    async def execute(self, command: Command, scrub: str | None = None) -> Response:  # noqa: ARG002 - the library's signature
        """Send a command and wait for its answer, for as long as ``timeout`` and no longer."""
        request = self._permit(command)
        async with self._turn, self._in_flight(request):
            await self._answer_to(request)
        return Response(request.status.kind, request.untagged)

    @asynccontextmanager
    async def idling(self) -> AsyncIterator[Idle]:
        """IDLE (RFC 2177) for as long as the block lasts; the server may end it before.

        Raises:
            WatchLost: the server refused, or did not answer in time.
        """
        request = Idle(self.new_tag(), self._idle_began)
        self._permit(request)
        async with self._turn, self._in_flight(request):
            await self._begin_idle(request)
            try:
                yield request
            finally:
                self._idle_since = None
            if not request.is_answered:
                self._write(b"DONE\r\n")
            await self._answer_to(request)

    async def start_tls(self, start: Callable[..., Any], **how: Any) -> None:
        """Upgrade: ``start`` is the loop's ``start_tls`` with its context."""
        try:
            self.transport = await start(self.transport, self, **how)
        except asyncio.CancelledError:
            self.lose(WatchCause.CLOSED, "cancelled during STARTTLS")
            raise
        self.capabilities = set()
        self._reader = Reader()
        self._deaf = False

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002 - the library's
        """The library's way around ``execute``, which logs what it sends. Closed."""
        raise PermissionError(f"{len(line)} characters were to be sent past execute")

    def _permit(self, command: Command) -> Request:
        self.literal_data = None  # the library's APPEND leaves the message here
        if not isinstance(command, Request) or command.name not in ALLOWED:
            raise PermissionError(f"a watcher does not send {command.name}")
        self.check_alive()
        if self.state not in Commands[command.name].valid_states:
            raise PermissionError(f"{command.title} is not for state {self.state}")
        return command

    @asynccontextmanager
    async def _in_flight(self, request: Request) -> AsyncIterator[None]:
        self.check_alive()
        self.pending_sync_command = request
        self._write(request.line())
        try:
            yield
        except WatchLost as lost:
            self._lose_as(lost)
            raise
        except BaseException:
            self.lose(WatchCause.CLOSED, f"{request.title} was given up by us")
            raise
        finally:
            self.pending_sync_command = None

    async def _answer_to(self, request: Request) -> None:
        async with self._deadline(request.title):
            await request.wait()

    async def _begin_idle(self, request: Idle) -> None:
        async with self._deadline("IDLE"):
            await request.begun
        self.check_alive()
        if request.is_answered and not request.is_ok:
            raise refusal.refused(request.status, doing="IDLE")

    def _idle_began(self) -> None:
        self._idle_since = self._now()

    @asynccontextmanager
    async def _deadline(self, title: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                yield
        except TimeoutError:
            said = f"no answer to {title} within {self._timeout:g} s"
            self.lose(WatchCause.SILENT, said)
            raise self._loss() from None

    def _write(self, octets: bytes) -> None:
        self.check_alive()
        if self.transport is not None:
            self.transport.write(octets)
