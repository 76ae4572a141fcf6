"""What is in force at the door: TLS, users, names, pace. A reload changes it under way."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from probe import logs
from probe.config import server_tls
from probe.config.protection import ServerTls
from probe.config.settings import WebSettings
from probe.views.errors import WebUnavailableError
from probe.views.limits import Bucket, Pace
from probe.views.login import Login

GLANCE = 10.0
"""Seconds between two looks at the certificate's files: who renewed it sees it in use soon."""

Stamps = tuple[tuple[int, int, int] | None, ...]
"""Of each file: what changes when it is written or replaced."""
_NO_STAMPS: Stamps = ()


class Lock:
    """Asked at each connection and at each request."""

    settings: WebSettings
    tls: ssl.SSLContext | None
    login: Login
    headers: Mapping[str, str]
    shared: Bucket | None
    """For the requests of all peers together, if the file wants one."""

    def __init__(self) -> None:
        self.pace = Pace()
        self._stamps: Stamps = ()
        self._refused: Stamps = ()

    async def change(self, settings: WebSettings) -> None:
        """Go on with these settings; connections that are open stay, and log in anew.

        Raises:
            WebUnavailableError: a file changed since the config was checked.
        """
        protection, tls, stamps = settings.protection, None, _NO_STAMPS
        if protection.tls is not None:
            stamps = await asyncio.to_thread(_stamps, protection.tls.files)
            try:
                tls = await asyncio.to_thread(server_tls.context, protection.tls)
            except server_tls.UnusableTlsError as error:
                raise WebUnavailableError(f"web: {error.key}: {error}") from None
        limit = protection.rate_limit
        self.settings = settings
        self.tls = tls
        self.login = Login(protection.users)
        self.headers = protection.headers
        self.shared = Bucket(1 / limit.interval, limit.burst, _now()) if limit else None
        self._stamps = self._refused = stamps

    async def watch(self) -> None:
        """Take up renewed certificates, until cancelled."""
        while True:
            tls = self.settings.protection.tls
            if tls is not None:
                await self._renew(tls)
            await asyncio.sleep(GLANCE)

    async def _renew(self, tls: ServerTls) -> None:
        stamps = await asyncio.to_thread(_stamps, tls.files)
        if stamps in (self._stamps, self._refused):
            return
        try:
            renewed = await asyncio.to_thread(server_tls.context, tls)
        except server_tls.UnusableTlsError as error:
            self._refused = stamps  # half of a renewal, perhaps: the other half comes soon
            logs.get().warning("web.certificate_refused", why=str(error))
            return
        if self.settings.protection.tls == tls:  # no reload came meanwhile
            self.tls, self._stamps = renewed, stamps
            logs.get().info("web.certificate_renewed", file=str(tls.cert_file))


def _stamps(files: tuple[Path, ...]) -> Stamps:
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _now() -> float:
    return asyncio.get_running_loop().time()


LOCK = web.AppKey("lock", Lock)
