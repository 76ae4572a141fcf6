"""The daemon as something to be killed: by us, by a line on the wire, by a system call."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.e2e.daemon import Daemon, Samples, until

STRACE = Path("/usr/bin/strace")

SYSCALLS_OF_SQLITE = ("pwrite64", "fdatasync")
"""What writes the journal: frames into the log (and, at a checkpoint, pages into the file), and
what makes them stay. Killed on *entering* one: what it would do is not done."""


class Victim(Daemon):
    """A daemon that dies."""

    @property
    def pid(self) -> int:
        """Of the life that it lives now."""
        assert self._process is not None
        return self._process.pid

    async def launch(self, *before: str) -> None:
        """Start it, under another program if told, and do not wait."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *before, *self._command, stdout=log, stderr=log
            )

    async def risen(self) -> bool:
        """Wait until it is ready; False if it died before."""

        async def up_or_dead() -> bool:
            return self.dead or await self._answers_ready()

        await until(up_or_dead, "the daemon is ready", self._why_not)
        return not self.dead

    async def _answers_ready(self) -> bool:
        return (await self.get("/readyz"))[0] == 200

    @property
    def dead(self) -> bool:
        """Whether it has ended. That it ended in order is an error."""
        assert self._process is not None
        ended = self._process.returncode
        assert ended in {None, -signal.SIGKILL}, f"it ended by itself: {ended}\n{self._why_not()}"
        return ended is not None

    def strike(self) -> None:
        """SIGKILL, here and now."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def buried(self, seconds: float) -> bool:
        """Wait for its end; False if it outlives the wait."""
        assert self._process is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self.dead

    async def counters(self) -> Samples:
        """The counters that a restart must go on with; none if nobody answers any more."""
        status, _ = await self.get("/healthz")
        if status == 0:
            return {}
        with suppress(AssertionError):  # killed between the two questions
            return {name: n for name, n in (await self.metrics()).items() if name[0] in LASTING}
        return {}

    async def traced(self, call: str, when: int) -> asyncio.subprocess.Process:
        """From now on, its so-manieth system call of this kind kills it; the tracer."""
        inject = f"--inject={call}:signal=SIGKILL:when={when}"
        return await self._attached(f"--trace={call}", inject)

    async def starved(self, error: str) -> asyncio.subprocess.Process:
        """From now on every write to the journal fails so, until the tracer is terminated."""
        log = f"{self.journal}-wal"
        calls = ",".join(SYSCALLS_OF_SQLITE)
        return await self._attached(
            f"--trace={calls}",
            f"--trace-path={self.journal}",
            f"--trace-path={log}",
            f"--inject={calls}:error={error}",
        )

    async def _attached(self, *options: str) -> asyncio.subprocess.Process:
        """strace(1) on all threads; a stop at each system call is its price."""
        assert self._process is not None
        # Without --seccomp-bpf: with it, strace 6.1 does not inject.
        command = (str(STRACE), "-f", "-o", "/dev/null", *options, f"--attach={self.pid}")
        tracer = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert tracer.stderr is not None
        async with asyncio.timeout(20):
            while b"attached" not in (said := await tracer.stderr.readline()):
                assert said, "strace did not attach"
        return tracer


LASTING = frozenset(
    {
        "probes_total",
        "probes_revised_total",
        "delivery_seconds_bucket",
        "delivery_seconds_count",
        "delivery_seconds_sum",
    }
)
"""Counters that live in the journal. The others begin at zero, which Prometheus expects."""
