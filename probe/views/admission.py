"""Who is let in with a request: the right name, at a fair pace, and known to us."""

import asyncio
import ipaddress
import socket

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from probe.views.limits import LOGIN_COST, peer_of
from probe.views.lock import LOCK, Lock
from probe.views.login import BusyError, credentials

METHODS = ("GET", "HEAD", "POST")
"""POST is for /-/reload; the router knows."""

UNGUARDED = frozenset({"/healthz", "/readyz"})
"""Asked by container engines and load balancers, which know no password; they tell no secrets."""

_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa")
"""Domains that nobody can register (RFC 6761, 6762, 8375; .internal is ICANN's)."""

_CHALLENGE = {hdrs.WWW_AUTHENTICATE: 'Basic realm="mailprobe", charset="UTF-8"'}
_SOON = {hdrs.RETRY_AFTER: "1"}


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request through, or say in a line why not."""
    lock = request.app[LOCK]
    if request.method not in METHODS:
        raise web.HTTPMethodNotAllowed(request.method, ("GET", "HEAD"))
    _check_pace(request, lock)
    if not lock.settings.protection.closed:
        _check_host(request, lock)
    if lock.login and request.path not in UNGUARDED:
        await _check_login(request, lock)
    return await handler(request)


def _check_pace(request: web.Request, lock: Lock, tokens: float = 1.0) -> None:
    now = asyncio.get_running_loop().time()
    fair = lock.pace.take(peer_of(request.remote or ""), now, tokens)
    if not fair or (lock.shared is not None and not lock.shared.take(now)):
        raise web.HTTPTooManyRequests(text="too many requests; slow down", headers=_SOON)


def _check_host(request: web.Request, lock: Lock) -> None:
    """Refuse names that may be a stranger's.

    A page of another site can make its own name point to us, and would then read our pages as
    its own (DNS rebinding); it cannot do so with an address, nor with a name that is ours.
    Where a login is needed it gains nothing: a browser has no password for that name.
    """
    given = request.headers.getall(hdrs.HOST, [])
    if not given and request.version < (1, 1):
        return  # HTTP/1.0 has none, and no browser speaks it
    if len(given) != 1:  # RFC 9112 §3.2
        raise web.HTTPBadRequest(text="exactly one Host header is needed")
    name = host_name(given[0])
    if not is_ours(name, lock.settings.host, lock.settings.hosts):
        raise web.HTTPMisdirectedRequest(
            text=f"this is not {name[:100]}; if it is meant to be, add it to web.hosts"
        )


def host_name(header: str) -> str:
    """The name alone: without port, brackets and the root's dot; in lower case."""
    name = header.rpartition("]")[0] if header.startswith("[") else header.partition(":")[0]
    return name.lstrip("[").removesuffix(".").lower()


def is_ours(name: str, *known: str | tuple[str, ...]) -> bool:
    """Whether no stranger can own this name."""
    if "." not in name or name.endswith(_PRIVATE):
        return True  # no top-level domain has an address; IPv6 addresses have no dot either
    try:
        ipaddress.ip_address(name)
    except ValueError:
        mine = {socket.gethostname().lower()}
        for names in known:
            mine.update((names,) if isinstance(names, str) else names)
        return name in mine
    return True


async def _check_login(request: web.Request, lock: Lock) -> None:
    given = credentials(request.headers.get(hdrs.AUTHORIZATION, ""))
    if given is None:
        raise web.HTTPUnauthorized(text="log in", headers=_CHALLENGE)
    if lock.login.remembered(*given):
        return
    _check_pace(request, lock, LOGIN_COST)
    try:
        right = await lock.login.verify(*given)
    except BusyError:
        raise web.HTTPServiceUnavailable(
            text="too many logins; try again", headers=_SOON
        ) from None
    if not right:
        raise web.HTTPUnauthorized(text="user or password is wrong", headers=_CHALLENGE)
