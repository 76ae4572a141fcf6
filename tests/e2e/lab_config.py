"""Configs for the mail lab."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.daemon import Daemon
from tests.lab.addresses import IMAPS, SUBMISSION
from tests.lab.provider import Account, Provider
from tests.lab.proxy import TcpProxy
from tests.lab.world import Lab


@dataclass
class LabConfig:
    """A config for the lab, as a mapping that a test may change before it is written."""

    lab: Lab
    directory: Path
    users: Sequence[str] = ("monitor",)
    document: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.document = {
            "msp": "Lab",
            "web": {"listen": f"127.0.0.1:{self.port}"},
            "journal": {"path": "journal.db"},
            "defaults": {"interval": "1s", "delayed_after": "15s", "lost_after": "25s"},
            "mailboxes": [
                self.mailbox(provider, provider.account(user))
                for provider in self.providers
                for user in self.users
            ],
            "routes": {"mesh": "all"},
        }

    @property
    def providers(self) -> tuple[Provider, ...]:
        """All three."""
        return (self.lab.alpha, self.lab.beta, self.lab.gamma)

    def mailbox(self, provider: Provider, account: Account) -> dict[str, Any]:
        """The config of one mailbox."""
        secret = self.directory / f"{account.address}.password"
        secret.write_text(account.password)
        secret.chmod(0o600)
        server = {"host": provider.address, "ca_file": str(self.lab.ca)}
        return {
            "id": account.address.replace("@", "-").removesuffix(".test"),
            "address": account.address,
            "provider": provider.name,
            "auth": {"password_file": str(secret)},
            "smtp": {**server, "port": SUBMISSION, "tls": "starttls"},
            "imap": {**server, "port": IMAPS, "tls": "implicit", "poll": "10s"},
            "sends_per_day": 1_000_000,
        }

    def write(self) -> Path:
        """Write the file."""
        path = self.directory / "mailprobe.yml"
        path.write_text(yaml.safe_dump(self.document, sort_keys=False))
        return path

    def through(self, proxy: TcpProxy, mailbox: int) -> Daemon:
        """Read this mailbox through a proxy, without TLS and with little patience."""
        server = {"host": proxy.host, "port": proxy.port, "tls": "plain", "timeout": "3s"}
        self.document["mailboxes"][mailbox]["imap"] |= server
        return self.daemon()

    async def finish(self, daemon: Daemon) -> None:
        """Start the daemon with next to no probes, until all that flew has landed; stop it."""
        self.document["defaults"]["interval"] = "30d"
        self.write()
        async with daemon:
            await daemon.concluded(len(daemon.probes()), seconds=120)
            assert await daemon.stop() == 0

    def daemon(self) -> Daemon:
        """Write the file; a daemon for it, not started yet."""
        return Daemon(self.write(), self.port)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
