"""A whole daemon over a real journal, with everything outside it in the test's hand."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from probe.config.secret import Secret
from probe.config.settings import (
    Endpoint,
    ImapSettings,
    MailboxSettings,
    Retention,
    Settings,
    SmtpSettings,
    Tls,
    WebSettings,
)
from probe.core.event import Event
from probe.core.mailbox import Mailbox, Route
from probe.core.outcome import Outcome
from probe.core.tally import Change
from probe.daemon.engine import Engine, Wire
from probe.journal.reader import Reader
from probe.journal.records import History, Standing
from probe.journal.store import Store
from probe.mail.token import candidates
from tests.daemon.post import POLL, Post
from tests.daemon.turned import TurnedClock, turned
from tests.makers import SIGNER

NAMES = {
    "north": "probe@north.test",
    "south": "probe@south.test",
    "blue": "probe@blue.test",
    "green": "probe@green.test",
}
PROVIDERS = {"north": "northmail", "south": "northmail", "blue": "bluepost", "green": "bluepost"}


class KilledError(Exception):
    """The process is dead, and writes no more."""


def a_box(name: str, *, sends_per_day: int = 2000, poll: float = POLL) -> MailboxSettings:
    where = Endpoint("127.0.0.1", 1, Tls.PLAIN, name, Secret("a password for tests"))
    return MailboxSettings(
        Mailbox(name, NAMES[name], PROVIDERS[name]),
        SmtpSettings(where),
        ImapSettings(where, poll=poll),
        sends_per_day,
    )


def a_way(sender: str, recipient: str, interval: float = 60.0) -> Route:
    return Route(sender, recipient, interval, delayed_after=60.0, lost_after=600.0)


def some_settings(
    *routes: Route,
    boxes: Mapping[str, MailboxSettings] | None = None,
    retention: Retention | None = None,
) -> Settings:
    return Settings(
        path=Path("config.yml"),
        msp="Example IT",
        journal=Path("journal.db"),
        web=WebSettings(),
        retention=retention or Retention(),
        mailboxes=boxes if boxes is not None else {name: a_box(name) for name in NAMES},
        routes=routes,
    )


ALONE = some_settings(a_way("north", "blue"))
"""One route is enough for most stories."""


class House:
    """One installation, which can be started, killed and started again."""

    def __init__(self, journal: Path, clock: TurnedClock) -> None:
        self.journal = journal
        self.clock = clock
        self.post = Post(clock.now, NAMES)
        self.told: list[tuple[Change, Event | None]] = []
        self.engine: Engine
        self.store: Store
        self._number = 0
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._dead = False
        self._watched = False
        self._last_work, self._works_left = "", 0
        self._meanwhile: tuple[str, Callable[[], None]] | None = None

    async def start(self, settings: Settings = ALONE) -> None:
        """Open the journal and let the loops run."""
        self.store = Store.open(self.journal)
        self._dead, self._last_work = False, ""
        self.store._run = partial(self._gate, self.store._writer.run)
        if not self._watched:
            turned().wait_for(lambda: not self.store.idle)
            self._watched = True
        await self.store.take_over_clock(self.clock.boot, self.clock.anchor, self.clock.now())
        self.engine = Engine(settings, self.store, SIGNER, self._wire(), self.clock)
        self.engine.correlator.listeners.append(self._tell)
        self._stopping = asyncio.Event()
        up = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(self.engine, up))
        self._task.add_done_callback(lambda _: up.set())
        await up.wait()

    async def ready(self, settings: Settings = ALONE) -> None:
        """Start, and wait until the first probe may fly."""
        await self.start(settings)
        while not self.engine.live().ready:
            await asyncio.sleep(0.1)

    async def one_sent(self) -> str:
        """Wait until a submission has begun; its probe's id."""
        self.post.begun.clear()
        async with asyncio.timeout(4000):
            await self.post.begun.wait()
        return self.post.sent[-1].probe

    async def passes(self, seconds: float) -> None:
        """Time goes by; an error of the daemon's ends the test."""
        await asyncio.sleep(seconds)
        if self._task is not None and self._task.done() and not self._dead:
            await self._task

    async def stop(self) -> None:
        """A stop in order: SIGTERM."""
        self._stopping.set()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the daemon's end; its error is raised."""
        task, self._task = self._task, None
        try:
            if task is not None:
                await task
        finally:
            await self.store.close()

    async def kill(self) -> None:
        """Kill -9: from this moment on not one octet is written, and nothing is tidied up."""
        self._dead = True
        if self._task is not None:
            self._task.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup, KilledError):
            await self.ended()

    def dies_after(self, work: str, times: int = 1) -> None:
        """Kill -9 as soon as so many pieces of such work are on disk."""
        self._last_work, self._works_left = work, times

    def while_writing(self, work: str, act: Callable[[], None]) -> None:
        """Do something once, while such a piece of work is being written."""
        self._meanwhile = (work, act)

    def boxes(self, *, sends_per_day: int = 2000) -> dict[str, MailboxSettings]:
        return {name: a_box(name, sends_per_day=sends_per_day) for name in NAMES}

    async def close(self) -> None:
        """The end of a test."""
        if self._task is not None:
            await self.kill()

    async def shut(self, *, reads: bool = True) -> None:
        """The journal cannot be written, as on a full disk.

        Or not even read by the writer, as on one that was mounted read-only.
        """
        if reads:
            await self._on_writer(lambda connection: connection.set_authorizer(_read_only))
        else:
            await self._on_writer(lambda connection: connection.execute("PRAGMA query_only = ON"))

    async def reopen(self) -> None:
        """There is room again."""
        await self._on_writer(lambda connection: connection.execute("PRAGMA query_only = OFF"))
        await self._on_writer(lambda connection: connection.set_authorizer(None))

    async def _on_writer(self, act: Callable[[sqlite3.Connection], object]) -> None:
        while not self.store.idle:
            await asyncio.sleep(0)
        act(self.store._writer._connection)

    # --- what became of it --------------------------------------------------------------

    def standings(self) -> list[Standing]:
        """All probes, oldest first."""
        with Reader(self.journal) as reader:
            return reader.recent(limit=1000)[::-1]

    def outcomes(self) -> list[Outcome | None]:
        return [standing.verdict.outcome for standing in self.standings()]

    def finals(self) -> list[Outcome | None]:
        return [s.verdict.outcome for s in self.standings() if s.verdict.final]

    def history(self, probe_id: str) -> History:
        with Reader(self.journal) as reader:
            found = reader.history(probe_id)
        assert found is not None
        return found

    def events(self, number: int = 0) -> list[str]:
        """The kinds of facts of one probe, in the order in which they were recorded."""
        history = self.history(self.standings()[number].probe.id)
        return [type(event).__name__ for event in history.events]

    def revisions(self) -> list[tuple[Outcome | None, Outcome | None]]:
        """Final outcomes that a late fact changed."""
        revised = [change for change, _ in self.told if change.revised]
        return [(change.before.outcome, change.after.outcome) for change in revised]

    def deliveries(self, recipient: str) -> list[float]:
        """How long the probes to a mailbox took, to the microsecond."""
        seconds = (
            standing.verdict.delivery_seconds
            for standing in self.standings()
            if standing.probe.recipient == recipient
        )
        return [round(each, 6) for each in seconds if each is not None]

    def message_of(self, probe_id: str) -> bytes:
        """What was handed over."""
        return next(sent.raw for sent in self.post.sent if sent.probe == probe_id)

    def token_of(self, probe_id: str) -> str:
        return next(candidates(self.message_of(probe_id).decode()))

    # ------------------------------------------------------------------------------------

    def _wire(self) -> Wire:
        return Wire(
            submit=self.post.submit,
            stop_submitting=self.post.stop,
            submission_of=lambda _: None,
            watch=self.post.watch,
            random_bytes=self._random,
            random_share=lambda: 0.5,
        )

    def _random(self, length: int) -> bytes:
        self._number += 1
        return self._number.to_bytes(length, "big")

    async def _run(self, engine: Engine, up: asyncio.Event) -> None:
        async with engine.run():
            up.set()
            await self._stopping.wait()

    async def _gate(self, run: Callable[[Any], Any], work: Any) -> Any:
        if self._dead:
            raise KilledError
        name = work.func.__name__ if isinstance(work, partial) else work.__name__
        if self._meanwhile and self._meanwhile[0] == name:
            asyncio.get_running_loop().call_soon(self._meanwhile[1])
            self._meanwhile = None
        result = await run(work)
        if name == self._last_work:
            self._works_left -= 1
            self._dead = self._works_left == 0
        if self._dead:
            raise KilledError
        return result

    def _tell(self, change: Change, event: Event | None) -> None:
        self.told.append((change, event))


def _read_only(action: int, *_: object) -> int:
    writes = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
    return sqlite3.SQLITE_DENY if action in writes else sqlite3.SQLITE_OK
