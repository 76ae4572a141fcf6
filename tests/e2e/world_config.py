"""Configs for the embedded mail world, and the program as a command beside it."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from probe.config.settings import Endpoint, MailboxSettings
from probe.demo.world import World
from tests.e2e.daemon import Daemon
from tests.e2e.lab_config import free_port

COMMAND_SECONDS = 50.0
"""An outer guard: no command of these tests takes a quarter of it."""


class Done(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str


@dataclass
class WorldConfig:
    """A config for the world, as a mapping that a test may change before it is written."""

    world: World
    directory: Path
    document: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.document = {
            "msp": "World",
            "web": {"listen": f"127.0.0.1:{self.port}"},
            "journal": {"path": "journal.db"},
            "defaults": {"interval": "1s", "delayed_after": "20s", "lost_after": "30s"},
            "mailboxes": [self._mailbox(box) for box in self.world.mailboxes],
            "routes": {"mesh": "providers"},
        }

    def mailbox(self, name: str) -> dict[str, Any]:
        """One mailbox of the document, by its id."""
        return next(box for box in self.mailboxes if box["id"] == name)

    @property
    def mailboxes(self) -> list[dict[str, Any]]:
        """All of them."""
        boxes: list[dict[str, Any]] = self.document["mailboxes"]
        return boxes

    def keep(self, *names: str) -> None:
        """Leave only these mailboxes."""
        self.document["mailboxes"] = [self.mailbox(name) for name in names]

    def password(self, name: str) -> Path:
        """The file that holds a mailbox's password."""
        return self.directory / f"{name}.password"

    @property
    def secrets(self) -> list[str]:
        """All passwords."""
        return [box.imap.endpoint.password.reveal() for box in self.world.mailboxes]

    def write(self) -> Path:
        """Write the file."""
        path = self.directory / "mailprobe.yml"
        path.write_text(yaml.safe_dump(self.document, sort_keys=False))
        return path

    def daemon(self, *options: str) -> Daemon:
        """Write the file; a daemon for it, not started yet."""
        return Daemon(self.write(), self.port, *options)

    async def run(
        self,
        command: str,
        *options: str,
        environ: Mapping[str, str] | None = None,
        stop: asyncio.Event | None = None,
    ) -> Done:
        """Write the file, and run a command on it."""
        return await mailprobe(command, str(self.write()), *options, environ=environ, stop=stop)

    def _mailbox(self, box: MailboxSettings) -> dict[str, Any]:
        name = box.mailbox.id
        secret = self.password(name)
        secret.write_text(box.imap.endpoint.password.reveal() + "\n")
        secret.chmod(0o600)
        junk = list(box.imap.junk.guesses)
        return {
            "id": name,
            "address": box.mailbox.address,
            "provider": box.mailbox.provider,
            "auth": {"password_file": secret.name},
            "smtp": _server(box.smtp.endpoint),
            "imap": _server(box.imap.endpoint) | {"junk": junk, "poll": "10s"},
            "sends_per_day": 1_000_000,
        }


def _server(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "tls": str(endpoint.tls),
        "ca_file": str(endpoint.ca_file),
        "timeout": "5s",
    }


async def mailprobe(
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stop: asyncio.Event | None = None,
) -> Done:
    """Run a command to its end, as a person would who redirects what it prints.

    It is asked to end when ``stop`` is set.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "probe",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "120", **(environ or {})},
        cwd=directory,
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            if stop is not None:
                await stop.wait()
                process.terminate()
            out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())
