"""One provider's Dovecot: IMAP for the owners, LMTP and SASL for the Postfix beside it."""

import shutil
import signal
import smtplib
from pathlib import Path

from tests.lab import process
from tests.lab.templates import render

VMAIL = 5000
"""The owner of all mail: a uid and gid that no Debian system gives away by itself."""

FULL_MAILBOX = "userdb_quota_rule=*:storage=1b"


HELPERS = {"anvil", "auth", "config", "log", "stats"}
"""Dovecot's processes which no mail client ever talks to."""


class Dovecot:
    """Dovecot, with its configuration, mail and log in one directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._config = home / "etc" / "dovecot.conf"
        self._frozen = False

    def configure(self, values: dict[str, object], passwords: dict[str, str]) -> None:
        """Write everything that Dovecot reads; ``passwords`` are by address."""
        for name in ("etc", "log", "sock", "mail", "sieve", "dovecot", "dovecot-state"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        for name in ("mail", "sieve"):
            shutil.chown(self._home / name, VMAIL, VMAIL)
        self._config.write_text(render("dovecot.conf", {**values, "uid": VMAIL}))
        (self._home / "sieve" / "junk.sieve").write_text(render("junk.sieve", {}))
        users = "".join(
            f"{address}:{password}::::::{FULL_MAILBOX if address.startswith('full@') else ''}\n"
            for address, password in passwords.items()
        )
        (self._home / "etc" / "users").write_text(users)

    def start(self) -> None:
        """Start, and return when all ports are open: Dovecot listens before it detaches."""
        # A socket left by a killed Dovecot costs five seconds at the first login.
        (self._home / "dovecot" / "anvil-auth-penalty").unlink(missing_ok=True)
        process.run("dovecot", "-c", self._config)

    def stop(self) -> None:
        """Stop in order: connections are refused; clients in IDLE hear BYE after ten seconds."""
        self.thaw()  # a stopped process hears no SIGTERM
        family = self._family()
        process.send(signal.SIGTERM, family[:1])
        process.wait_gone([pid for pid in family if process.name_of(pid) not in HELPERS])
        # Its helpers would wait as long as a Postfix process holds a connection to `auth`.
        process.send(signal.SIGKILL, family)
        process.wait_gone(family)

    def kill(self) -> None:
        """Let all of it vanish: clients see the end of the connection and no word."""
        family = self._family()
        process.send(signal.SIGKILL, family)
        process.wait_gone(family)
        (self._home / "dovecot" / "master.pid").unlink(missing_ok=True)

    def pid(self) -> int | None:
        return process.read_pid(self._home / "dovecot" / "master.pid", self._home)

    def freeze(self) -> None:
        """Stop answering with all connections open, like a host that hangs."""
        process.send(signal.SIGSTOP, self._family())
        self._frozen = True

    def thaw(self) -> None:
        process.send(signal.SIGCONT, self._family())
        self._frozen = False

    def mend(self) -> None:
        """Undo whatever a test did to it."""
        if self._frozen:
            self.thaw()
        if self.pid() is None:
            self.start()

    def kick(self, address: str) -> None:
        """End one user's sessions with a BYE."""
        self.doveadm("kick", address)

    def kill_sessions(self) -> None:
        """Kill the processes of all logged-in sessions; the server itself stays."""
        sessions = [pid for pid in self._family() if process.name_of(pid) == "imap"]
        process.send(signal.SIGKILL, sessions)
        process.wait_gone(sessions)

    def reload(self) -> None:
        """Read configuration and certificates again."""
        self.doveadm("reload")

    def doveadm(self, *command: str) -> str:
        """Tell this Dovecot something, and return its answer."""
        return process.run("doveadm", "-c", self._config, *command)

    def deliver(self, recipient: str, message: bytes) -> None:
        """Store a message by LMTP, past the MX: a duplicate, or somebody else's mail."""
        with smtplib.LMTP(str(self._home / "sock" / "lmtp")) as lmtp:
            lmtp.sendmail("", [recipient], message)

    def log(self) -> str:
        path = self._home / "log" / "dovecot.log"
        return path.read_text() if path.exists() else ""

    def _family(self) -> list[int]:
        pid = self.pid()
        return process.descendants(pid) if pid else []
