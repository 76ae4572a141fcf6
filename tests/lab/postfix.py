"""One provider's Postfix."""

import shutil
import signal
from pathlib import Path

from tests.lab import process
from tests.lab.addresses import RESOLVER
from tests.lab.templates import render

MASTER = "/usr/lib/postfix/sbin/master"
RESOLV_CONF = f"nameserver {RESOLVER}\noptions timeout:2 attempts:1\n"
QUEUES = ("incoming", "active", "deferred", "hold")


class Postfix:
    """Postfix, with its configuration, queue and log in one directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._etc = home / "etc"
        self._throttled = False
        self._frozen = False

    def configure(self, values: dict[str, object], addresses: list[str]) -> None:
        """Write everything that Postfix reads."""
        for name in ("etc", "log", "spool/etc", "lib", "sock"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        (self._home / "spool/etc/resolv.conf").write_text(RESOLV_CONF)
        shutil.chown(self._home / "lib", "postfix", "postfix")
        (self._etc / "main.cf").write_text(render("main.cf", values))
        (self._etc / "master.cf").write_text(render("master.cf", values))
        (self._etc / "mailboxes").write_text("".join(f"{a} exists\n" for a in addresses))
        (self._etc / "senders").write_text("".join(f"{a} {a}\n" for a in addresses))

    def start(self) -> None:
        """Start, and return when all ports are open (master's -w)."""
        if not (self._home / "spool" / "active").exists():
            self._call("postfix", "-c", self._etc, "check")
        environment = {"MAIL_CONFIG": str(self._etc)}
        process.run(MASTER, "-c", self._etc, "-w", env=environment)

    def stop(self) -> None:
        """Stop; a connection is refused from now on."""
        self.thaw()  # a stopped process hears no SIGTERM
        process.end(self.pid())

    def pid(self) -> int | None:
        """Return the pid of master(8) while it runs."""
        return process.read_pid(self._home / "spool" / "pid" / "master.pid", self._home)

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
        if self._throttled:
            self.throttle()
        if self.pid() is None:
            self.start()

    def reload(self) -> None:
        """Read configuration and certificates again, and try the queue at once."""
        process.send(signal.SIGHUP, [pid] if (pid := self.pid()) else [])

    def forget_routes(self) -> None:
        """Let a new queue manager ask anew where mail goes; it tries all queued mail at once."""
        managers = [pid for pid in self._family() if process.name_of(pid) == "qmgr"]
        self.reload()
        process.wait_gone(managers)

    def flush(self) -> None:
        """Try to deliver everything in the queue now."""
        self._call("postqueue", "-c", self._etc, "-f")

    def release_held(self) -> None:
        """Let mail go that `Faults.hold` keeps."""
        self._call("postsuper", "-c", self._etc, "-H", "ALL")

    def queued(self) -> list[str]:
        """Return the queue, one JSON object a message (postqueue(1) -j)."""
        return self._call("postqueue", "-c", self._etc, "-j").splitlines()

    def empty_queue(self) -> None:
        """Throw away all queued mail."""
        spool = self._home / "spool"
        if any(file.is_file() for queue in QUEUES for file in (spool / queue).rglob("*")):
            self._call("postsuper", "-c", self._etc, "-d", "ALL")

    def throttle(self, *, logins: int = 0, messages: int = 0) -> None:
        """Allow only so many logins or messages in ten seconds (anvil(8)); 0 lifts it.

        Processes that already run keep the old limit until they are replaced, so Postfix is
        started anew: a reload takes two seconds to act.
        """
        settings = (f"lab_logins_per_unit={logins}", f"lab_messages_per_unit={messages}")
        self._call("postconf", "-c", self._etc, "-e", *settings)
        self._throttled = bool(logins or messages)
        self.stop()
        self.start()

    def log(self) -> str:
        path = self._home / "log" / "mail.log"
        return path.read_text() if path.exists() else ""

    def _family(self) -> list[int]:
        pid = self.pid()
        return process.descendants(pid) if pid else []

    def _call(self, *command: str | Path) -> str:
        return process.run(*command)
