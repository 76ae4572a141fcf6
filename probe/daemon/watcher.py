"""Watches one mailbox for ever.

1. take up the bookmarks where an earlier watch stopped
2. watch; every message that is ours becomes a fact, then the bookmark moves on
3. when the watch is lost, say so, wait as long as its cause demands, and begin again
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from statistics import median

from probe import logs
from probe.core.event import Notified, Sighted
from probe.core.latency import EXACT_GAP
from probe.core.mailbox import Folder
from probe.core.match import Echo, Foreign, Ours, Report, Signer, match
from probe.core.observation import (
    Arrived,
    Bookmark,
    Errand,
    FolderFound,
    FolderMissing,
    Kept,
    Look,
    Observation,
    Removed,
    Verified,
    WatchCause,
    WatchLost,
)
from probe.daemon.correlator import Correlator
from probe.daemon.logins import CREDENTIALS_REST
from probe.daemon.masking import Masking
from probe.daemon.pulse import Pulse
from probe.daemon.watches import Watches
from probe.journal.errors import JournalUnwritableError
from probe.journal.probes import Copy
from probe.journal.store import Store

Watch = Callable[
    [str, "asyncio.Queue[Errand]", Mapping[Folder, Bookmark]], AsyncGenerator[Observation, None]
]
"""See probe.core.observation."""

MAX_ERRANDS = 20
"""Errands waiting at one watcher; housekeeping asks again later for what finds no place."""

FIRST_REST, LONGEST_REST = 1.0, 60.0
"""Seconds before a lost watch is begun again: doubled each time, until one was verified."""

THROTTLED_REST = 300.0
"""Seconds after a throttling answer that names no time."""

LONGEST_OBEYED = 86400.0
"""Seconds that a server can keep us away by its own word. Providers count over a day at most;
more is a mistake, or malice."""

BOOKMARK_EVERY = 60.0
"""Seconds between writes of a bookmark that has only grown older."""

OFFSETS_KEPT = 15
"""Clock offsets remembered; their median ignores a few that were slow to be stored."""

HEADER_KEPT = 64 * 1024
"""Characters of a header kept as evidence: as much as is fetched."""


class Watcher:
    """One mailbox."""

    def __init__(  # noqa: PLR0913 - each is a different collaborator
        self,
        mailbox: str,
        *,
        watch: Watch,
        store: Store,
        correlator: Correlator,
        watches: Watches,
        signer: Signer,
        now: Callable[[], float],
        chance: Callable[[], float],
        silence_limit: float,
        masking: Masking,
    ) -> None:
        self._mailbox = mailbox
        self._watch = watch
        self._store = store
        self._correlator = correlator
        self._watches = watches
        self._signer = signer
        self._now = now
        self._chance = chance
        self._masking = masking
        self._errands: asyncio.Queue[Errand] = asyncio.Queue(MAX_ERRANDS)
        self._offsets: deque[float] = deque(maxlen=OFFSETS_KEPT)
        self._saved: dict[Folder, Bookmark] = {}
        self._rest = FIRST_REST
        self._watching = False
        self._log = logs.get().bind(mailbox=mailbox)
        self.pulse = Pulse("watcher", silence_limit, now)

    def ask(self, errand: Errand) -> bool:
        """Leave an errand; False if there is no place for it, or nobody to run it.

        Errands for a mailbox that cannot be reached would only pile up: who asked asks again.
        """
        if not self._watching:
            return False
        with suppress(asyncio.QueueFull):
            self._errands.put_nowait(errand)
            return True
        return False

    def look(self) -> bool:
        """Have the folders read now; False if that cannot be asked."""
        return self.ask(Look())

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            try:
                await self._watch_once()
            except WatchLost as lost:
                self._watching = False
                silent = lost.cause is WatchCause.SILENT
                self._watches.blind(self._mailbox, str(lost), silent=silent)
                rest = self._pause(lost)
                self._log.warning("watch.lost", why=str(lost), again_in=round(rest, 1))
                self.pulse.beat(resting=rest)
                await asyncio.sleep(rest)

    async def _watch_once(self) -> None:
        with suppress(JournalUnwritableError):  # then go on from what we saved ourselves
            await self._take_up()
        stream = self._watch(self._mailbox, self._errands, dict(self._saved))
        async with aclosing(stream):
            async for observation in stream:
                self._watching = True
                self.pulse.beat()
                await self._take(observation)
        raise WatchLost(WatchCause.CLOSED, "the watch ended without a word")

    async def _take_up(self) -> None:
        place = await self._store.place(self._mailbox)
        self._saved = dict(place.bookmarks)
        if place.clock_offset is not None and not self._offsets:
            self._offsets.append(place.clock_offset)

    async def _take(self, observation: Observation) -> None:
        match observation:
            case FolderFound():
                self._watches.found(self._mailbox, observation.folder, observation.name)
                self._log.info(
                    "watch.begun",
                    folder=observation.folder,
                    name=observation.name,
                    how=observation.how,
                )
            case FolderMissing():
                self._watches.missing(
                    self._mailbox,
                    observation.folder,
                    observation.detail,
                    by_config=observation.absent_by_config,
                )
            case Arrived():
                await self._read(observation)
            case Verified():
                await self._verified(observation.bookmark)
            case Removed():
                await self._forget(observation)
            case Kept():
                await self._give_up(observation)

    async def _read(self, arrived: Arrived) -> None:
        found = match(arrived.header, arrived.body, self._signer)
        copy = Copy(self._mailbox, arrived.ref)
        match found:
            case Ours(token):
                sighted = self._masking.sighted(self._sighted(arrived))
                await self._correlator.record(token.probe, sighted, copy)
            case Report(token, dsn):
                raw = (arrived.body or arrived.header).decode("utf-8", "replace")
                notified = self._masking.notified(Notified(arrived.at, dsn, raw))
                await self._correlator.record(token.probe, notified, copy)
            case Echo(token):
                with suppress(JournalUnwritableError):  # tidied by a later sweep
                    await self._store.add_copy(copy, token.probe, arrived.at)
            case Foreign(forged, strangers):
                self._correlator.count(forged=forged, strangers=strangers)

    def _sighted(self, arrived: Arrived) -> Sighted:
        offset = median(self._offsets) if self._offsets else None
        exact = arrived.not_before is not None and arrived.at - arrived.not_before <= EXACT_GAP
        if exact and arrived.internal_date is not None:
            # INTERNALDATE is cut to the second: half a second is its mean error.
            self._offsets.append(arrived.internal_date + 0.5 - arrived.at)
        return Sighted(
            at=arrived.at,
            folder=arrived.ref.folder,
            not_before=arrived.not_before,
            internal_date=arrived.internal_date,
            clock_offset=offset,
            header=arrived.header[:HEADER_KEPT].decode("utf-8", "replace"),
        )

    async def _verified(self, bookmark: Bookmark) -> None:
        self._rest = FIRST_REST
        self._watches.verified(self._mailbox, bookmark.folder, bookmark.verified_at)
        saved = self._saved.get(bookmark.folder)
        moved = saved is None or (saved.uidvalidity, saved.uid) != (
            bookmark.uidvalidity,
            bookmark.uid,
        )
        if not moved and saved and bookmark.verified_at - saved.verified_at < BOOKMARK_EVERY:
            return
        if self._correlator.holding:
            return  # what was read is not on disk yet: after a crash it must be read again
        offset = median(self._offsets) if self._offsets else None
        with suppress(JournalUnwritableError):  # the correlator says so
            await self._store.save_bookmark(self._mailbox, bookmark, offset)
            self._saved[bookmark.folder] = bookmark

    async def _forget(self, removed: Removed) -> None:
        with suppress(JournalUnwritableError):  # asked again later, and found gone
            await self._store.forget_copies(self._mailbox, removed.refs)
        self._watches.removed.set()

    async def _give_up(self, kept: Kept) -> None:
        self._correlator.count(kept=len(kept.refs))
        self._log.warning("mail.kept", number=len(kept.refs), why=kept.detail)
        with suppress(JournalUnwritableError):
            await self._store.give_up_copies(self._mailbox, kept.refs)
        self._watches.removed.set()

    def _pause(self, lost: WatchLost) -> float:
        """How long to stay away, by the cause."""
        if lost.cause is WatchCause.CREDENTIALS:
            return CREDENTIALS_REST
        told = lost.retry_after
        if told is None and lost.cause is WatchCause.THROTTLED:
            told = THROTTLED_REST
        rest, self._rest = self._rest, min(self._rest * 2, LONGEST_REST)
        # Spread over half the time, so that all mailboxes of a server do not come back at once.
        return max(rest * (0.75 + 0.5 * self._chance()), min(told or 0.0, LONGEST_OBEYED))
