"""Round trips now: the daemon's own loops on a journal of their own, for ``once`` and ``check``.

A journal that a running daemon holds is not touched, and the mail is tidied away at the end.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from probe.app.installation import CertificateSeen, running
from probe.config.settings import Settings
from probe.core.event import Event
from probe.core.live import FolderWatch
from probe.core.mailbox import Folder, Route
from probe.core.observation import Remove
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


def concluded(change: Change) -> bool:
    """The probe has its outcome."""
    return change.after.final


@dataclass(frozen=True, slots=True)
class Trial:
    """Loops that fire only what they are told to."""

    engine: Engine
    journal: Path

    async def settled(self) -> None:
        """Wait until every mailbox is watched, or will not be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self.engine.watches.settled.wait()

    def watch(self, mailbox: str, folder: Folder) -> FolderWatch | None:
        """How well one folder is watched."""
        for watch in self.engine.watches.snapshot():
            if (watch.mailbox, watch.folder) == (mailbox, folder):
                return watch
        return None

    async def send(
        self, routes: Sequence[Route], progress: Progress, enough: Enough = concluded
    ) -> list[History]:
        """Send one probe on each route, and wait until enough is known of each."""
        waiting = {route.pair for route in routes}
        done: dict[tuple[str, str], str] = {}
        finished = asyncio.Event()

        def changed(change: Change, event: Event | None) -> None:
            progress(change, event)
            if enough(change):
                done[change.probe.route] = change.probe.id
            if waiting <= done.keys():
                finished.set()

        self.engine.correlator.listeners.append(changed)
        try:
            waiting -= {route.pair for route in routes if not self.engine.sender.fire(route)}
            if waiting:
                await finished.wait()
        finally:
            self.engine.correlator.listeners.remove(changed)
        return await asyncio.to_thread(self._histories, list(done.values()))

    def _histories(self, ids: list[str]) -> list[History]:
        with Reader(self.journal) as reader:
            found = [reader.history(probe_id) for probe_id in ids]
        return [history for history in found if history is not None]


@asynccontextmanager
async def trying(
    settings: Settings, mailboxes: Sequence[str], certificate_seen: CertificateSeen
) -> AsyncIterator[Trial]:
    """Watch these mailboxes until the block ends, then remove our mail from them.

    The probes are signed by the installation's own key where there is one already, so that its
    daemon recognises and removes what could not be removed here.

    Raises:
        ExceptionGroup: a loop failed.
    """
    some = {name: settings.mailboxes[name] for name in mailboxes}
    alone = replace(settings, mailboxes=some, routes=())
    with tempfile.TemporaryDirectory(prefix="mailprobe-") as directory:
        journal = Path(directory) / "trial.db"
        signer = identity.load(settings.journal) or identity.load_or_create(journal)
        async with running(alone, journal, signer, certificate_seen) as installation:
            trial = Trial(installation.engine, journal)
            try:
                yield trial
            finally:
                await _tidy(trial, installation.store)


async def _tidy(trial: Trial, store: Store) -> None:
    """Remove our mail; a mailbox that cannot be reached keeps it."""
    now = trial.engine.live().now
    with suppress(TimeoutError):
        async with asyncio.timeout(TIDY_SECONDS):
            for mailbox, refs in (await store.stale_copies(now + 1)).items():
                trial.engine.ask(mailbox, Remove(tuple(refs)))
            while await store.stale_copies(now + 1):
                await trial.engine.watches.removed.wait()
                trial.engine.watches.removed.clear()
