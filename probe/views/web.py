"""The web application: the doors, their locks, and nothing of what lies behind them."""

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from probe.config.settings import WebSettings
from probe.views import api, guard, health, page, static
from probe.views.errors import WebUnavailableError
from probe.views.exposition import CONTENT_TYPE
from probe.views.matrix import Board
from probe.views.sources import SOURCES, Sources

LARGEST_BODY = 1024
"""Nothing that we take has a body."""

LONGEST_LINE = 4096
"""The longest request line or header field; ours are below 1 kB, proxies add some."""

MOST_HEADERS = 64

KEEPALIVE = 75.0
"""Seconds that an unused connection is kept: longer than any usual scrape interval."""

SHUTDOWN = 2.0
"""Seconds for answers under way when the program stops; it has 10 for everything."""

BACKLOG = 64


def build(sources: Sources) -> web.Application:
    """Make the application. It closes the archive when it is cleaned up."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=guard.MIDDLEWARES)
    app[SOURCES] = sources
    app[page.BOARD] = Board()
    for room in (api, health, page, static):
        app.add_routes(room.routes)
    app.router.add_get("/metrics", _metrics)
    app.on_response_prepare.append(guard.harden)
    app.on_cleanup.append(_close)
    return app


@asynccontextmanager
async def serve(settings: WebSettings, app: web.Application) -> AsyncIterator[str]:
    """Serve until the end of the block; yields the address to open."""
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEPALIVE,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        max_headers=MOST_HEADERS,
        shutdown_timeout=SHUTDOWN,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
        try:
            await site.start()
        except (OSError, UnicodeError) as error:  # UnicodeError: no host is named so
            raise WebUnavailableError(_why(settings, error)) from error
        yield _address(runner, settings)
    finally:
        await runner.cleanup()


async def _metrics(request: web.Request) -> web.StreamResponse:
    pieces = await request.app[SOURCES].metrics.exposition()
    response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
    response.content_length = sum(map(len, pieces))
    await response.prepare(request)
    if request.method != "HEAD":
        for piece in pieces:
            await response.write(piece)
    await response.write_eof()
    return response


async def _close(app: web.Application) -> None:
    await app[SOURCES].archive.close()


def _address(runner: web.AppRunner, settings: WebSettings) -> str:
    port = runner.addresses[0][1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}/"


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
