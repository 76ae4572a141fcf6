"""Three providers, four mailboxes, a journal on disk: what the views are shown in tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from probe.config.settings import WebSettings
from probe.core.event import Accepted, Event, Line, Speaker
from probe.core.live import FolderWatch, Live, LoopTurn, Oddities
from probe.core.mailbox import WATCHED, Mailbox, Route
from probe.core.probe import Probe
from probe.core.tally import Change
from probe.journal.probes import Ignored
from probe.journal.reader import Reader
from probe.journal.store import Store
from probe.mail.reply import Reply, Stage
from probe.views.archive import Archive
from probe.views.metrics import Metrics
from probe.views.recent import Recent
from probe.views.sources import Sources
from probe.views.web import build, serve

NOW = 1_780_000_000.0

MAILBOXES = (
    Mailbox("north-1", "monitor@north.example", "North", "Acme"),
    Mailbox("north-2", "second@north.example", "North"),
    Mailbox("reef-1", "monitor@reef.example", "Reef"),
    Mailbox("tern-1", "monitor@tern.example", "Tern", "Zenith"),
)
PROVIDERS = {box.id: box.provider for box in MAILBOXES}
ROUTES = tuple(
    Route(sender.id, recipient.id, interval=60.0, delayed_after=300.0, lost_after=3600.0)
    for sender in MAILBOXES
    for recipient in MAILBOXES
    if sender.provider != recipient.provider
)
LOOPS = tuple(
    LoopTurn(name, NOW - 1.0, 30.0) for name in ("scheduler", "deadlines", "watcher", "journal")
)
WATCHES = tuple(
    FolderWatch(box.id, folder, watched=True, since=NOW - 600.0, name=folder.value)
    for box in MAILBOXES
    for folder in WATCHED
)
LIVE = Live(
    now=NOW,
    started_at=NOW - 600.0,
    ready=True,
    journal_writable=True,
    loops=LOOPS,
    watches=WATCHES,
    mailboxes=MAILBOXES,
    routes=ROUTES,
    in_flight=0,
    oldest_in_flight_at=None,
    oddities=Oddities(),
    config_loaded_at=NOW - 600.0,
)
TIMINGS = {Stage.CONNECT: 0.02, Stage.TLS: 0.05, Stage.AUTH: 0.1, Stage.DATA: 0.33}
TRANSCRIPT = (
    Line(0.02, Speaker.NOTE, "connected"),
    Line(0.05, Speaker.SERVER, "220 mx.north.example ESMTP"),
    Line(0.06, Speaker.CLIENT, "EHLO mailprobe.invalid"),
)


def make_probe(
    number: int, sender: str = "north-1", recipient: str = "reef-1", planned_at: float = NOW - 60
) -> Probe:
    return Probe(
        id=f"PROBE{number:011d}",
        sender=sender,
        recipient=recipient,
        sender_provider=PROVIDERS[sender],
        recipient_provider=PROVIDERS[recipient],
        client="",
        planned_at=planned_at,
        delayed_after=300.0,
        lost_after=3600.0,
    )


def accepted(at: float, text: str = "2.0.0 Ok: queued as 4F5A21") -> Accepted:
    return Accepted(at, Reply(250, text), TIMINGS, TRANSCRIPT)


@dataclass
class World:
    """Everything behind the web application, and the application itself."""

    store: Store
    path: Path
    live: Live = LIVE
    refusal: str = ""
    reloads: int = 0
    metrics: Metrics = field(init=False)
    recent: Recent = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As after a start of the program: what the journal knows, and nothing else."""
        with Reader(self.path) as reader:
            self.metrics = Metrics(lambda: self.live, reader.tallies(), reader.routes())
            self.recent = Recent(reader.recent(limit=500))

    async def tell(self, probe: Probe, *events: Event, now: float | None = None) -> None:
        """Record a probe and its facts, and tell the listeners, as the correlator does."""
        await self.store.open_probe(probe)
        for event in events:
            await self.more(probe, event, now=now)

    async def more(self, probe: Probe, event: Event, now: float | None = None) -> None:
        """Record one more fact."""
        change = await self.store.record(probe.id, event, event.at if now is None else now)
        assert not isinstance(change, Ignored)
        self.listen(change)

    def listen(self, change: Change) -> None:
        self.metrics.changed(change)
        self.recent.changed(change)

    def now(self, **changes: Any) -> None:
        """Change the snapshot."""
        self.live = replace(self.live, **changes)

    async def reload(self) -> str:
        self.reloads += 1
        return self.refusal

    def sources(self) -> Sources:
        return Sources(
            msp=lambda: "Example MSP",
            live=lambda: self.live,
            metrics=self.metrics,
            recent=self.recent,
            archive=Archive(lambda: Reader(self.path)),
            reload=self.reload,
        )

    @asynccontextmanager
    async def served(self) -> AsyncIterator["Client"]:
        async with (
            serve(WebSettings("127.0.0.1", 0), build(self.sources())) as pages,
            Client(pages.address) as client,
        ):
            yield client


class Client:
    """A browser without a screen."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = aiohttp.ClientSession(
            address, timeout=aiohttp.ClientTimeout(total=20), auto_decompress=True
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(self, path: str, **more: Any) -> tuple[aiohttp.ClientResponse, str]:
        return await self.ask("GET", path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[aiohttp.ClientResponse, str]:
        async with self._session.request(method, path, **more) as response:
            return response, await response.text()

    async def json(self, path: str) -> Any:
        response, _ = await self.get(path)
        assert response.status == 200, response.status
        return await response.json()
