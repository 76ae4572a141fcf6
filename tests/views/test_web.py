"""Listening, and what is said where that does not work."""

import asyncio
import socket

import pytest

from probe.config.settings import WebSettings
from probe.views.connection import LONGEST_LINE
from probe.views.errors import WebUnavailableError
from probe.views.web import build, serve
from tests.views.world import Client, World


async def refusal(world: World, settings: WebSettings) -> str:
    with pytest.raises(WebUnavailableError) as caught:
        async with serve(settings, build(world.sources())):
            raise AssertionError
    return str(caught.value)


async def test_a_taken_port_is_one_clear_line(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = await refusal(world, WebSettings("127.0.0.1", port))
    assert line == (
        f"web: cannot listen on 127.0.0.1 port {port}: the port is taken; "
        "stop the other program or choose another port (web.listen; of the demo: --host, --port)"
    )


async def test_an_address_of_another_machine_is_one_clear_line(world: World) -> None:
    line = await refusal(world, WebSettings("192.0.2.1", 9925))
    assert line.endswith(
        "that is no address of this machine; "
        "choose one that is (web.listen; of the demo: --host, --port)"
    )


async def test_an_unknown_host_is_one_clear_line(world: World) -> None:
    # A label of 64 characters (RFC 1035 §2.3.4 allows 63): no resolver is asked.
    line = await refusal(world, WebSettings("a" * 64 + ".example", 9925))
    assert "the host name is not known" in line
    assert "\n" not in line


async def test_the_address_to_open_is_told(world: World) -> None:
    async with serve(WebSettings("127.0.0.1", 0), build(world.sources())) as pages:
        assert pages.address.startswith("http://127.0.0.1:")
        async with Client(pages.address) as client:
            assert (await client.get("/healthz"))[0].status == 200


async def test_after_the_end_the_port_is_free_again(world: World) -> None:
    async with world.served() as client:
        port = int(client.address.rstrip("/").rpartition(":")[2])
    async with serve(WebSettings("127.0.0.1", port), build(world.sources())):
        pass


async def test_a_body_is_not_taken(client: Client) -> None:
    response, _ = await client.ask("POST", "/", data=b"x" * 100_000)
    assert response.status == 405


async def test_endless_headers_end_the_connection(client: Client) -> None:
    port = int(client.address.rstrip("/").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(20):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 8 * LONGEST_LINE)
            answer = await reader.read()
    finally:
        writer.close()
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"Traceback" not in answer
