"""All loops together: started, reconfigured and stopped as one.

Any loop that ends by an error ends the whole: a monitor that is half dead lies.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from probe import logs
from probe.config.settings import MailboxSettings, Settings
from probe.core.budget import DAY
from probe.core.event import Cause, Unconfirmed
from probe.core.live import Live, LoopTurn
from probe.core.match import Signer
from probe.core.observation import Errand
from probe.daemon.clock import Clock
from probe.daemon.correlator import Correlator
from probe.daemon.deadlines import Deadlines
from probe.daemon.housekeeping import Housekeeping
from probe.daemon.masking import Masking
from probe.daemon.scheduler import Scheduler
from probe.daemon.sender import Handing, Sender, SubmissionOf, Submit
from probe.daemon.watcher import Watch, Watcher
from probe.daemon.watches import Watches
from probe.journal.store import Store

SETTLE_SECONDS = 30.0
"""How long the first probe waits for the watchers: a server that does not answer must not keep
us from measuring the others."""

DRAIN_SECONDS = 6.0
"""How long submissions under way may take to end when we stop; a stop takes 10 s in all."""

STOP_SECONDS = 2.0
"""How long they may take to say what became of them once they are stopped."""

WRITE_SECONDS = 1.5
"""How long facts that wait for the journal are given: one more try to write them."""

WATCH_SILENCE = 120.0
"""Seconds that a watcher may take, beside three polls, to say anything: a login and a sweep."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The transport, as plain callables, and the sources of chance."""

    submit: Submit
    stop_submitting: Callable[[], None]
    """Every submission under way ends at once, and says so by what it returns."""
    submission_of: SubmissionOf
    watch: Watch
    random_bytes: Callable[[int], bytes]
    random_share: Callable[[], float]


@dataclass(slots=True)
class _Running:
    watcher: Watcher
    settings: MailboxSettings
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Reloads:
    loaded_at: float
    error: str = ""
    settings: Settings = field(kw_only=True)


class Engine:
    """The daemon without its door (see probe.views.web) and without its wire."""

    def __init__(
        self, settings: Settings, store: Store, signer: Signer, wire: Wire, clock: Clock
    ) -> None:
        self._store = store
        self._signer = signer
        self._wire = wire
        self._clock = clock
        self._log = logs.get()
        self._started_at = clock.now()
        self._reloads = _Reloads(self._started_at, settings=settings)
        self._running: dict[str, _Running] = {}
        self._group: asyncio.TaskGroup | None = None
        self._ready = False
        now = clock.now
        self.correlator = Correlator(store, now)
        self.sender = Sender(
            Handing(wire.submit, wire.submission_of),
            self.correlator,
            signer,
            now,
            wire.random_bytes,
        )
        self.watches = Watches(now, self._look)
        self._scheduler = Scheduler(self.sender.fire, now)
        self._deadlines = Deadlines(store, self.correlator, self.watches, now)
        self._housekeeping = Housekeeping(
            store, self.ask, lambda: list(self._running), settings.retention, clock
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """The loops run inside; on leaving, submissions under way end and facts are written.

        Raises:
            ExceptionGroup: a loop failed.
        """
        await self._recover()
        async with asyncio.TaskGroup() as group:
            self._group = group
            tasks = [
                group.create_task(loop.run(), name=type(loop).__name__)
                for loop in (self.correlator, self.sender, self._deadlines, self._housekeeping)
            ]
            self._apply(self._reloads.settings)
            tasks.append(group.create_task(self._schedule(), name="Scheduler"))
            try:
                yield
                tasks[-1].cancel()
                await self._drain()
            finally:
                for task in [*tasks, *(running.task for running in self._running.values())]:
                    task.cancel()

    def reconfigure(self, settings: Settings) -> None:
        """Go on with another config: only what changed is stopped or started."""
        self._reloads = _Reloads(self._clock.now(), settings=settings)
        self._housekeeping.retention = settings.retention
        self._apply(settings)
        if self._ready:
            self._scheduler.replace(settings.routes)

    def refuse(self, error: str) -> None:
        """A new config was refused; the old one stays in force."""
        self._reloads.error = error

    @property
    def settings(self) -> Settings:
        """The config in force."""
        return self._reloads.settings

    def ask(self, mailbox: str, errand: Errand) -> bool:
        """Leave an errand at a watcher; False if it has no place for it."""
        running = self._running.get(mailbox)
        return running is not None and running.watcher.ask(errand)

    def live(self) -> Live:
        """One snapshot for the views."""
        settings, flights = self._reloads.settings, self.correlator.flights
        return Live(
            now=self._clock.now(),
            started_at=self._started_at,
            ready=self._ready,
            journal_writable=self._store.writable,
            loops=self._turns(),
            watches=tuple(self.watches.snapshot()),
            mailboxes=tuple(box.mailbox for box in settings.mailboxes.values()),
            routes=settings.routes,
            in_flight=len(flights),
            oldest_in_flight_at=flights.oldest,
            oddities=self.correlator.oddities,
            config_loaded_at=self._reloads.loaded_at,
            config_error=self._reloads.error,
        )

    async def _recover(self) -> None:
        """Take over what an earlier process left behind."""
        for probe in await self._store.unfinished():
            # It may have been handed over: it is never sent again, and its arrival decides.
            lost = "mailprobe was stopped while the message was handed over"
            event = Unconfirmed(probe.planned_at, Cause.CANCELLED, lost)
            await self.correlator.record(probe.id, event)
        self.correlator.flights.load(await self._store.in_flight())
        self.sender.remember(await self._store.sent_since(self._clock.now() - DAY))

    async def _schedule(self) -> None:
        """Fire routes, once every mailbox was tried; what arrives must be seen coming."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.watches.settled.wait()
        self._ready = True
        self._scheduler.replace(self._reloads.settings.routes)
        self._log.info("daemon.ready", routes=len(self._reloads.settings.routes))
        await self._scheduler.run()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.sender.settle()
        except TimeoutError:
            self._wire.stop_submitting()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.sender.settle()
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITE_SECONDS):
                await self.correlator.written.wait()

    def _apply(self, settings: Settings) -> None:
        for name in [*self._running]:
            if settings.mailboxes.get(name) != self._running[name].settings:
                self._running.pop(name).task.cancel()
                self.watches.end(name)
        self.sender.replace(settings.mailboxes)
        for name, mailbox in settings.mailboxes.items():
            if name not in self._running:
                self._running[name] = self._start(name, mailbox)

    def _start(self, name: str, settings: MailboxSettings) -> _Running:
        assert self._group is not None
        self.watches.begin(name)
        watcher = Watcher(
            name,
            watch=self._wire.watch,
            store=self._store,
            correlator=self.correlator,
            watches=self.watches,
            signer=self._signer,
            now=self._clock.now,
            chance=self._wire.random_share,
            silence_limit=WATCH_SILENCE + 3 * settings.imap.poll,
            masking=Masking.of(settings),
        )
        task = self._group.create_task(watcher.run(), name=f"Watcher {name}")
        return _Running(watcher, settings, task)

    def _look(self, mailbox: str) -> bool:
        running = self._running.get(mailbox)
        return running is not None and running.watcher.look()

    def _turns(self) -> tuple[LoopTurn, ...]:
        """The loops' heartbeats; of the watchers, the oldest speaks for all."""
        loops = (self.correlator, self._deadlines, self._housekeeping, self._scheduler)
        turns = [loop.pulse.turn() for loop in loops]
        if not self._ready:
            turns.pop()  # it has not begun
        watchers = [running.watcher.pulse.turn() for running in self._running.values()]
        if watchers:
            turns.append(min(watchers, key=lambda turn: turn.last_turn + turn.silence_limit))
        return tuple(turns)
