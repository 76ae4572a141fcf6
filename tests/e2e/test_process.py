"""The daemon as a process: stopped, killed, reloaded, doubled; and what it never gives away."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from probe.core.match import Ours, match
from probe.core.outcome import Outcome
from probe.demo.fates import Fate, Rule, Step
from probe.demo.world import World
from probe.journal.identity import load
from probe.views.health import RELOAD_HEADER
from tests.demo.clients import read_now
from tests.e2e.daemon import Daemon, until
from tests.e2e.world_config import WorldConfig

pytestmark = pytest.mark.timeout(150)  # whole processes, on a machine that may be busy

HANDED_OVER = {Outcome.DELIVERED, Outcome.DELAYED}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    directory = tmp_path / "world"
    directory.mkdir()
    async with World.open(directory=directory) as world:
        yield world


@pytest.fixture
def config(world: World, tmp_path: Path) -> WorldConfig:
    return WorldConfig(world, tmp_path)


async def post_reload(config: WorldConfig, *, header: bool = True) -> tuple[int, str]:
    """POST /-/reload with curl's plainness; status and text."""
    url = f"http://127.0.0.1:{config.port}/-/reload"
    headers = {RELOAD_HEADER: "1"} if header else {}
    request = urllib.request.Request(url, method="POST", headers=headers)

    def send() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(send)


async def logged(daemon: Daemon, event: str, times: int = 1) -> None:
    """Wait until the daemon has logged something so often."""

    async def there() -> bool:
        return daemon.log.read_text().count(event) >= times

    await until(there, f"{event} is logged {times} times", daemon.log.read_text)


# --- stopping ----------------------------------------------------------------------------------


async def test_a_stop_in_traffic_is_quick_and_every_probe_has_one_outcome(
    config: WorldConfig, world: World
) -> None:
    async with config.daemon() as daemon:
        await daemon.concluded(20)
        assert await daemon.stop() == 0  # within ten seconds

    config.document["defaults"]["interval"] = "30d"
    async with config.daemon() as daemon:
        await daemon.concluded(len(daemon.probes()))
        assert await daemon.stop() == 0
    standings = daemon.probes()
    assert {standing.verdict.outcome for standing in standings} <= HANDED_OVER
    assert all(standing.verdict.sightings == 1 for standing in standings)
    assert "Traceback" not in daemon.log.read_text()


async def test_a_stop_does_not_wait_for_a_server_that_hangs(
    config: WorldConfig, world: World
) -> None:
    for box in config.mailboxes:
        box["smtp"]["timeout"] = "60s"
    async with config.daemon() as daemon:
        await daemon.concluded(6)
        hanging = world.fates.set(Rule(fate=Fate.HANG, at=Step.DATA, from_provider="harbor"))
        await hanging.struck_once.wait()
        assert await daemon.stop() == 0
        hanging.lift()

    config.document["defaults"]["interval"] = "30d"
    async with config.daemon() as daemon:
        await daemon.concluded(len(daemon.probes()))
        assert await daemon.stop() == 0
    standings = daemon.probes()
    assert {standing.verdict.outcome for standing in standings} <= HANDED_OVER
    assert all(standing.verdict.sightings == 1 for standing in standings)
    assert len(standings) == len({standing.probe.id for standing in standings})


async def test_after_a_kill_the_counters_go_on_where_they_were(config: WorldConfig) -> None:
    async with config.daemon() as daemon:
        await daemon.concluded(12)
        before = await daemon.metric("probes_total")
        delivered = await daemon.metric("delivery_seconds_count")
        assert before >= 12
        await daemon.kill()

        await daemon.start()
        assert await daemon.metric("probes_total") >= before
        assert await daemon.metric("delivery_seconds_count") >= delivered
        await daemon.concluded(int(before) + 6)
        assert await daemon.stop() == 0


async def test_the_doors_say_healthy_at_once_and_ready_when_every_mailbox_was_tried(
    config: WorldConfig, world: World
) -> None:
    held = world.fates.set(Rule(fate=Fate.WRONG_PASSWORD, from_address="a@harbor.test"))
    async with config.daemon() as daemon:  # which waits for /readyz
        assert await daemon.get("/healthz") == (200, "ok\n")
        assert await daemon.get("/readyz") == (200, "ok\n")
        assert await daemon.metric("mailbox_watched", mailbox="harbor-a") == 0
        assert await daemon.metric("mailbox_watched", mailbox="harbor-b") == 2
        assert await daemon.stop() == 0
    held.lift()


async def test_a_second_daemon_on_the_same_journal_says_so_and_ends(config: WorldConfig) -> None:
    async with config.daemon() as daemon:
        second = await config.run("run")

        assert second.status == 2
        assert second.err == (
            f"{daemon.journal}: another mailprobe is running on this journal: stop it first, "
            "or give this one a journal path of its own\n"
        )
        assert await daemon.stop() == 0


# --- reload ------------------------------------------------------------------------------------


async def test_a_reload_touches_only_what_changed(config: WorldConfig, world: World) -> None:
    newcomer = config.mailbox("harbor-b")
    config.keep("northmail-a", "northmail-b", "bluepost-a", "harbor-a")
    async with config.daemon() as daemon:
        await daemon.concluded(4)
        begun = daemon.log.read_text().count("watch.begun")

        config.mailboxes.append(newcomer)
        config.document["mailboxes"] = [b for b in config.mailboxes if b["id"] != "northmail-b"]
        config.document["defaults"]["interval"] = "2s"
        config.write()
        daemon.hang_up()
        await logged(daemon, "config.reloaded")

        async def newcomer_has_mail() -> bool:
            return await daemon.metric("route_up", recipient="harbor-b") > 0

        await until(newcomer_has_mail, "the new mailbox gets mail", daemon.log.read_text)
        samples = await daemon.metrics()
        mailboxes = {dict(labels).get("mailbox") for _, labels in samples}
        assert "northmail-b" not in mailboxes
        routes = await daemon.api("routes")
        assert {route["interval_seconds"] for route in routes["routes"]} == {2.0}
        # INBOX and junk of the newcomer are all that was opened anew.
        assert daemon.log.read_text().count("watch.begun") == begun + 2
        assert daemon.log.read_text().count("watch.lost") == 0
        assert await daemon.metric("config_last_reload_successful") == 1
        assert await daemon.stop() == 0


async def test_a_bad_new_config_keeps_the_old_one_and_is_told_everywhere(
    config: WorldConfig,
) -> None:
    async with config.daemon() as daemon:
        await daemon.concluded(6)
        config.mailbox("harbor-b")["smtp"]["port"] = 70000
        config.write()

        assert await post_reload(config, header=False) == (
            403,
            f"send the header {RELOAD_HEADER}: 1\n",
        )
        status, text = await post_reload(config)
        assert status == 400
        assert "mailboxes.5.smtp.port" in text
        assert len(text.splitlines()) == 1
        assert await daemon.metric("config_last_reload_successful") == 0
        assert len((await daemon.api("routes"))["routes"]) == 12
        await daemon.concluded(len(daemon.probes()) + 6)  # it goes on

        config.mailbox("harbor-b")["smtp"]["port"] = 587
        config.write()
        assert await post_reload(config) == (200, "reloaded\n")
        assert await daemon.metric("config_last_reload_successful") == 1
        assert await daemon.stop() == 0


async def test_what_a_reload_cannot_move_needs_a_restart_and_says_so(config: WorldConfig) -> None:
    async with config.daemon() as daemon:
        config.document["journal"]["path"] = "elsewhere.db"
        config.document["web"]["listen"] = "127.0.0.1:0"
        config.write()

        status, text = await post_reload(config)

        assert status == 400
        assert text == "journal.path, web.listen: changed; this needs a restart\n"
        assert not (config.directory / "elsewhere.db").exists()
        assert await daemon.metric("config_last_reload_successful") == 0
        assert await daemon.stop() == 0


# --- secrets -----------------------------------------------------------------------------------


async def test_no_password_is_ever_given_away(config: WorldConfig, world: World) -> None:
    wrong = "a wrong one, and secret too"
    config.password("harbor-b").write_text(wrong)
    secrets = [secret.encode() for secret in (*config.secrets, wrong)]
    encoded = [base64.b64encode(b"\0" + secret)[3:-4] for secret in secrets]  # as in AUTH PLAIN
    world.fates.set(Rule(fate=Fate.BOUNCE, from_provider="bluepost", to_provider="harbor"))

    async with config.daemon("--log-level", "debug") as daemon:
        await daemon.concluded(20)
        once = await config.run("once", "--json")
        given = [once.out, once.err, await asyncio.to_thread(_command_lines)]
        paths = ["/", "/metrics", "/api/v1/probes", "/api/v1/routes", "/api/v1/providers"]
        paths += [f"/probes/{standing.probe.id}" for standing in daemon.probes()[:12]]
        for path in paths:
            status, text = await daemon.get(path)
            assert status == 200, path
            given.append(text)
        assert await daemon.stop() == 0

    assert json.loads(once.out)["probes"]
    files = [daemon.log, daemon.journal, *daemon.journal.parent.glob("journal.db-*")]
    everything = b"\n".join([*(text.encode() for text in given), *map(Path.read_bytes, files)])
    assert b"authentication unsuccessful" in everything.lower()  # the wrong one was tried
    assert not [secret for secret in (*secrets, *encoded) if secret in everything]


def _command_lines() -> str:
    """What any user of the machine sees with ps."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(file.read_bytes().decode(errors="replace"))
    assert any("probe" in line for line in found)
    return "\n".join(found)


async def test_once_beside_a_daemon_removes_its_own_mail_only(
    config: WorldConfig, world: World
) -> None:
    async with config.daemon() as daemon:
        await daemon.concluded(12)
        done = await config.run("once")
        assert done.status == 0, done
        assert await daemon.stop() == 0

    await world.settled()
    signer = load(daemon.journal)
    assert signer is not None
    found = []
    for box in world.mailboxes:
        for message in await asyncio.to_thread(read_now, box):
            ours = match(message.partition(b"\r\n\r\n")[0], None, signer)
            assert isinstance(ours, Ours)
            found.append(ours.token.probe)
    assert sorted(found) == sorted(standing.probe.id for standing in daemon.probes())
