"""Ports that are shut and opened again."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from probe.demo import listener as listeners
from probe.demo.listener import HOST, Listener
from tests.demo.clients import PATIENCE

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def echo(listener: Listener) -> asyncio.BaseProtocol:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with listener.serving(writer.transport):
                while line := await reader.readline():
                    writer.write(line)
        except ConnectionError:
            return

    return asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener(echo, None)
    await made.start()
    yield made
    await made.close()


async def connect(listener: Listener) -> Streams:
    streams = await asyncio.open_connection(HOST, listener.port)
    streams[1].write(b"hello\n")
    assert await streams[0].readline() == b"hello\n"
    return streams


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            await writer.wait_closed()


async def test_a_shut_port_refuses_and_is_nobody_else_s(listener: Listener) -> None:
    await listener.stop()
    assert not listener.open
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, listener.port)
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind((HOST, listener.port))


async def test_it_opens_again_on_the_same_port(listener: Listener) -> None:
    port = listener.port
    for _ in range(3):
        await listener.stop()
        await listener.start()
        _, writer = await connect(listener)
        await hang_up(writer)
    assert listener.port == port


async def test_stopping_and_starting_twice_is_doing_it_once(listener: Listener) -> None:
    await listener.start()
    await listener.stop()
    await listener.stop()
    await listener.start()
    _, writer = await connect(listener)
    await hang_up(writer)


@pytest.mark.parametrize("how", ["stop", "cut"])
async def test_connections_are_reset_and_counted_no_more(listener: Listener, how: str) -> None:
    reader, writer = await connect(listener)
    assert listener.connections == 1
    await getattr(listener, how)()
    assert listener.connections == 0
    with pytest.raises(ConnectionResetError):
        await reader.readline()
    await hang_up(writer)


async def test_after_a_cut_new_connections_are_served(listener: Listener) -> None:
    _, old = await connect(listener)
    await listener.cut()
    _, new = await connect(listener)
    await hang_up(old)
    await hang_up(new)


async def test_there_is_a_limit_to_the_connections(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "_MAX_CONNECTIONS", 1)
    _, first = await connect(listener)
    reader, second = await asyncio.open_connection(HOST, listener.port)
    with pytest.raises(ConnectionResetError):
        await reader.readline()
    await hang_up(second)
    await hang_up(first)


async def test_closed_for_good_gives_the_port_back(listener: Listener) -> None:
    await listener.close()
    with socket.socket() as heir:
        heir.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        heir.bind((HOST, listener.port))
