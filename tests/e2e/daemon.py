"""``python -m probe run`` as a process: started, asked, stopped, killed."""

import asyncio
import http.client
import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from probe.core.event import Sighted
from probe.journal.reader import Reader
from probe.journal.records import Cursor, History, Standing

PATIENCE = 30.0
"""Seconds that anything may take before the test gives up; on a quiet machine it takes a few."""

GLANCE = 0.1
"""Seconds between two looks at what is waited for."""

TOO_MANY, RETRY_AFTER = 429, 1.0
"""RFC 6585 §4: one peer has a pace on our pages, and a polite client keeps to it."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Daemon:
    """A running daemon, its config and its journal in one directory."""

    def __init__(self, config: Path, port: int, *options: str) -> None:
        self.config = config
        self.journal = config.parent / "journal.db"
        self.log = config.parent / "daemon.log"
        self._url = f"http://127.0.0.1:{port}"
        self._command = (sys.executable, "-m", "probe", "run", str(config), *options)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.kill()

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log
            )
        await until(self.ready, "the daemon is ready", self._why_not)

    async def stop(self) -> int:
        """Ask it to stop, as a container engine would; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):  # the promise: in order within ten seconds
            status = await self._process.wait()
        self._process = None
        return status

    async def kill(self) -> None:
        """End it without a word."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    def hang_up(self) -> None:
        """SIGHUP: reload the config."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    async def ready(self) -> bool:
        """Whether /readyz says so."""
        assert self._process is not None
        assert self._process.returncode is None, self._why_not()
        return (await self.get("/readyz"))[0] == 200

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page; status 0 where nobody answers."""
        answer = await asyncio.to_thread(_get, self._url + path)
        if answer[0] != TOO_MANY:
            return answer
        await asyncio.sleep(RETRY_AFTER)  # tests ask more often than people and Prometheus do
        return await self.get(path)

    async def metrics(self) -> Samples:
        """All samples without the prefix, by name and sorted labels."""
        status, text = await self.get("/metrics")
        assert status == 200, text
        return {
            (
                sample.name.removeprefix("mailprobe_"),
                tuple(sorted(sample.labels.items())),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name with these labels."""
        wanted = set(labels.items())
        samples = await self.metrics()
        return sum(v for (n, given), v in samples.items() if n == name and wanted <= set(given))

    async def api(self, path: str) -> Any:
        """A document of the JSON API."""
        status, text = await self.get(f"/api/v1/{path}")
        assert status == 200, text
        return json.loads(text)

    def probes(self) -> list[Standing]:
        """All probes of the journal, oldest first."""
        with Reader(self.journal) as reader:
            found = page = reader.recent(limit=1000)
            while page:
                last = page[-1].probe
                page = reader.recent(limit=1000, before=Cursor(last.planned_at, last.id))
                found = found + page
        return found[::-1]

    def histories(self) -> list[History]:
        """All probes of the journal with their facts, oldest first."""
        with Reader(self.journal) as reader:
            found = [reader.history(standing.probe.id) for standing in self.probes()]
        return [history for history in found if history is not None]

    async def concluded(self, number: int, seconds: float = PATIENCE) -> list[Standing]:
        """Wait until so many probes have a final outcome."""

        async def enough() -> bool:
            return await asyncio.to_thread(self._concluded) >= number

        await until(enough, f"{number} probes are concluded", self._why_not, seconds)
        return self.probes()

    def _concluded(self) -> int:
        """Cheap, and in a thread: a proxy that is measured with may run in our loop."""
        with Reader(self.journal) as reader:
            return sum(reader.tallies().concluded.values())

    def _why_not(self) -> str:
        return self.log.read_text()[-4000:]


def sighting(history: History) -> Sighted:
    """The first sighting of a probe."""
    return next(event for event in history.events if isinstance(event, Sighted))


async def until(
    condition: Callable[[], Awaitable[bool]],
    what: str,
    more: Callable[[], str] = str,
    seconds: float = PATIENCE,
) -> None:
    """Wait for a thing that cannot tell us."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - see below
                await asyncio.sleep(GLANCE)  # another process cannot set our Event
    except TimeoutError:
        raise AssertionError(f"in {seconds:.0f} s never: {what}\n{more()}") from None


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (OSError, http.client.HTTPException):  # it is not there, or died while it answered
        return 0, ""
