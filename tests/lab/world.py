"""The whole lab: start it, stop it, empty it."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import process
from tests.lab.certs import Authority, real_now, write_authority
from tests.lab.faults import Faults
from tests.lab.isolation import raise_inotify_limit
from tests.lab.process import LabError
from tests.lab.provider import Provider
from tests.lab.switchboard import OCCUPIED

REPOSITORY = Path(__file__).parents[2]


class LabOccupiedError(LabError):
    """Another lab has the addresses of this network."""

    def __init__(self, base: str, pid: int) -> None:
        super().__init__(
            f"another lab is up in {base} (pid {pid}): "
            f"stop it with `python -m tests.lab down --base {base}`"
        )
        self.pid = pid


class Lab:
    """Three providers, ``alpha``, ``beta`` and ``gamma``, and the switchboard of their faults."""

    def __init__(self, base: Path, *, users: int = 0, hibernate: bool = False) -> None:
        self.base = base
        self.ca = base / "ca.pem"
        self.alpha = Provider("alpha", base, users)
        self.beta = Provider("beta", base, users)
        self.gamma = Provider("gamma", base, users)
        self.providers = (self.alpha, self.beta, self.gamma)
        self.faults = Faults(forget_routes=lambda name: self.provider(name).smtp.forget_routes())
        self._hibernate = hibernate
        self._board: subprocess.Popen[bytes] | None = None

    def provider(self, name: str) -> Provider:
        """Return the provider of this name."""
        return next(provider for provider in self.providers if provider.name == name)

    def start(self) -> None:
        """Start everything, or nothing."""
        self.base.mkdir(parents=True, exist_ok=True)
        self.base.chmod(0o755)  # Postfix and Dovecot drop their rights and must still pass
        self._start_switchboard()
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything that runs; the files stay."""
        self._each(Provider.stop)
        process.end(self.switchboard_pid())
        if self._board is not None:
            self._board.wait()

    def reset(self) -> None:
        """Mend all servers, empty all mailboxes and queues, lift all faults."""
        self._each(Provider.mend)
        self._each(Provider.empty_mailboxes)
        self.faults.reset()

    def switchboard_pid(self) -> int | None:
        return process.read_pid(self.base / "switchboard.pid", self.base)

    def status(self) -> dict[str, int | None]:
        """Return the pid of each server, None where it does not run."""
        found = {"switchboard": self.switchboard_pid()}
        for provider in self.providers:
            found[f"{provider.name} smtp"] = provider.smtp.pid()
            found[f"{provider.name} imap"] = provider.imap.pid()
        return found

    def _start_servers(self) -> None:
        raise_inotify_limit()
        authority = Authority.create("mail lab CA", real_now())
        write_authority(authority, self.ca)
        self._each(lambda provider: provider.configure(authority, hibernate=self._hibernate))
        self._each(Provider.start)

    def _start_switchboard(self) -> None:
        """Start the switchboard, and with it take the lock on the lab's addresses."""
        log = self.base / "switchboard.log"
        with log.open("w") as output:
            board = subprocess.Popen(
                [sys.executable, "-m", "tests.lab.switchboard", str(self.base)],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        assert board.stdout is not None
        with board.stdout:
            ready = board.stdout.readline()
        if ready != b"ready\n":
            raise _why_no_switchboard(board.wait(), log)
        (self.base / "switchboard.pid").write_text(str(board.pid))
        self._board = board

    def _each(self, act: Callable[[Provider], None]) -> None:
        with ThreadPoolExecutor(len(self.providers)) as pool:
            list(pool.map(act, self.providers))


def _why_no_switchboard(code: int, log: Path) -> LabError:
    if code != OCCUPIED:
        return LabError(f"the switchboard ended with {code}:\n{log.read_text()}")
    try:
        holder = Faults().ask("who")
    except OSError:
        return LabError(f"another program has an address of the lab: {log.read_text()}")
    return LabOccupiedError(holder["base"], holder["pid"])
