"""Names, paces, logins, at the door of every page."""

import socket

import aiohttp
import pytest

from probe.config.protection import Protection, RateLimit
from probe.views.admission import host_name, is_ours
from probe.views.headers import HEADERS
from probe.views.limits import BURST
from tests.views.locked import PASSWORD, USERS, pages
from tests.views.world import World

ALICE = aiohttp.encode_basic_auth("alice", PASSWORD)
EVERY_PATH = [
    "/", "/probes/x", "/metrics", "/api/v1/probes", "/api/v1/probes/x", "/api/v1/routes",
    "/api/v1/providers", "/static/page.css", "/nowhere", "/-/reload",
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:9925", True),
        ("[::1]:9925", True),
        ("192.0.2.9", True),
        ("localhost:9925", True),
        ("mailprobe:9925", True),
        ("mailprobe.monitoring.svc.cluster.local", True),
        ("pages.example", True),
        ("PAGES.example.:80", True),
        ("listen.example", True),
        (socket.gethostname(), True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("local.evil.example:9925", False),
        ("1.2.3.4.5", False),
    ],
)
def test_a_name_is_ours_where_no_stranger_can_own_it(host: str, ours: bool) -> None:
    assert is_ours(host_name(host), "listen.example", ("pages.example",)) is ours


async def test_a_page_of_another_site_cannot_ask_under_its_own_name(world: World) -> None:
    async with pages(world, hosts=("pages.example",)) as door:
        refused, text = await door.client.get("/", headers={"Host": "evil.example"})
        allowed, _ = await door.client.get("/", headers={"Host": "pages.example:9925"})
    assert (refused.status, text) == (
        421,
        "this is not evil.example; if it is meant to be, add it to web.hosts\n",
    )
    assert allowed.status == 200


async def test_a_request_names_one_host(world: World) -> None:
    async with pages(world) as door:
        none = await door.raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        old = await door.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert b" 400 " in none.partition(b"\r\n")[0]
    assert b" 200 " in old.partition(b"\r\n")[0]


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_nothing_is_shown_without_a_login(world: World, path: str, method: str) -> None:
    async with pages(world, USERS) as door:
        response, text = await door.client.ask(method, path)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="mailprobe", charset="UTF-8"'
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert text.count("\n") <= 1
    assert world.reloads == 0


async def test_who_knows_the_password_is_let_in_under_any_name(world: World) -> None:
    async with pages(world, USERS) as door:
        for path in ("/", "/metrics", "/api/v1/routes"):
            response, _ = await door.client.get(
                path, headers={"Authorization": ALICE, "Host": "pages.example"}
            )
            assert response.status == 200
        wrong = aiohttp.encode_basic_auth("alice", "guess")
        response, text = await door.client.get("/", headers={"Authorization": wrong})
    assert (response.status, text) == (401, "user or password is wrong\n")
    assert "guess" not in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_password(world: World, path: str) -> None:
    async with pages(world, USERS) as door:
        assert (await door.client.get(path))[0].status == 200


async def test_who_asks_too_fast_is_told_to_slow_down(world: World) -> None:
    async with pages(world) as door:
        answers = [await door.client.get("/healthz") for _ in range(3)]
        door.lock.pace._buckets["127.0.0.1"].level = -1000.0
        refused, text = await door.client.get("/healthz")
    assert [response.status for response, _ in answers] == [200, 200, 200]
    assert (refused.status, text) == (429, "too many requests; slow down\n")
    assert refused.headers["Retry-After"] == "1"


async def test_guessing_is_ten_times_as_dear(world: World) -> None:
    wrong = {"Authorization": aiohttp.encode_basic_auth("alice", "guess")}
    async with pages(world, USERS) as door:
        status = 401
        tries = 0
        while status == 401:
            status = (await door.client.get("/", headers=wrong))[0].status
            tries += 1
        assert status == 429
        assert tries < BURST / 2


async def test_the_pace_of_the_file_is_for_all(world: World) -> None:
    async with pages(world, Protection(rate_limit=RateLimit(3600.0, 2))) as door:
        got = [(await door.client.get("/healthz"))[0].status for _ in range(3)]
    assert got == [200, 200, 429]


async def test_a_reload_changes_the_locks_under_way(world: World) -> None:
    async with pages(world) as door:
        assert (await door.client.get("/metrics"))[0].status == 200
        settings = door.lock.settings
        protected = type(settings)(settings.host, settings.port, protection=USERS)
        await door.serving.change(protected)
        assert (await door.client.get("/metrics"))[0].status == 401  # on the same connection
        await door.serving.change(settings)
        assert (await door.client.get("/metrics"))[0].status == 200
