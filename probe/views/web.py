"""The web application: the doors, their locks, and nothing of what lies behind them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from probe.config.settings import WebSettings
from probe.views import api, guard, health, listener, page, static
from probe.views.connection import Connection
from probe.views.exposition import CONTENT_TYPE
from probe.views.lock import LOCK, Lock
from probe.views.matrix import Board
from probe.views.sources import SOURCES, Sources

LARGEST_BODY = 1024
"""Nothing that we take has a body."""

SHUTDOWN = 2.0
"""Seconds for answers under way when the program stops; it has 10 for everything."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A web server that is up."""

    address: str
    """What to open."""
    change: Callable[[WebSettings], Awaitable[None]]
    """Go on with other settings; where it listens stays. Raises WebUnavailableError."""


def build(sources: Sources) -> web.Application:
    """Make the application. It closes the archive when it is cleaned up."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=guard.MIDDLEWARES)
    app[SOURCES] = sources
    app[LOCK] = Lock()
    app[page.BOARD] = Board()
    for room in (api, health, page, static):
        app.add_routes(room.routes)
    app.router.add_get("/metrics", _metrics)
    app.on_response_prepare.append(guard.harden)
    app.on_cleanup.append(_close)
    return app


@asynccontextmanager
async def serve(settings: WebSettings, app: web.Application) -> AsyncIterator[Serving]:
    """Serve until the end of the block."""
    lock = app[LOCK]
    await lock.change(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN)
    await runner.setup()
    server = runner.server
    assert server is not None
    door = listener.Listener(lambda leave: Connection(server, leave), lambda: lock.tls)
    try:
        async with listener.listening(settings) as sockets, asyncio.TaskGroup() as group:
            tasks = [group.create_task(door.run(sockets)), group.create_task(lock.watch())]
            try:
                yield Serving(_address(sockets[0].getsockname()[1], settings), lock.change)
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        await runner.cleanup()


async def _metrics(request: web.Request) -> web.Response:
    pieces = await request.app[SOURCES].metrics.exposition()
    return web.Response(body=b"".join(pieces), headers={"Content-Type": CONTENT_TYPE})


async def _close(app: web.Application) -> None:
    await app[SOURCES].archive.close()


def _address(port: int, settings: WebSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.protection.tls is None else "https"
    return f"{scheme}://{host}:{port}/"
