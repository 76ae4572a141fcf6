"""Planted secrets: whatever goes wrong, nothing that the program writes holds one of them.

The environment of a process can be read by its own user and root, as can the files of passwords:
what lies there is the operator's, and nothing that we wrote.
"""

import asyncio
import base64
import os
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import bcrypt
import pytest
import trustme

from probe.demo.fates import Fate, Rule, Step
from probe.demo.world import World
from probe.views.health import RELOAD_HEADER
from tests.e2e.daemon import Daemon, until
from tests.e2e.planted import found, shapes
from tests.e2e.test_process import _command_lines, post_reload
from tests.e2e.world_config import WorldConfig, mailprobe

WRONG = {
    "northmail-b": "planted 'one' & \"two\" \\three\\ <four> %five",
    "bluepost-b": "planted words of the environment / + =",
}
"""Not the right ones: they are tried and refused."""

NOISY = """
import asyncio, sys
from probe.cli import main
made = asyncio.base_events.BaseEventLoop.__init__
def init(self, *given):
    made(self, *given)
    self.slow_callback_duration = 0.0
asyncio.base_events.BaseEventLoop.__init__ = init
main()
"""
"""The program, where asyncio finds every single callback slow and logs it."""

BREAKING = """
import sys
from probe.transport.imap import login
async def broken(client, user, password):
    raise RuntimeError("a defect of ours")
login.authenticate = broken
from probe.cli import main
main()
"""
"""The program, with a defect where the password is at hand."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    directory = tmp_path / "world"
    directory.mkdir()
    async with World.open(directory=directory) as world:
        yield world


@pytest.fixture
def config(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorldConfig:
    """Two mailboxes with wrong passwords, one with a CA that knows nobody, users of the pages."""
    config = WorldConfig(world, tmp_path)
    config.password("northmail-b").write_text(WRONG["northmail-b"])
    monkeypatch.setenv("PLANTED", WRONG["bluepost-b"])
    config.mailbox("bluepost-b")["auth"] = {"password": "${PLANTED}"}
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    config.mailbox("harbor-b")["imap"]["ca_file"] = "stranger.pem"
    config.mailbox("harbor-b")["smtp"]["ca_file"] = "stranger.pem"
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    return config


def secrets(config: WorldConfig) -> list[tuple[str, str]]:
    """All passwords with their users."""
    addresses = {str(box["id"]): str(box["address"]) for box in config.mailboxes}
    right = [
        (box.imap.endpoint.password.reveal(), box.mailbox.address)
        for box in config.world.mailboxes
    ]
    return [*right, *((secret, addresses[name]) for name, secret in WRONG.items())]


def echoes(config: WorldConfig, world: World) -> None:
    """Servers that say the password: in refusals of login and mail, and in bounces."""
    known = {box.mailbox.id: box for box in world.mailboxes}
    bounced = known["northmail-a"].imap.endpoint.password.reveal()
    refused = known["harbor-a"].imap.endpoint.password.reveal()
    encoded = base64.b64encode(refused.encode()).decode()
    world.fates.set(
        Rule(
            fate=Fate.BOUNCE,
            from_provider="northmail",
            to_provider="bluepost",
            reply=f"550 5.7.1 no mail for those who log in with {bounced}",
        )
    )
    world.fates.set(
        Rule(
            fate=Fate.REFUSE,
            at=Step.DATA,
            from_provider="harbor",
            reply=f"554 5.7.1 your password is {refused} or {encoded}",
            every=2,
        )
    )


def written(directory: Path) -> bytes:
    """Everything in the directory that the program wrote."""
    files = [*directory.glob("journal.db*"), *directory.glob("*.log")]
    assert len(files) >= 4
    return b"\n".join(file.read_bytes() for file in files)


def test_the_shapes_are_found() -> None:
    sasl = base64.b64encode(b"\0someone@harbor.test\0a long planted one").decode()
    for text in ("a long planted one", repr(b"a long planted one"), f"AUTH PLAIN {sasl}"):
        assert found(text.encode(), [("a long planted one", "someone@harbor.test")])
    assert not found(b"nothing of it", [("a long planted one", "")])
    assert all(len(shape) > 8 for shape in shapes("a long planted one"))


@pytest.mark.parametrize("options", [(), ("--log-json",)], ids=["text", "json"])
async def test_nothing_that_is_written_holds_a_password(
    config: WorldConfig, world: World, options: tuple[str, ...]
) -> None:
    echoes(config, world)
    async with config.daemon("--log-level", "debug", *options) as daemon:
        await daemon.concluded(24)
        given = [await asyncio.to_thread(_command_lines)]
        for command in (("once", "--json", "--wait", "8s"), ("check", "--live", "--json")):
            done = await config.run(*command)
            assert '"mailboxes"' in done.out or '"probes"' in done.out, done
            given += [done.out, done.err]
        given += await everything_shown(daemon)
        given.append(await spoiled_reloads(config))
        assert await daemon.stop() == 0

    everything = written(config.directory) + "\n".join(given).encode()
    assert b"5.7.1 no mail for those who log in with" in everything  # the echoes came
    assert b"554 5.7.1 your password is ** or **" in everything
    assert found(everything, secrets(config)) == []


async def everything_shown(daemon: Daemon) -> list[str]:
    """All pages."""
    paths = ["/", "/metrics", "/healthz", "/api/v1/routes", "/api/v1/providers"]
    paths += ["/api/v1/probes?limit=1000", "/nowhere"]
    for standing in daemon.probes():
        paths += [f"/probes/{standing.probe.id}", f"/api/v1/probes/{standing.probe.id}"]
    return [(await daemon.get(path))[1] for path in paths[:70]]


async def spoiled_reloads(config: WorldConfig) -> str:
    """What is said to a config with the passwords in all wrong places."""
    box, secret = config.mailbox("northmail-b"), WRONG["northmail-b"]
    good, said = dict(box), []
    for spoiled in (
        {"auth": {"password": secret}},
        {"auth": {"password": secret, "password_file": secret}},
        {"auth": {"username": {"x": secret}, secret[:60]: secret}},
        {"auth": secret},
        {"auth": [secret]},
        {"auth": {"mechanism": secret, "password": 1}},
    ):
        box.update(spoiled)
        config.write()
        status, text = await post_reload(config)
        assert status == 400, text
        said.append(text)
        box.update(good)
    (config.directory / "web.yml").write_text(
        f"basic_auth_users: {{a: '{WRONG['bluepost-b']}'}}\n"
        f"tls_server_config: {{key: '{WRONG['bluepost-b']}'}}\n"
    )
    config.document["web"]["config_file"] = "web.yml"
    config.write()
    status, text = await post_reload(config)
    assert status == 400
    del config.document["web"]["config_file"]
    config.write()
    assert (await post_reload(config))[0] == 200
    return "\n".join([*said, text])


async def test_what_asyncio_says_of_every_callback_holds_no_password(
    config: WorldConfig, world: World
) -> None:
    echoes(config, world)
    config.document["routes"] = {"list": [
        {"from": "northmail-a", "to": "harbor-a"}, {"from": "harbor-a", "to": "northmail-b"},
        {"from": "bluepost-b", "to": "northmail-a"},
    ]}  # fmt: skip
    said = await run_as(NOISY, config, until_said="probe.judged")
    assert b"Executing <" in said
    assert found(said, secrets(config)) == []


@pytest.mark.parametrize("options", [(), ("--log-json",)], ids=["text", "json"])
async def test_an_error_of_ours_ends_the_daemon_with_a_trace_and_no_password(
    config: WorldConfig, options: tuple[str, ...]
) -> None:
    said = await run_as(BREAKING, config, *options)
    assert b"RuntimeError: a defect of ours" in said
    assert found(said, secrets(config)) == []


async def run_as(program: str, config: WorldConfig, *options: str, until_said: str = "") -> bytes:
    """Run the daemon by another door, to its end or until it has said something."""
    log = config.directory / "noisy.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, "run", str(config.write()), "--log-level", "debug",
            *options, stdout=output, stderr=output, env={**os.environ},
        )  # fmt: skip

    async def done() -> bool:
        heard = bool(until_said) and until_said.encode() in log.read_bytes()
        return heard or process.returncode is not None

    try:
        await until(done, "it ends or says its word", lambda: log.read_text()[-4000:])
    finally:
        if process.returncode is None:
            process.terminate()
        status = await process.wait()
    assert status == (0 if until_said else 1)
    return log.read_bytes()


# --- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
async def test_the_files_of_a_running_daemon_are_its_owners_alone(
    config: WorldConfig, umask: int
) -> None:
    before = os.umask(umask)
    try:
        daemon = config.daemon()
        await daemon.start()
    finally:
        os.umask(before)
    try:
        await daemon.concluded(2)
        files = sorted(daemon.journal.parent.glob("journal.db*"))
        assert [file.name.removeprefix("journal.db") for file in files] == [
            "", "-shm", "-wal", ".key", ".lock",
        ]  # fmt: skip
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        await daemon.kill()


# --- the pages' own users ----------------------------------------------------------------------


async def test_the_password_of_a_page_is_in_no_log(config: WorldConfig) -> None:
    password = "planted for the pages"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    (config.directory / "web.yml").write_text(f"basic_auth_users: {{alice: {hashed}}}\n")
    config.document["web"]["config_file"] = "web.yml"
    async with config.daemon("--log-level", "debug") as daemon:
        basic = base64.b64encode(f"alice:{password}".encode()).decode()
        answers = [
            await ask(config.port, line)
            for line in (
                f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}",
                f"GET /{basic} HTTP/1.1\r\nHost: x\r\nAuthorization Basic {basic}",
                f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic[:-6]}xx====",
                f"POST /-/reload HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}",
            )
        ]
        assert await daemon.stop() == 0
    assert answers[0].startswith(b"HTTP/1.1 200 ")
    assert RELOAD_HEADER.encode() in answers[3]
    everything = written(config.directory) + b"".join(answers)
    assert found(everything, [(password, "alice"), (hashed, "")]) == []


async def ask(port: int, head: str) -> bytes:
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    return answer


async def test_a_broken_certificate_is_told_without_the_password(config: WorldConfig) -> None:
    done = await mailprobe("check", str(config.write()), "--live", "--mailbox", "harbor-b")
    assert done.status == 1
    assert "certificate" in done.out
    assert found((done.out + done.err).encode(), secrets(config)) == []
    assert ssl.OPENSSL_VERSION not in done.out
