"""Servers that are stopped, and submitters that are closed, whatever the test did."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.transport.smtp.harness import PASSWORD, Bench, mailbox
from tests.transport.smtp.scripted import Act, Scripted

Scene = Callable[..., Awaitable[tuple[Scripted, Bench]]]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Make a scripted server, and a submitter that talks to it.

    ``at`` is the script; the rest changes the sender's settings.
    """
    made: list[tuple[Scripted, Bench]] = []

    async def make(
        at: dict[str, str | Act] | None = None, **changes: Any
    ) -> tuple[Scripted, Bench]:
        server = Scripted(at or {})
        await server.start()
        made.append((server, Bench(mailbox(server.port, **changes))))
        return made[-1]

    async with asyncio.timeout(50):
        yield make
        for server, bench in made:
            await bench.submitter.close()
            await server.stop()


@pytest.fixture(autouse=True)
def _no_secret_in_any_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every test runs with every logger at DEBUG, and none may have seen the password."""
    caplog.set_level(logging.DEBUG)
    yield
    forms = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode()]
    logged = caplog.text + "".join(record.getMessage() for record in caplog.records)
    assert not [form for form in forms if form in logged]
