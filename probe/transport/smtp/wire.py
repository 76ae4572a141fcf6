"""aiosmtplib's protocol, made to keep a transcript and to know when a message is handed over."""

import asyncio

from aiosmtplib import SMTPDataError, SMTPResponse, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import PERIOD_REGEX, SMTPProtocol, normalize_message_line_endings

from probe.transport.smtp.exchange import Exchange

_MALFORMED = -1  # aiosmtplib's own code for "not a reply"


class Wire(SMTPProtocol):
    """One connection's octets. ``exchange`` is the submission that uses it now.

    It works on the parent's ``_buffer``, ``_response_waiter`` and ``_response_pending``, for
    which there is no public way: hence the narrow pin of aiosmtplib in pyproject.toml.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(asyncio.get_running_loop())
        self.exchange = exchange
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.raw: asyncio.Transport | None = None
        """The TCP transport, also beneath TLS."""
        self._authenticating = False
        self.surplus = False
        """The server said more than was asked; what it says next cannot be matched. Most often
        it is a 421 to a connection that was idle for too long."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits, and be ``closed``."""
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what came; a reply in the middle of our message ends the wait for room."""
        self.surplus |= not self._response_pending
        super().data_received(data)
        if self._answered:
            self.resume_writing()

    def eof_received(self) -> bool:
        """Likewise: nobody reads our message any more."""
        closing = super().eof_received()
        self.resume_writing()
        return closing

    @property
    def _answered(self) -> bool:
        return self._response_waiter is not None and self._response_waiter.done()

    def write(self, data: bytes) -> None:
        """Send, and write down what was sent."""
        super().write(data)
        self.exchange.said(self._shown(data))

    def _shown(self, data: bytes) -> str:
        """A command as the transcript may show it: AUTH and what answers a 334 are masked."""
        if self._authenticating:
            return "**"
        text = data.decode("utf-8", "replace").rstrip("\r\n")
        if text[:5].upper() == "AUTH ":
            self._authenticating = True
            verb, mechanism, *initial = text.split(" ")
            return " ".join([verb, mechanism, *("**" for _ in initial)])
        return text

    async def read_response(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - the parent's signature
    ) -> SMTPResponse:
        """Wait for one whole reply.

        The parent's uses ``asyncio.wait_for``, which on Python 3.11 swallows a cancellation
        that comes together with the reply.
        """
        if self._response_waiter is None:
            raise SMTPServerDisconnected("Connection lost")
        self._response_pending = True
        try:
            async with asyncio.timeout(timeout):
                response = await self._response_waiter
        finally:
            self._response_pending = False
            self._response_waiter = self._loop.create_future() if self.transport else None
        self.surplus |= bool(self._buffer)
        self.exchange.heard(response.code, response.message)
        self._authenticating = response.code == 334
        if not 200 <= response.code <= 599:  # RFC 5321 §4.2: first digit 2 to 5
            raise SMTPResponseException(_MALFORMED, f"no reply code of SMTP: {response.code}")
        return response

    async def execute_command(
        self,
        *args: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - the parent's signature
    ) -> SMTPResponse:
        """Send a command and wait for its reply, if the line is in step."""
        self._assert_in_step()
        return await super().execute_command(*args, timeout=timeout)

    def _assert_in_step(self) -> None:
        if self.surplus:
            raise SMTPResponseException(_MALFORMED, "more than one reply to one command")

    async def execute_data_command(
        self,
        message: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - the parent's signature
    ) -> SMTPResponse:
        """DATA, and the message in three writes, so that the hand-over has an exact moment.

        The parent writes the message and its end at once; then nobody can tell whether a lost
        connection was lost with the end still in our own buffers.
        """
        start = await self.execute_command(b"DATA", timeout=timeout)
        if start.code != 354:
            raise SMTPDataError(start.code, start.message)
        self._assert_in_step()
        body = PERIOD_REGEX.sub(b"..", normalize_message_line_endings(message))
        self._response_pending = True  # a refusal may come before the end of the message
        await self._write_body(body, timeout)
        if self._answered:
            await self._refused_early(timeout)
        self._write_end()
        response = await self.read_response(timeout)
        if response.code // 100 != 2:
            raise SMTPDataError(response.code, response.message)
        return response

    async def _write_body(self, body: bytes, limit: float | None) -> None:
        """Write all but the final dot, and wait until the kernel has taken it.

        With TLS a full socket is felt one write late: asyncio's TLS layer learns of it by the
        first write and holds back the second. So the last octets are a write of their own.
        """
        async with asyncio.timeout(limit):
            for piece in (body[:-2], body[-2:]):
                if not self._answered:
                    super().write(piece)
                    await self._drain_helper()
        if not self._answered:
            self.exchange.said(f"({len(body)} octets)")

    async def _refused_early(self, limit: float | None) -> None:
        """Read what came before the end of the message; nothing after it can be in step."""
        early = await self.read_response(limit)
        self.abort()
        raise SMTPDataError(early.code, early.message)

    def _write_end(self) -> None:
        """Write the final dot (RFC 5321 §4.1.1.4): the message is handed over.

        Where the kernel refuses the write at once, the connection was already gone and the
        dot cannot have left.
        """
        if self.raw is None or not self.is_connected:
            raise SMTPServerDisconnected("Connection lost")
        self.exchange.handed_over = True
        self.write(b".\r\n")
        if self.raw.is_closing():
            self.exchange.handed_over = False
            raise SMTPServerDisconnected("Connection lost")

    def limit_buffers(self) -> None:
        """Let ``_drain_helper`` wait until the kernel has taken everything."""
        if self.raw is not None:
            self.raw.set_write_buffer_limits(high=0)
        if self.transport is not None and self.transport is not self.raw:
            # not 0: asyncio's TLS layer compares with >=, and an empty buffer is not full
            self.transport.set_write_buffer_limits(high=1, low=0)  # type: ignore[attr-defined]  # a Transport, typed as BaseTransport

    def abort(self) -> None:
        """Close now, whatever is buffered."""
        if self.raw is not None:
            self.raw.abort()
