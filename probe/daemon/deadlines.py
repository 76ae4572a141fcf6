"""Ends the wait for probes whose time has run out, but never without a last look.

1. ask the journal whose deadline has come
2. the delayed-after time: judge again
3. the lost-after time: have the recipient's folders read once more, after the deadline
4. read to the end and not there: expired, watched; cannot be read: expired, not watched
5. wait for the next deadline, a finished look, or a new submission
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from probe.core.event import Expired
from probe.daemon.correlator import Correlator
from probe.daemon.pulse import Pulse
from probe.journal.errors import JournalUnwritableError
from probe.journal.probes import Due
from probe.journal.store import Store

GRACE = 60.0
"""Seconds that a blind watcher is given to see again before a probe is called unobserved.
A reconnect takes a few; longer would only delay saying that we do not know. Counted from our own
start for what ran out while we were down."""

BATCH = 1000
"""Deadlines taken at once; the rest come in the next turn."""

LONGEST_WAIT = 1.0
"""Seconds between turns at most."""


class Watchtower(Protocol):
    """What deadlines must know of the watchers."""

    looked: asyncio.Event
    """Set when a folder was read to its end."""

    def verified_at(self, mailbox: str) -> float | None:
        """Up to when all watched folders of a mailbox have been read; None: not all are."""
        ...

    def why_blind(self, mailbox: str) -> str:
        """Why not, for a person."""
        ...

    def look(self, mailbox: str) -> bool:
        """Ask for one more reading; False if there is no place for the question now."""
        ...


class Deadlines:
    """See the module's docstring."""

    def __init__(
        self, store: Store, correlator: Correlator, tower: Watchtower, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._correlator = correlator
        self._tower = tower
        self._now = now
        self._asked: dict[str, float] = {}
        self._started = now()
        self.pulse = Pulse("deadlines", 30.0, now)

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            self._tower.looked.clear()
            # The journal shut: the correlator says so, and the deadline is still written there.
            with suppress(JournalUnwritableError):
                await self.turn()
            await self._wait()

    async def turn(self) -> None:
        """Steps 1 to 4."""
        now = self._now()
        for due in await self._store.due(now, BATCH):
            if self._correlator.holding:
                return  # what was seen is not written yet: it may be what is missed here
            if due.lost:
                await self._expire(due, now)
            else:
                await self._correlator.rejudge(due.probe.id)

    async def _expire(self, due: Due, now: float) -> None:
        mailbox = due.probe.recipient
        verified = self._tower.verified_at(mailbox)
        if verified is not None and verified >= due.at:
            await self._correlator.record(due.probe.id, Expired(now, watched=True))
        elif now - max(due.at, self._started) >= GRACE:
            detail = self._tower.why_blind(mailbox)
            await self._correlator.record(due.probe.id, Expired(now, watched=False, detail=detail))
        elif verified is not None and self._asked.get(mailbox, 0.0) < due.at:
            # A blind one is not asked: it reads everything as soon as it sees again.
            self._ask(mailbox, now)

    def _ask(self, mailbox: str, now: float) -> None:
        if self._tower.look(mailbox):
            self._asked[mailbox] = now

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT):
                await self._tower.looked.wait()
