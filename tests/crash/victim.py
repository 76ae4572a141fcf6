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

    pid = 0

    async def launch(self, *before: str) -> None:
        """Start it, under another program if told, and do not wait."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *before, *self._command, stdout=log, stderr=log
            )
        self.pid = self._process.pid

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
        """From now on, its so-manieth system call of this kind kills it."""
        assert self._process is not None
        tracer = await asyncio.create_subprocess_exec(
            *tracing(call, when),
            f"--attach={self.pid}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert tracer.stderr is not None
        async with asyncio.timeout(20):
            said = await tracer.stderr.readline()
        assert b"attached" in said, said
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


def tracing(call: str, when: int) -> tuple[str, ...]:
    """strace(1), all threads, which kills on entering that call for the so-manieth time."""
    inject = f"--inject={call}:signal=SIGKILL:when={when}"
    # Without --seccomp-bpf: with it, strace 6.1 does not inject.
    return (str(STRACE), "-f", "-o", "/dev/null", f"--trace={call}", inject)
