"""/healthz, /readyz, and the one door that does something: POST /-/reload."""

from aiohttp import web

from probe.views.sources import SOURCES
from probe.views.wording import duration, visible

RELOAD_HEADER = "X-Mailprobe-Reload"
"""A page of another site cannot send it without asking first (a CORS preflight), and that is
never granted."""

routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """Say whether every loop still turns; one line for each that does not."""
    live = request.app[SOURCES].live()
    silent = [
        f"{turn.name}: no turn for {duration(live.now - turn.last_turn)}, "
        f"at most {duration(turn.silence_limit)} is normal"
        for turn in live.loops
        if turn.stopped(live.now)
    ]
    if silent:
        return web.Response(status=503, text="\n".join(silent) + "\n")
    return web.Response(text="ok\n")


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """Say whether the start is over."""
    if request.app[SOURCES].live().ready:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="not every mailbox has been tried yet\n")


@routes.post("/-/reload")
async def reload(request: web.Request) -> web.Response:
    """Read the config again."""
    if request.headers.get(RELOAD_HEADER) != "1":
        raise web.HTTPForbidden(text=f"send the header {RELOAD_HEADER}: 1")
    if refused := await request.app[SOURCES].reload():
        return web.Response(status=400, text=visible(refused, 100_000).rstrip("\n") + "\n")
    return web.Response(text="reloaded\n")
