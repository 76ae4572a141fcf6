"""/healthz, /readyz and the reload door."""

import pytest

from probe.core.live import LoopTurn
from tests.views.world import LOOPS, NOW, Client, World


async def test_health_is_ok_while_every_loop_turns(client: Client) -> None:
    response, text = await client.get("/healthz")
    assert (response.status, text) == (200, "ok\n")


async def test_health_fails_with_a_line_for_each_silent_loop(world: World, client: Client) -> None:
    world.now(loops=(*LOOPS, LoopTurn("one", NOW - 31, 30), LoopTurn("two", NOW - 3661, 5)))
    response, text = await client.get("/healthz")
    assert response.status == 503
    assert text == (
        "one: no turn for 31 s, at most 30 s is normal\n"
        "two: no turn for 1 h 1 min, at most 5.0 s is normal\n"
    )


async def test_a_loop_at_its_limit_has_not_stopped(world: World, client: Client) -> None:
    world.now(loops=(LoopTurn("one", NOW - 30, 30),))
    response, _ = await client.get("/healthz")
    assert response.status == 200


async def test_ready_follows_the_start(world: World, client: Client) -> None:
    assert (await client.get("/readyz"))[0].status == 200
    world.now(ready=False)
    response, text = await client.get("/readyz")
    assert response.status == 503
    assert text.count("\n") == 1


async def test_a_reload_with_the_header_is_done(world: World, client: Client) -> None:
    response, text = await client.ask("POST", "/-/reload", headers={"X-Mailprobe-Reload": "1"})
    assert (response.status, text, world.reloads) == (200, "reloaded\n", 1)


@pytest.mark.parametrize("headers", [{}, {"X-Mailprobe-Reload": "0"}, {"X-Requested-With": "1"}])
async def test_a_reload_without_the_header_is_forbidden_and_says_why(
    world: World, client: Client, headers: dict[str, str]
) -> None:
    response, text = await client.ask("POST", "/-/reload", headers=headers)
    assert response.status == 403
    assert text == "send the header X-Mailprobe-Reload: 1\n"
    assert world.reloads == 0


async def test_a_browser_that_asks_first_is_granted_nothing(world: World, client: Client) -> None:
    response, _ = await client.ask(
        "OPTIONS",
        "/-/reload",
        headers={
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-mailprobe-reload",
        },
    )
    assert response.status == 405
    assert not [name for name in response.headers if name.startswith("Access-Control")]
    assert world.reloads == 0


async def test_a_get_does_not_reload(world: World, client: Client) -> None:
    response, _ = await client.get("/-/reload", headers={"X-Mailprobe-Reload": "1"})
    assert (response.status, response.headers["Allow"], world.reloads) == (405, "POST", 0)


async def test_a_refused_config_is_told_with_all_its_lines(world: World, client: Client) -> None:
    world.refusal = "config.yml:3:5: routes: unknown key\nconfig.yml:9:1: web: not a port\x1b[2J"
    response, text = await client.ask("POST", "/-/reload", headers={"X-Mailprobe-Reload": "1"})
    assert response.status == 400
    assert text == (
        "config.yml:3:5: routes: unknown key\nconfig.yml:9:1: web: not a port⟨U+001B⟩[2J\n"
    )
