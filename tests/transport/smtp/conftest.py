"""Servers that are stopped, and submitters that are closed, whatever the test did."""

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from probe.config.settings import Tls
from tests.transport.smtp.harness import PASSWORD, Bench, mailbox
from tests.transport.smtp.scripted import Script, Scripted, upgrade

Scene = Callable[..., Awaitable[tuple[Scripted, Bench]]]
Protected = Scene


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(written))
    return written


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """What an honest server at 127.0.0.1 serves TLS with."""
    return context_of(authority.issue_cert("127.0.0.1", "localhost"))


def context_of(leaf: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(made)
    return made


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Make a scripted server, and a submitter that talks to it.

    ``at`` is the script; ``context`` makes the server speak TLS from the first octet; the
    rest changes the sender's settings.
    """
    made: list[tuple[Scripted, Bench]] = []

    async def make(
        at: Script | None = None, context: ssl.SSLContext | None = None, **changes: Any
    ) -> tuple[Scripted, Bench]:
        server = Scripted(at or {})
        await server.start(context)
        made.append((server, Bench(mailbox(server.port, **changes))))
        return made[-1]

    async with asyncio.timeout(50):
        yield make
        for server, bench in made:
            await bench.submitter.close()
            await server.stop()


@pytest.fixture(params=[Tls.PLAIN, Tls.IMPLICIT, Tls.STARTTLS])
def protected(
    request: pytest.FixtureRequest, scene: Scene, ca_file: Path, server_context: ssl.SSLContext
) -> Protected:
    """A scene in each kind of protection: TLS has buffers of its own."""
    tls: Tls = request.param

    async def make(at: Script, **changes: float) -> tuple[Scripted, Bench]:
        if tls is Tls.STARTTLS:
            offer = "250-mx.test\r\n250-STARTTLS\r\n250 AUTH PLAIN"
            at = {"EHLO": offer, "STARTTLS": upgrade(server_context), **at}
        context = server_context if tls is Tls.IMPLICIT else None
        return await scene(at, context, tls=tls, ca_file=ca_file, **changes)

    return make


@pytest.fixture(autouse=True)
def _no_secret_in_any_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every test runs with every logger at DEBUG, and none may have seen the password."""
    caplog.set_level(logging.DEBUG)
    yield
    forms = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode()]
    logged = caplog.text + "".join(record.getMessage() for record in caplog.records)
    assert not [form for form in forms if form in logged]
