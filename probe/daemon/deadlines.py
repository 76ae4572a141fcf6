"""Ends the wait for probes whose time has run out, but never without a last look.

1. ask the journal whose deadline has come
2. the delayed-after time: judge again
3. the lost-after time: have the recipient's folders read once more, after the deadline
4. read to the end and not there: expired, watched; cannot be read: expired, not watched
5. wait for the next deadline; what could not be decided comes again in a second
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
"""Seconds between turns at most: a look that has ended is noticed so late at the latest."""

SHORTEST_WAIT = 0.05
"""Seconds between turns at least, so that many deadlines in a row are taken together."""


ASLEEP = 30.0
"""Seconds by which a wait is late when the machine slept. What ran out meanwhile is given the
same grace as after a start: no watcher could see."""


class Watchtower(Protocol):
    """What deadlines must know of the watchers."""

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
        self._awake_since = now()
        self.pulse = Pulse("deadlines", 30.0, now)

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            ahead: float | None = None
            # The journal shut: the correlator says so, and the deadline is still written there.
            with suppress(JournalUnwritableError):
                await self.turn()
                ahead = await self._store.next_due()
            await self._wait(ahead)

    async def turn(self) -> None:
        """Steps 1 to 4."""
        now = self._now()
        undecided: list[str] = []
        for due in await self._store.due(now, BATCH):
            if self._correlator.holding:
                return  # what was seen is not written yet: it may be what is missed here
            if not due.lost:
                await self._correlator.rejudge(due.probe.id)
            elif not await self._expire(due, now):
                undecided.append(due.probe.id)
        if undecided:
            # Behind the others: however many wait for a look, they keep nobody waiting.
            await self._store.postpone(undecided, now + LONGEST_WAIT)

    async def _expire(self, due: Due, now: float) -> bool:
        """End the wait for one probe; False if that cannot be decided yet."""
        mailbox = due.probe.recipient
        verified = self._tower.verified_at(mailbox)
        if verified is not None and verified >= due.at:
            await self._correlator.record(due.probe.id, Expired(now, watched=True))
            return True
        if now - max(due.at, self._awake_since) >= GRACE:
            detail = self._tower.why_blind(mailbox)
            await self._correlator.record(due.probe.id, Expired(now, watched=False, detail=detail))
            return True
        if verified is not None and self._asked.get(mailbox, 0.0) < due.at:
            # A blind one is not asked: it reads everything as soon as it sees again.
            self._ask(mailbox, now)
        return False

    def _ask(self, mailbox: str, now: float) -> None:
        if self._tower.look(mailbox):
            self._asked[mailbox] = now

    async def _wait(self, next_due: float | None) -> None:
        ahead = LONGEST_WAIT if next_due is None else next_due - self._now()
        before, wait = self._now(), min(max(ahead, SHORTEST_WAIT), LONGEST_WAIT)
        await asyncio.sleep(wait)
        if self._now() - before > wait + ASLEEP:
            self._awake_since = self._now()
