"""A web application behind locks, and the plainest of clients."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import trustme

from probe.config.protection import ClientAuth, Protection, ServerTls
from probe.config.secret import Secret
from probe.config.settings import WebSettings
from probe.views.lock import LOCK, Lock
from probe.views.web import Serving, build, serve
from tests.views.world import Client, World

PASSWORD = "correct horse"
HASH = Secret(bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
"""Of the least cost, so that tests are quick."""

USERS = Protection(users={"alice": HASH})


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages that are up."""

    serving: Serving
    lock: Lock
    client: Client

    @property
    def port(self) -> int:
        return int(self.serving.address.rstrip("/").rpartition(":")[2])

    async def raw(self, octets: bytes, context: ssl.SSLContext | None = None) -> bytes:
        """Say this, and hear everything until the other side ends."""
        name = None if context is None else "pages.example"
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=context, server_hostname=name
            )
            try:
                writer.write(octets)
                return await reader.read()
            finally:
                writer.close()


@asynccontextmanager
async def pages(
    world: World, protection: Protection | None = None, **more: Any
) -> AsyncIterator[Pages]:
    """Serve this world behind these locks."""
    app = build(world.sources())
    settings = WebSettings("127.0.0.1", 0, protection=protection or Protection(), **more)
    async with serve(settings, app) as serving, Client(serving.address) as client:
        yield Pages(serving, app[LOCK], client)


class Authority:
    """A CA, with the files of a server in a directory."""

    def __init__(self, directory: Path) -> None:
        self.ca = trustme.CA()
        self.cert, self.key = directory / "cert.pem", directory / "key.pem"
        self.root = directory / "ca.pem"
        self.ca.cert_pem.write_to_path(self.root)
        self.renew()

    def renew(self) -> None:
        """Write a new certificate and key, as its operator would."""
        issued = self.ca.issue_cert("pages.example")
        issued.private_key_pem.write_to_path(self.key)
        issued.cert_chain_pems[0].write_to_path(self.cert)

    def protection(self, client_auth: ClientAuth = ClientAuth.NONE) -> Protection:
        root = None if client_auth is ClientAuth.NONE else self.root
        return Protection(tls=ServerTls(self.cert, self.key, client_auth, root))

    def trusting(self, *, known: bool = False) -> ssl.SSLContext:
        """How a client sees us; with a certificate of its own if it is known."""
        made = ssl.create_default_context(cafile=str(self.root))
        if known:
            self.ca.issue_cert("client.example").configure_cert(made)
        return made
