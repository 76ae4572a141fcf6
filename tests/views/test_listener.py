"""Connections: TLS, too many of them, and those who speak something else."""

import asyncio
import ssl
from pathlib import Path

import pytest
import structlog

from probe.config.protection import ClientAuth
from probe.views import lock
from probe.views.limits import Crowd
from probe.views.listener import Listener
from tests.views.locked import Authority, Pages, pages
from tests.views.world import World

ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def serial(door: Pages, authority: Authority) -> int:
    """The serial number of the certificate that we show."""
    async with asyncio.timeout(20):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", door.port, ssl=authority.trusting(), server_hostname="pages.example"
        )
    found = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return int(found, 16)


async def test_pages_over_tls(world: World, authority: Authority) -> None:
    async with pages(world, authority.protection()) as door:
        assert door.serving.address.startswith("https://")
        assert (await door.raw(ASK, authority.trusting())).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_speaks_http_to_tls_is_told_in_a_line(
    world: World, authority: Authority
) -> None:
    async with pages(world, authority.protection()) as door:
        answer = await door.raw(ASK)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"\r\n\r\nthis port speaks TLS: ask with https://\n")
    assert b"Content-Security-Policy: default-src 'none'" in answer


async def test_who_speaks_tls_to_http_gets_an_end(
    world: World, authority: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    async with pages(world) as door:
        with pytest.raises(ssl.SSLError):
            await door.raw(ASK, authority.trusting())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("known", [True, False])
async def test_only_clients_that_we_know(world: World, authority: Authority, known: bool) -> None:
    async with pages(world, authority.protection(ClientAuth.REQUIRED)) as door:
        context = authority.trusting(known=known)
        try:
            answer = await door.raw(ASK, context)
        except (ssl.SSLError, ConnectionError):
            answer = b""
    assert answer.startswith(b"HTTP/1.1 200") is known


async def test_old_tls_is_refused(world: World, authority: Authority) -> None:
    old = authority.trusting()
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with pages(world, authority.protection()) as door:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await door.raw(ASK, old)


async def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_not(
    world: World, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "GLANCE", 0.01)
    with structlog.testing.capture_logs() as entries:
        async with pages(world, authority.protection()) as door:
            first = await serial(door, authority)
            authority.key.write_text("-----BEGIN PRIVATE KEY-----\n")
            await until_logged(entries, "web.certificate_refused")
            assert await serial(door, authority) == first
            authority.renew()
            await until_logged(entries, "web.certificate_renewed")
            assert await serial(door, authority) != first


async def until_logged(entries: "list[structlog.typing.EventDict]", event: str) -> None:
    async with asyncio.timeout(20):
        while event not in [entry["event"] for entry in entries]:  # noqa: ASYNC110 - a list
            await asyncio.sleep(0.01)


async def test_beyond_the_crowd_a_connection_is_turned_away_and_then_taken_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, Crowd(most=2))
    async with pages(world) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        answer = await door.raw(ASK)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b"too many connections\n")
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(20):
            while b" 200 " not in await door.raw(ASK):
                pass


def small(monkeypatch: pytest.MonkeyPatch, crowd: Crowd) -> None:
    """Let the next listener have this little room."""
    made = Listener.__init__

    def init(self: Listener, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]  # handed on as they came
        self.crowd = crowd

    monkeypatch.setattr(Listener, "__init__", init)


async def test_a_tls_that_is_never_agreed_on_makes_room_again(
    world: World, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(most=2)
    small(monkeypatch, crowd)
    monkeypatch.setattr("probe.views.listener.HANDSHAKE_TIMEOUT", 0.1)
    async with pages(world, authority.protection()) as door:
        assert await door.raw(b"") == b""  # silence
        assert await door.raw(b"\x16\x03\x01") == b""  # half a greeting
        assert await door.raw(b"\x16\x03\x01\x00\x05hello") != b"HTTP"  # nonsense: an alert
        async with asyncio.timeout(20):
            while crowd._inside:  # noqa: ASYNC110 - a counter
                await asyncio.sleep(0.01)
        assert b" 200 " in await door.raw(ASK, authority.trusting())
