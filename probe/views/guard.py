"""What holds for every answer: headers, a deadline, and errors of one line."""

import asyncio

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from probe import logs
from probe.journal.errors import JournalError
from probe.views.admission import admit
from probe.views.archive import ArchiveError
from probe.views.connection import Connection
from probe.views.headers import HEADERS
from probe.views.lock import LOCK
from probe.views.paging import QueryError
from probe.views.wording import visible

ANSWER_TIMEOUT = 30.0
"""Longest time for one answer, a slow reader of a large scrape included."""


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers that every answer has; nothing is stored unless it says so itself."""
    response.headers.update(HEADERS)
    response.headers.update(request.app[LOCK].headers)
    response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer each error with one line: JSON below /api/, text elsewhere."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await handler(request)
    except web.HTTPException as error:
        kept = {str(name): error.headers[name] for name in _TOLD if name in error.headers}
        return _error(request, error.status, error.text or error.reason, kept)
    except QueryError as error:
        return _error(request, 400, str(error))
    except (ArchiveError, JournalError, TimeoutError) as error:
        return _error(request, 503, str(error) or "no answer in time", {"Retry-After": "5"})
    except Exception:  # noqa: BLE001 - the border: a page that fails must not end the watching
        path = visible(request.path, 200)
        logs.get().exception("request.failed", method=request.method, path=path)
        return _error(request, 500, "an error of mailprobe itself; its log says more")


@web.middleware
async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection when it waits for us and when we wait for it."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    connection.asked()
    try:
        return await handler(request)
    finally:
        connection.answered()


MIDDLEWARES = (timed, plain_errors, admit)

_TOLD = (hdrs.ALLOW, hdrs.RETRY_AFTER, hdrs.WWW_AUTHENTICATE)
"""Headers of an error that its receiver needs."""


def _error(
    request: web.Request, status: int, text: str, headers: dict[str, str] | None = None
) -> web.Response:
    line = " ".join(text.split())
    if request.path.startswith("/api/"):
        return web.json_response({"error": line}, status=status, headers=headers)
    return web.Response(text=line + "\n", status=status, headers=headers)
