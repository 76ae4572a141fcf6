"""One provider of the lab: a domain, its Postfix, its Dovecot, its mailboxes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab import addresses
from tests.lab.certs import Authority, Certificate, wait_shown, write_certificates
from tests.lab.dovecot import Dovecot
from tests.lab.maildir import Maildir
from tests.lab.postfix import Postfix

NAMED_USERS = ("monitor", "full")
"""``monitor`` for everyday use; ``full`` is over quota with its first message."""


@dataclass(frozen=True)
class Account:
    """A mailbox with its owner's password."""

    address: str
    password: str
    provider: str


class Provider:
    """A mail provider as its customers see it, and its switches."""

    def __init__(self, name: str, base: Path, users: int = 0) -> None:
        self.name = name
        self.domain = f"{name}.test"
        self.address = addresses.PROVIDERS[name]
        self._base = base
        self._home = base / name
        self.smtp = Postfix(self._home)
        self.imap = Dovecot(self._home)
        self._shown = Certificate.VALID
        self.users = [*NAMED_USERS, *(f"user{n}" for n in range(1, users + 1))]

    @property
    def monitor(self) -> Account:
        return self.account("monitor")

    def account(self, user: str) -> Account:
        return Account(f"{user}@{self.domain}", f"pw-{user}", self.name)

    def maildir(self, user: str = "monitor") -> Maildir:
        return Maildir(self._home / "mail" / user / "Maildir")

    def configure(self, authority: Authority, *, hibernate: bool = False) -> None:
        """Write certificates and all configuration."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o755)
        (self._home / "etc").mkdir(exist_ok=True)
        names = [self.domain, *(f"{host}.{self.domain}" for host in addresses.HOSTS)]
        write_certificates(authority, self._home / "certs", [*names, self.address])
        self._install(Certificate.VALID)
        accounts = [self.account(user) for user in self.users]
        values = self._values(hibernate=hibernate)
        self.smtp.configure(values, [account.address for account in accounts])
        self.imap.configure(values, {a.address: a.password for a in accounts})

    def start(self) -> None:
        """Start both servers: Dovecot first, for Postfix asks it for passwords."""
        self.imap.start()
        self.smtp.start()

    def stop(self) -> None:
        self.smtp.stop()
        self.imap.stop()

    def show_certificate(self, kind: Certificate) -> None:
        """Show this certificate to every new connection, on all ports; sessions end."""
        self._install(kind)
        self.imap.reload()
        self.smtp.reload()
        wanted = (self._home / "certs" / f"{kind}.pem").read_text()
        for port in (addresses.IMAPS, addresses.SUBMISSIONS, addresses.SUBMISSION):
            wait_shown(self.address, port, wanted)

    def mend(self) -> None:
        """Undo whatever a test did to the servers."""
        self.imap.mend()
        self.smtp.mend()
        if self._shown is not Certificate.VALID:
            self.show_certificate(Certificate.VALID)

    def empty_mailboxes(self) -> None:
        """Remove all mail, queued and stored."""
        self.smtp.empty_queue()
        for user in self.users:
            shutil.rmtree(self._home / "mail" / user, ignore_errors=True)

    def _install(self, kind: Certificate) -> None:
        self._shown = kind
        for ending in ("pem", "key"):
            shutil.copy(
                self._home / "certs" / f"{kind}.{ending}", self._home / f"etc/tls.{ending}"
            )

    def _values(self, *, hibernate: bool) -> dict[str, object]:
        return {
            "address": self.address,
            "authority": self._base / "ca.pem",
            "base": self._base,
            "domain": self.domain,
            "hibernate": "imap_hibernate_timeout = 1 secs" if hibernate else "",
            "home": self._home,
            "policy_port": addresses.POLICY_PORT,
            "provider": self.name,
            "routes_port": addresses.ROUTES_PORT,
            "switchboard": addresses.SWITCHBOARD,
        }
