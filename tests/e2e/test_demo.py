"""``mailprobe demo`` as a person starts it: the page, the numbers, the story, and the end."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from probe.demo.scenarios import DEFAULT, SCENARIOS
from probe.demo.vendors import VENDORS
from tests.e2e.daemon import Daemon, until

pytestmark = pytest.mark.timeout(150)  # whole processes, on a machine that may be busy

PAIRS = [(a.id, b.id) for a in VENDORS for b in VENDORS if a is not b]


@dataclass
class Demo:
    """A running demo. What a Daemon can be asked, it can be asked, too."""

    process: asyncio.subprocess.Process
    door: Daemon
    said: list[str] = field(default_factory=list)

    async def line(self) -> str:
        """The next thing that it says."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            line = (await self.process.stdout.readline()).decode()
        assert line, "it has ended"
        self.said.append(line)
        return line

    async def hears(self, words: str) -> None:
        """Read on until it says that."""
        while words not in await self.line():
            pass

    async def ends(self) -> tuple[int, str]:
        """Wait for the end; its status, and what it wrote to standard error."""
        async with asyncio.timeout(30):
            out, err = await self.process.communicate()
        self.said += out.decode().splitlines(keepends=True)
        return self.process.returncode or 0, err.decode()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """A signal; the end within ten seconds."""
        self.process.send_signal(number)
        async with asyncio.timeout(10):
            return await self.ends()


@asynccontextmanager
async def demo(directory: Path, options: Sequence[str] = ()) -> AsyncIterator[Demo]:
    """Start one; it must leave nothing in the directory for temporary files."""
    temporary = directory / "tmp"
    temporary.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "probe", "demo", "--port", "0", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin", "COLUMNS": "80"},
    )
    try:
        running = Demo(process, Daemon(directory / "none.yml", 0))
        opened = re.match(r"Open (http://\S+) in a browser", await running.line())
        assert opened, running.said
        running.door = Daemon(directory / "none.yml", urlsplit(opened[1]).port or 0)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert list(temporary.iterdir()) == []


async def test_the_demo_delivers_on_all_pairs_and_its_page_names_the_vendors(
    tmp_path: Path,
) -> None:
    async with demo(tmp_path) as running:

        async def ready() -> bool:
            return (await running.door.get("/readyz"))[0] == 200

        async def all_delivered() -> bool:
            return all(
                [
                    await running.door.metric(
                        "probes_total",
                        sender_provider=sender,
                        recipient_provider=recipient,
                        outcome="delivered",
                    )
                    for sender, recipient in PAIRS
                ]
            )

        await until(ready, "the demo is ready")
        await until(all_delivered, "mail is delivered on all pairs")
        status, page = await running.door.get("/")
        assert status == 200
        assert all(vendor.id in page for vendor in VENDORS)
        assert (await running.door.get("/healthz"))[0] == 200

        assert await running.stop() == (0, "")


async def test_the_default_story_is_seen_a_vendor_bounces_and_recovers(tmp_path: Path) -> None:
    async with demo(tmp_path, ["--speed", "15"]) as running:

        async def bounced() -> bool:
            return (
                await running.door.metric(
                    "probes_total", recipient_provider="bluepost", outcome="bounced"
                )
                > 0
            )

        begins, ends = (moment.say for moment in SCENARIOS[DEFAULT].moments[1:])
        await running.hears(begins)
        await until(bounced, "a bounce is seen")
        assert (
            await running.door.metric(
                "probes_total", recipient_provider="harbor", outcome="bounced"
            )
            == 0
        )
        _, text = await running.door.get("/api/v1/probes?outcome=bounced")
        assert {p["recipient_provider"] for p in json.loads(text)["probes"]} == {"bluepost"}
        await running.hears(ends)

        assert await running.stop(signal.SIGINT) == (0, "")


@pytest.mark.parametrize("scenario", ["outage", "our-network"])
async def test_the_demo_ends_by_itself_even_in_the_middle_of_an_outage(
    scenario: str, tmp_path: Path
) -> None:
    async with demo(tmp_path, ["--scenario", scenario, "--speed", "20", "--for", "7s"]) as running:
        status, err = await running.ends()

    assert (status, err) == (0, "")
    assert any(SCENARIOS[scenario].moments[1].say in line for line in running.said)
