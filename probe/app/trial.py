"""Round trips now: the daemon's own loops on a journal of their own, for ``once`` and ``check``.

A journal that a running daemon holds is not touched, and the mail is tidied away at the end.
"""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from probe.app.installation import CertificateSeen, installed
from probe.app.onlooker import Onlooker
from probe.config.settings import Settings
from probe.core.event import Event
from probe.core.live import FolderWatch
from probe.core.mailbox import Folder, Route
from probe.core.match import Foreign, Signer, match
from probe.core.observation import Errand, Look, Remove, Tidy
from probe.core.tally import Change
from probe.daemon.engine import Engine
from probe.journal import identity
from probe.journal.reader import Reader
from probe.journal.records import History
from probe.journal.store import Store

READY_SECONDS = 45.0
"""How long mailboxes may take to be watched: a login, a sweep, and one more try."""

TIDY_SECONDS = 10.0
"""How long removing our own mail may take; what is left is removed by the daemon's tidying."""

Progress = Callable[[Change, Event | None], None]
Enough = Callable[[Change], bool]


def nobody(_change: Change, _event: Event | None) -> None:
    """Progress that nobody sees."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Loops that fire only what they are told to."""

    engine: Engine
    journal: Path
    onlooker: Onlooker
    mine: set[str] = field(default_factory=set)
    """The ids of the probes that were sent here."""

    async def tried(self, mailbox: str) -> None:
        """Wait until a mailbox is watched, or will not be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self.onlooker.tried(mailbox)

    async def settled(self) -> None:
        """Wait until every mailbox is watched, or will not be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self.engine.watches.settled.wait()

    def watch(self, mailbox: str, folder: Folder) -> FolderWatch | None:
        """How well one folder is watched; None: it is not to be."""
        for watch in self.engine.watches.snapshot():
            if (watch.mailbox, watch.folder) == (mailbox, folder):
                return watch
        return None

    def blind(self, mailbox: str) -> bool:
        """Whether nothing can be seen in this mailbox now."""
        watch = self.watch(mailbox, Folder.INBOX)
        return watch is None or not watch.watched

    async def send(
        self, routes: Sequence[Route], within: float, progress: Progress = nobody
    ) -> list[History]:
        """Send one probe on each route, and wait for the outcomes, but no longer than ``within``.

        Nor is waited for what cannot be seen to arrive.
        """
        awaited = _Awaited(self, routes, progress)
        self.engine.correlator.listeners.append(awaited.changed)
        self.engine.sender.dropped.append(awaited.dropped)
        try:
            for route in routes:
                self.engine.sender.fire(route)
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await awaited.finished.wait()
        finally:
            self.engine.correlator.listeners.remove(awaited.changed)
            self.engine.sender.dropped.remove(awaited.dropped)
        return await asyncio.to_thread(self._histories, list(awaited.ids.values()))

    def _histories(self, ids: list[str]) -> list[History]:
        with Reader(self.journal) as reader:
            found = [reader.history(probe_id) for probe_id in ids]
        return [history for history in found if history is not None]


class _Awaited:
    """The routes of one wave, of which something is still to be heard."""

    def __init__(self, trial: Trial, routes: Sequence[Route], progress: Progress) -> None:
        self._trial = trial
        self._progress = progress
        self._waiting = {route.pair for route in routes}
        self.ids: dict[tuple[str, str], str] = {}
        """The probe of each route that made one."""
        self.finished = asyncio.Event()

    def changed(self, change: Change, event: Event | None) -> None:
        """A listener of the correlator."""
        route = change.probe.route
        self._trial.mine.add(change.probe.id)
        if route not in self._waiting | self.ids.keys():
            return
        self.ids[route] = change.probe.id
        self._progress(change, event)
        submitted = change.after.submitted_at is not None
        if change.after.final or (submitted and self._trial.blind(change.probe.recipient)):
            self._heard(route)

    def dropped(self, route: Route) -> None:
        """A listener of the sender: no probe will be made of this turn."""
        self._heard(route.pair)

    def _heard(self, route: tuple[str, str]) -> None:
        self._waiting.discard(route)
        if not self._waiting:
            self.finished.set()


@asynccontextmanager
async def trying(
    settings: Settings, mailboxes: Sequence[str], certificate_seen: CertificateSeen
) -> AsyncIterator[Trial]:
    """Watch these mailboxes until the block ends, then remove our mail from them.

    The probes are signed by the installation's own key where there is one already, so that its
    daemon recognises and removes what could not be removed here. The daemon's own probes are
    not touched.

    Raises:
        ExceptionGroup: a loop failed.
    """
    some = {name: settings.mailboxes[name] for name in mailboxes}
    alone = replace(settings, mailboxes=some, routes=())
    with tempfile.TemporaryDirectory(prefix="mailprobe-") as directory:
        journal = Path(directory) / "trial.db"
        signer = identity.load(settings.journal) or identity.load_or_create(journal)
        onlooker, mine = Onlooker(), set[str]()

        def sent_at(header: bytes, body: bytes | None, signer: Signer) -> float | None:
            found = match(header, body, signer)
            if isinstance(found, Foreign) or found.token.probe not in mine:
                return None
            return found.token.sent_at

        async with (
            installed(
                alone, journal, signer, certificate_seen, sent_at=sent_at, around=onlooker.around
            ) as installation,
            installation.engine.run(),
        ):
            trial = Trial(installation.engine, journal, onlooker, mine)
            try:
                with _stopped_in_order():
                    yield trial
            finally:
                await _tidy(trial, installation.store)


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """SIGTERM is as good as Ctrl-C: the mail is tidied away before we go."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _tidy(trial: Trial, store: Store) -> None:
    """Remove our mail; a mailbox that cannot be reached keeps it."""
    soon = trial.engine.live().now + 1
    known = await store.stale_copies(soon)
    goals: dict[str, int] = {}
    for name in trial.engine.settings.mailboxes:
        if trial.mine and not trial.blind(name):
            errands: list[Errand] = [Remove(tuple(known[name]))] if name in known else []
            errands += [Tidy(soon), Look()]
            for errand in errands:
                trial.engine.ask(name, errand)
            # Errands are done in order, each between two readings of INBOX, and one reading may
            # be under way: with so many readings, all errands but Look are done.
            goals[name] = trial.onlooker.readings[name] + 2 * len(errands)
    with suppress(TimeoutError):
        async with asyncio.timeout(TIDY_SECONDS):
            while any(_still(trial, name, goal) for name, goal in goals.items()):
                await trial.onlooker.read.wait()
                trial.onlooker.read.clear()


def _still(trial: Trial, name: str, goal: int) -> bool:
    return not trial.blind(name) and trial.onlooker.readings[name] < goal
