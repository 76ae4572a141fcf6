"""Rounds of: start, fly, kill, rest, on one journal; in the end everything may land."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash.moments import Moment, Scene
from tests.crash.victim import Victim
from tests.e2e.daemon import Samples, until
from tests.e2e.lab_config import LabConfig
from tests.lab.addresses import IMAP, SUBMISSION_PLAIN
from tests.lab.proxy import TcpProxy
from tests.lab.world import Lab

USERS = ("monitor", "user1")
"""Two mailboxes at each of three providers: twelve routes, a probe a second on each."""

SCRAPE_EVERY = 0.25
"""Seconds; the daemon renders anew once a second."""

LANDING = 180.0
"""Seconds until nothing flies any more: lost-after, a last look, and a loaded machine."""


@dataclass
class Round:
    """What one round was."""

    moment: str
    began: float
    came: bool = False
    """The moment came. If not, it was killed all the same."""
    rose_in: float | None = None
    fell_back: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Counters that were lower after the start than before the kill."""


class Campaign:
    """The rounds."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rounds: list[Round] = []
        self._last: Samples = {}

    @property
    def journal(self) -> Path:
        return self.scene.daemon.journal

    async def round(self, moment: Moment) -> Round:
        """One life of the daemon."""
        daemon = self.scene.daemon
        this = Round(moment.name, _now())
        self.rounds.append(this)
        began = time.monotonic()
        await moment.launch(self.scene)
        if await daemon.risen():
            this.rose_in = time.monotonic() - began
            await self._compare(this)
            this.came = await self._killed(moment)
        else:
            this.came = True
        moment.disarm(self.scene)
        await daemon.kill()
        if self.scene.chance.random() < 0.5:  # mail arrives while nobody looks
            await asyncio.sleep(self.scene.chance.uniform(0, 1.5))
        return this

    async def finish(self) -> None:
        """One more life with next to no new probes, until all that flew has landed."""
        self.scene.config.document["defaults"]["interval"] = "30d"
        self.scene.config.write()
        last = Round("finish", _now())
        daemon = self.scene.daemon
        await daemon.launch()
        assert await daemon.risen()
        await self._compare(last)
        await until(self._landed, "all has landed", daemon._why_not, LANDING)
        assert await daemon.stop() == 0
        self.rounds.append(last)

    async def _killed(self, moment: Moment) -> bool:
        """Kill it, asking for its counters as long as it lives."""
        daemon = self.scene.daemon

        async def scrape() -> None:
            while True:
                self._last = await daemon.counters() or self._last
                await asyncio.sleep(SCRAPE_EVERY)

        async with asyncio.TaskGroup() as group:
            scraping = group.create_task(scrape())
            came = await moment.kill(self.scene)
            daemon.strike()
            scraping.cancel()
        return came

    async def _compare(self, this: Round) -> None:
        first = await self.scene.daemon.counters()
        for (name, labels), before in self._last.items():
            after = first.get((name, labels), 0.0) if first else before
            if after < before:
                this.fell_back[f"{name}{dict(labels)}"] = (before, after)
        self._last = first or self._last

    async def _landed(self) -> bool:
        def flying() -> int:
            with closing(sqlite3.connect(self.journal)) as connection:
                (number,) = connection.execute(
                    "SELECT count(*) FROM probes WHERE NOT final OR due_at IS NOT NULL"
                ).fetchone()
                return int(number)

        return await asyncio.to_thread(flying) == 0


@asynccontextmanager
async def campaign(lab: Lab, directory: Path, seed: int) -> AsyncIterator[Campaign]:
    """Everything set up, nothing started."""
    config = LabConfig(lab, directory, users=USERS)
    config.document["routes"] = {"mesh": "providers"}
    config.document["retention"] = {"mail": "20s"}
    config.document["defaults"] |= {"delayed_after": "11s", "lost_after": "14s"}
    proxies: dict[str, list[TcpProxy]] = {"smtp": [], "imap": []}
    async with asyncio.timeout(None), _proxies(config, proxies):
        daemon = Victim(config.write(), config.port, "--log-level", "info")
        try:
            yield Campaign(Scene(daemon, config, proxies, Random(seed)))
        finally:
            if daemon._process is not None:
                await daemon.kill()


@asynccontextmanager
async def _proxies(config: LabConfig, proxies: dict[str, list[TcpProxy]]) -> AsyncIterator[None]:
    """Put a proxy before each server, and have no TLS, so that they can read along."""
    before: dict[tuple[str, str], TcpProxy] = {}
    for provider in config.providers:
        for wire, port in (("smtp", SUBMISSION_PLAIN), ("imap", IMAP)):
            proxy = await TcpProxy(provider.address, port).__aenter__()
            before[provider.address, wire] = proxy
            proxies[wire].append(proxy)
    for mailbox in config.document["mailboxes"]:
        for wire in proxies:
            proxy = before[mailbox[wire]["host"], wire]
            mailbox[wire] |= {"host": proxy.host, "port": proxy.port, "tls": "plain"}
    try:
        yield
    finally:
        for proxy in before.values():
            await proxy.__aexit__(None, None, None)


def _now() -> float:
    return time.time()  # noqa: TID251 - as in the journal, to say which round a probe is of
