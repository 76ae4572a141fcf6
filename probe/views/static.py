"""Style and script, from the package's own files, read once."""

from hashlib import sha256
from importlib.resources import files

from aiohttp import web

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _read() -> dict[str, tuple[bytes, str]]:
    folder = files("probe.views") / "static"
    return {
        entry.name: (entry.read_bytes(), _TYPES[entry.name[entry.name.rindex(".") :]])
        for entry in folder.iterdir()
        if entry.name.endswith(tuple(_TYPES))
    }


_FILES = _read()

VERSION = sha256(b"".join(content for content, _ in _FILES.values())).hexdigest()[:12]
"""In every address of a file, so that a browser may keep the file and yet has the right one."""

routes = web.RouteTableDef()


@routes.get("/static/{name}")
async def static(request: web.Request) -> web.Response:
    """Serve a file by its name in the table; no path is ever made of what was asked for."""
    content, kind = _FILES.get(request.match_info["name"], (b"", ""))
    if not kind:
        raise web.HTTPNotFound(text="no such file")
    kept = "public, max-age=31536000, immutable"
    version = request.query.get("v")
    headers = {"Cache-Control": kept if version == VERSION else "no-cache"}
    return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)
