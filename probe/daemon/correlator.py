"""The only writer of probe states: every fact passes through here.

A fact is recorded in one transaction (load, check, append, judge, write), and only then are the
listeners told; a cancellation does not come between the two. Where the journal cannot be
written, facts are held in memory and written, in their order, when it can be again: a full disk
must not make us blind.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from probe import logs
from probe.core.event import Event, Sighted
from probe.core.live import Oddities
from probe.core.probe import Probe
from probe.core.tally import Change
from probe.daemon.flights import Flights
from probe.daemon.pulse import Pulse
from probe.daemon.unbroken import finished
from probe.journal.errors import JournalUnwritableError
from probe.journal.probes import Copy, Ignored
from probe.journal.store import Store

MAX_HELD = 10_000
"""Facts held while the journal is shut, a few megabytes. Nothing new is sent meanwhile, so
seldom more can come than probes were in flight. Who reads mailboxes then waits: what was not
read stays on its server."""

RETRY_SECONDS = 1.0
"""Between tries to write what is held."""

Listener = Callable[[Change, Event | None], None]


@dataclass(frozen=True, slots=True)
class _Held:
    probe_id: str
    event: Event
    copy: Copy | None


class Correlator:
    """Records facts and tells the listeners what they changed."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._held: deque[_Held] = deque()
        self._waiting = asyncio.Event()
        self.written = asyncio.Event()
        """Set while no fact waits for the journal."""
        self.written.set()
        self._log = logs.get()
        self.flights = Flights()
        self.listeners: list[Listener] = []
        self.oddities = Oddities()
        self.pulse = Pulse("correlator", 30.0, now)

    async def open(self, probe: Probe) -> None:
        """Journal a probe before it is sent.

        Raises:
            JournalUnwritableError: it must not be sent.
        """
        await self._store.open_probe(probe)
        self.flights.add(probe.id, probe.recipient, probe.planned_at)

    async def record(self, probe_id: str, event: Event, copy: Copy | None = None) -> None:
        """A fact about a probe."""
        while copy is not None and len(self._held) >= MAX_HELD:
            await self.written.wait()
        await finished(self._write_or_hold(_Held(probe_id, event, copy)))

    async def rejudge(self, probe_id: str) -> None:
        """Time alone may have changed how a probe stands."""
        await finished(self._rejudge(probe_id))

    @property
    def holding(self) -> bool:
        """Facts wait for the journal: bookmarks must not overtake them."""
        return bool(self._held)

    def count(self, **more: int) -> None:
        """Count things that were seen and changed nothing, by the names of Oddities."""
        totals = {name: getattr(self.oddities, name) + number for name, number in more.items()}
        self.oddities = replace(self.oddities, **totals)

    async def run(self) -> None:
        """Write what is held, as soon as the journal lets us."""
        while True:
            self.pulse.beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._waiting.wait()
            if self._held:
                await self._flush()

    async def _flush(self) -> None:
        try:
            while self._held:
                await finished(self._write(self._held[0]))
                self._held.popleft()
        except JournalUnwritableError:
            await asyncio.sleep(RETRY_SECONDS)
            return
        self._waiting.clear()
        self.written.set()
        self._log.info("journal.writable")

    async def _write_or_hold(self, fact: _Held) -> None:
        if self._held:  # behind what came before it
            self._held.append(fact)
            return
        try:
            await self._write(fact)
        except JournalUnwritableError as error:
            self._log.error("journal.shut", error=str(error))
            self._held.append(fact)
            self.written.clear()
            self._waiting.set()

    async def _rejudge(self, probe_id: str) -> None:
        change = await self._store.rejudge(probe_id, self._now())
        if change is not None:
            self._tell(change, None)

    async def _write(self, fact: _Held) -> None:
        done = await self._store.record(fact.probe_id, fact.event, self._now(), fact.copy)
        if isinstance(done, Change):
            self._tell(done, fact.event)
        elif done is Ignored.UNKNOWN:
            self.count(unknown=1)
        elif done is Ignored.MISPLACED:
            self.count(misplaced=1)

    def _tell(self, change: Change, event: Event | None) -> None:
        if change.after.final:
            self.flights.remove(change.probe.id)
        if isinstance(event, Sighted) and change.after.sightings > 1:
            self.count(duplicates=1)
        for listener in self.listeners:
            listener(change, event)
