"""dial: real sockets on loopback, both address families."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from probe.mail.reply import Stage
from probe.transport import dial as module
from probe.transport.dial import Address, DialError, dial

Pretend = Callable[..., None]


@pytest.fixture
def resolves_to(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Let every name resolve to these addresses; only the name service is replaced."""

    def pretend(*hosts: str) -> None:
        def answer(_: str, port: int) -> list[Address]:
            return [
                (socket.AF_INET6, (host, port, 0, 0))
                if ":" in host
                else (socket.AF_INET, (host, port))
                for host in hosts
            ]

        monkeypatch.setattr(module, "_getaddrinfo", answer)

    return pretend


def listening(family: socket.AddressFamily, host: str, port: int = 0) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind((host, port))
    made.listen()
    return made


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(listening(socket.AF_INET, "127.0.0.1")) as made:
        yield made


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue is full: Linux drops further SYNs, as a firewall does."""
    with closing(socket.socket()) as made:
        made.bind(("127.0.0.1", 0))
        made.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(made.getsockname())
        yield made.getsockname()[1]
        for filler in fillers:
            filler.close()


def open_files() -> int:
    """How many sockets this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("socket" in str(link.readlink()) for link in links)


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def unused_port() -> int:
    with closing(socket.socket()) as made:
        made.bind(("127.0.0.1", 0))
        return port_of(made)


async def failure_of(host: str, port: int, limit: float = 10.0) -> DialError:
    with pytest.raises(DialError) as caught:
        await dial(host, port, timeout=limit)
    return caught.value


async def test_a_socket_comes_back_connected_and_non_blocking(server: socket.socket) -> None:
    dialled = await dial("localhost", port_of(server), timeout=10)
    with closing(dialled.socket):
        assert dialled.socket.getpeername() == server.getsockname()
        assert not dialled.socket.getblocking()
        assert dialled.resolve_seconds > 0
        assert dialled.connect_seconds > 0


async def test_a_dead_peer_will_be_noticed(server: socket.socket) -> None:
    dialled = await dial("127.0.0.1", port_of(server), timeout=10)
    with closing(dialled.socket) as connected:
        tcp = socket.IPPROTO_TCP
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connected.getsockopt(tcp, socket.TCP_KEEPIDLE) == 60
        assert connected.getsockopt(tcp, socket.TCP_KEEPINTVL) == 15
        assert connected.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 60_000
        assert connected.getsockopt(tcp, socket.TCP_NODELAY)


async def test_a_name_that_does_not_resolve_is_said_in_one_line() -> None:
    error = await failure_of("smtp.exampel.invalid", 25)
    assert error.stage is Stage.RESOLVE
    assert error.detail.startswith("smtp.exampel.invalid")
    assert "check" in error.detail
    assert "\n" not in error.detail


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
async def test_what_cannot_be_a_host_name_is_said(host: str) -> None:
    error = await failure_of(host, 25)
    assert error.stage is Stage.RESOLVE
    assert error.detail == f"{host!r} is not a host name: check the host"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (socket.EAI_NONAME, "h does not resolve: check the host name"),
        (socket.EAI_AGAIN, "h cannot be resolved now: check this machine's DNS (words)"),
        (
            socket.EAI_FAIL,
            "h does not resolve: words; check the host name and this machine's DNS",
        ),
    ],
)
async def test_each_failure_of_the_resolver_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def fail(*_: object) -> list[Address]:
        raise socket.gaierror(number, "words")

    monkeypatch.setattr(module, "_getaddrinfo", fail)
    assert (await failure_of("h", 25)).detail == sentence


async def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object) -> list[Address]:
        released.wait(30)
        return []

    monkeypatch.setattr(module, "_getaddrinfo", hang)
    try:
        error = await failure_of("h", 25, limit=0.05)
    finally:
        released.set()
    assert error.stage is Stage.RESOLVE
    assert error.detail.startswith("the name servers said nothing about h for 0.05 s: check")


async def test_a_refused_port_is_said() -> None:
    error = await failure_of("127.0.0.1", unused_port())
    assert error.stage is Stage.CONNECT
    assert "refuses connections: check the port" in error.detail


async def test_a_silent_port_is_given_up(deaf: int) -> None:
    error = await failure_of("127.0.0.1", deaf, limit=0.3)
    assert error.stage is Stage.CONNECT
    assert f"127.0.0.1 port {deaf} gave no answer within 0.3 s" in error.detail


@pytest.mark.parametrize(
    ("alive", "dead"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")], ids=["to-v4", "to-v6"]
)
async def test_the_other_family_is_tried_when_the_first_is_dead(
    resolves_to: Pretend, alive: str, dead: str
) -> None:
    family = socket.AF_INET6 if ":" in alive else socket.AF_INET
    with closing(listening(family, alive)) as server:
        resolves_to(dead, alive)
        dialled = await dial("dual.test", port_of(server), timeout=10)
        with closing(dialled.socket):
            assert dialled.socket.getpeername()[0] == alive


async def test_a_silent_first_address_does_not_hold_up_the_second(
    resolves_to: Pretend, deaf: int
) -> None:
    with closing(listening(socket.AF_INET, "127.0.0.2", deaf)):
        resolves_to("127.0.0.1", "127.0.0.2")
        dialled = await dial("dual.test", deaf, timeout=30)
        with closing(dialled.socket):
            assert dialled.socket.getpeername()[0] == "127.0.0.2"


async def test_when_all_addresses_fail_each_is_named(resolves_to: Pretend) -> None:
    resolves_to("::1", "127.0.0.1")
    error = await failure_of("dual.test", unused_port())
    assert "::1: connection refused" in error.detail
    assert "127.0.0.1: connection refused" in error.detail


async def test_an_address_that_cannot_be_reached_is_named(resolves_to: Pretend) -> None:
    resolves_to("ff02::1")  # multicast: TCP cannot go there, no packet leaves
    error = await failure_of("far.test", 25)
    assert error.stage is Stage.CONNECT
    assert "check" in error.detail
    assert "ff02::1" in error.detail


async def test_a_cancelled_dial_leaves_no_socket_behind(deaf: int) -> None:
    before = open_files()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await dial("127.0.0.1", deaf, timeout=30)
    assert open_files() == before


async def test_the_losers_of_the_race_are_closed(resolves_to: Pretend, deaf: int) -> None:
    with closing(listening(socket.AF_INET, "127.0.0.2", deaf)):
        before = open_files()
        resolves_to("127.0.0.1", "127.0.0.2")
        dialled = await dial("dual.test", deaf, timeout=30)
        dialled.socket.close()
        assert open_files() == before


def test_families_alternate_and_the_first_choice_leads() -> None:
    six = [(socket.AF_INET6, (f"::{n}", 25, 0, 0)) for n in (1, 2, 3)]
    four = [(socket.AF_INET, ("127.0.0.1", 25))]
    mixed: list[Address] = [*six, *four]
    assert module._interleave(mixed) == [six[0], four[0], six[1], six[2]]
