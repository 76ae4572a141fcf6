"""The proxy harms connections in exactly the way it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.lab.blackhole import BlackHole
from tests.lab.proxy import Direction, TcpProxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server which answers each line with the same line."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
        except ConnectionError:
            pass
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[TcpProxy]:
    async with TcpProxy("127.0.0.1", echo) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: TcpProxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    yield reader, writer
    writer.transport.abort()


async def say(client: Streams, line: bytes) -> bytes:
    client[1].write(line)
    return await client[0].readline()


async def round_trip(port: int) -> None:
    """Talk to the server directly: what the proxy lets through has crossed meanwhile."""
    streams = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(10):
        assert await say(streams, b"past the proxy\r\n")
    streams[1].transport.abort()


async def test_what_is_said_comes_through_unchanged(client: Streams) -> None:
    assert await say(client, b"hello\r\n") == b"hello\r\n"


async def test_the_end_of_one_side_is_passed_on_after_what_was_said(client: Streams) -> None:
    reader, writer = client
    writer.write(b"last words\r\n")
    writer.write_eof()
    assert await reader.read() == b"last words\r\n"


async def test_latency_is_paid_once_in_each_direction(proxy: TcpProxy, client: Streams) -> None:
    await say(client, b"warm\r\n")
    clock = asyncio.get_running_loop().time
    proxy.latency = 0.05
    began = clock()
    await say(client, b"slow\r\n")
    assert clock() - began >= 2 * proxy.latency


async def test_a_cut_with_fin_is_an_end_of_file(proxy: TcpProxy, client: Streams) -> None:
    await say(client, b"hello\r\n")
    proxy.cut()
    assert await client[0].read() == b""


async def test_a_cut_with_rst_is_an_error(proxy: TcpProxy, client: Streams) -> None:
    await say(client, b"hello\r\n")
    proxy.cut(reset=True)
    with pytest.raises(ConnectionResetError):
        await client[0].read()


async def test_after_a_cut_new_connections_are_welcome(proxy: TcpProxy, client: Streams) -> None:
    await say(client, b"hello\r\n")
    proxy.cut()
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    assert await say((reader, writer), b"again\r\n") == b"again\r\n"
    writer.transport.abort()
    assert proxy.connections_made == 2


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_stall_holds_everything_back_and_loses_nothing(
    proxy: TcpProxy, client: Streams, echo: int, direction: Direction
) -> None:
    await say(client, b"hello\r\n")
    proxy.stall(direction)
    # Said while stalled, and surely read by the proxy, because it saw it cross.
    taken = proxy.watch(b"waits", direction)
    client[1].write(b"waits\r\n")
    await taken.wait()
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(client[0].readline())
        await round_trip(echo)
        assert not answer.done()
        proxy.resume()
    assert answer.result() == b"waits\r\n"


async def test_a_cut_before_some_words_keeps_them_from_crossing(
    proxy: TcpProxy, client: Streams
) -> None:
    proxy.cut_before(b"accepted", Direction.TO_CLIENT, reset=False)
    assert await say(client, b"hello\r\n") == b"hello\r\n"
    assert await say(client, b"accepted\r\n") == b""


async def test_lines_are_noted_even_if_they_come_in_pieces(
    proxy: TcpProxy, client: Streams
) -> None:
    watch = proxy.watch(rb"^\* \d+ EXISTS$")
    client[1].write(b"* 3 EX")
    await client[1].drain()
    client[1].write(b"ISTS\r\n* 4 RECENT\r\n* 5 EXISTS\r\n")
    crossings = await watch.wait(2)
    assert [crossing.line for crossing in crossings] == [b"* 3 EXISTS", b"* 5 EXISTS"]
    assert crossings[0].at <= crossings[1].at


async def test_a_server_that_refuses_is_passed_on_as_a_reset() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with TcpProxy("127.0.0.1", nobody.getsockname()[1]) as proxy:
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.transport.abort()


async def test_the_black_hole_neither_accepts_nor_refuses() -> None:
    with BlackHole("127.1.9.8", 2525), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asyncio.open_connection("127.1.9.8", 2525)
