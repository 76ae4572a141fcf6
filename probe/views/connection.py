"""One connection: aiohttp's, with a time for each request and one line for each error."""

import asyncio
import enum
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from probe.views.headers import HEADERS

REQUEST_TIMEOUT = 10.0
"""Seconds for a whole request, from its first byte: one that drips is given up."""

FLUSH_TIMEOUT = 30.0
"""Seconds for a reader to take what is left of an answer: 0.9 MB at 30 kB/s."""

LONGEST_LINE = 4096
"""The longest request line or header field; ours are below 1 kB, proxies add some."""

MOST_HEADERS = 64

KEEPALIVE = 75.0
"""Seconds that an unused connection is kept: longer than any usual scrape interval."""


class _Phase(enum.Enum):
    FRESH = "nothing came yet"
    READING = "a request is coming in"
    ANSWERING = "a handler works"
    IDLE = "answered"


class Connection(web.RequestHandler):
    """aiohttp times only the silence between requests, and shows its own version in errors."""

    __slots__ = ("_on_end", "_phase", "_timer")

    def __init__(self, server: web.Server, on_end: Callable[[], None]) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # what aiohttp's own runner passes for none
            keepalive_timeout=KEEPALIVE,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )
        self._on_end = on_end
        self._phase = _Phase.FRESH
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up, if it is asked for."""
        super().connection_made(transport)
        self._wait(REQUEST_TIMEOUT)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._wait(None)
        super().connection_lost(exc)
        self._on_end()

    def data_received(self, data: bytes) -> None:
        """The first byte of a request sets the clock, and no further one sets it back."""
        if self._phase in {_Phase.FRESH, _Phase.IDLE} and data:
            self._phase = _Phase.READING
            self._wait(REQUEST_TIMEOUT)
        super().data_received(data)

    def asked(self) -> None:
        """A handler begins; it has a deadline of its own."""
        self._phase = _Phase.ANSWERING
        self._wait(None)

    def answered(self) -> None:
        """A handler has ended; what it wrote may still be on its way."""
        self._phase = _Phase.IDLE
        self._wait(FLUSH_TIMEOUT)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - theirs; it quotes what came in
    ) -> web.StreamResponse:
        """Answer what aiohttp cannot read; not in the log, which anybody could fill."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way") from exc
        line = "this is not HTTP as we understand it" if status == 400 else "an error of mailprobe"
        answer = web.Response(status=status, text=line + "\n", headers=HEADERS)
        answer.headers["Cache-Control"] = "no-store"
        answer.force_close()
        return answer

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None else loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        transport: Any = self.transport
        if transport is None:
            return
        stuck = transport.get_write_buffer_size() > 0
        if self._phase is _Phase.IDLE and not stuck:
            return  # how long it may stay unused is KEEPALIVE's
        if self._phase is _Phase.READING and not stuck:
            transport.write(
                one_line(408, "Request Timeout", "the request took too long to come in")
            )
        self.force_close()  # no more is read
        asyncio.get_running_loop().call_soon(transport.abort)


def one_line(status: int, reason: str, text: str) -> bytes:
    """An answer where no request was read."""
    fields = {
        **HEADERS,
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(text) + 1),
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n{text}\n".encode("ascii")
