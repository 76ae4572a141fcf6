"""A time for each request, and one line for each error, whatever comes in."""

import asyncio
from contextlib import suppress

import pytest

from probe.views import connection
from probe.views.headers import HEADERS
from tests.views.locked import pages
from tests.views.world import World


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO pages.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization hunter2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /\x00hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_one_line_outside_and_none_in_the_log(
    world: World, octets: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    async with pages(world) as door:
        answer = await door.raw(octets)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert body == b"this is not HTTP as we understand it\n"
    for name, value in HEADERS.items():
        assert f"{name}: {value}".encode() in head
    assert capfd.readouterr().err == ""


async def test_a_request_that_drips_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 0.2)
    async with pages(world) as door, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        answering = asyncio.ensure_future(reader.read())  # noqa: TID251 - awaited below
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        while not answering.done():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)
        answer = await answering
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"\r\n\r\nthe request took too long to come in\n")


async def test_one_that_says_nothing_is_closed_without_a_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 0.05)
    async with pages(world) as door:
        assert await door.raw(b"") == b""


async def test_one_that_is_used_again_and_again_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with pages(world) as door, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        for _ in range(5):
            writer.write(ask)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\nok\n")
        writer.write(ask[:20])
        await asyncio.sleep(0)
        writer.write(ask[20:] + ask)  # the second half, and one more behind it
        for _ in range(2):
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\nok\n")
        writer.close()


async def test_an_answer_that_is_not_taken_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FLUSH_TIMEOUT", 0.2)
    ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with pages(world) as door, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=1)
        with suppress(ConnectionError):
            while not writer.is_closing():  # ask for ever, read nothing
                writer.write(ask * 10)
                await writer.drain()
                await asyncio.sleep(0.01)
        assert reader.exception() or reader.at_eof()
        writer.close()
