"""Keeps things from growing: our mail in the mailboxes, and old probes in the journal.

1. messages of ours older than their retention are removed by the watcher of their mailbox
2. now and then each mailbox is searched for leftovers that the journal does not know
   (copies in sent folders, what an earlier journal forgot)
3. old probes are forgotten: delivered ones first, the others are kept longer
4. that the machine's clock was set is told: our times go on as they began
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from probe import logs
from probe.config.settings import Retention
from probe.core.observation import Errand, Remove, Tidy
from probe.core.outcome import Outcome
from probe.daemon.clock import Clock
from probe.daemon.pulse import Pulse
from probe.journal.errors import JournalUnwritableError
from probe.journal.store import PRUNE_BATCH, Store

TURN_EVERY = 30.0
"""Seconds between turns: removal is never urgent."""

DRIFT_TOLD = 1.0
"""Seconds. As much as a leap second: less is nobody's mistake."""

Ask = Callable[[str, Errand], bool]
"""(mailbox id, errand) -> whether there was a place for it."""


class Housekeeping:
    """See the module's docstring."""

    def __init__(
        self,
        store: Store,
        ask: Ask,
        mailboxes: Callable[[], list[str]],
        retention: Retention,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ask = ask
        self._mailboxes = mailboxes
        self.retention = retention
        self._clock = clock
        self._told_drift = 0.0
        self._log = logs.get()
        self._tidied: dict[str, float] = {}
        self.pulse = Pulse("housekeeping", 300.0, clock.now)

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            self._tell_drift()
            with suppress(JournalUnwritableError):  # the correlator says so; all this can wait
                await self.turn()
            await asyncio.sleep(TURN_EVERY)

    async def turn(self) -> None:
        """The first three steps, once."""
        now = self._clock.now()
        for mailbox, refs in (await self._store.stale_copies(now - self.retention.mail)).items():
            self._ask(mailbox, Remove(tuple(refs)))
        self._tidy(now)
        await self._prune((Outcome.DELIVERED,), now - self.retention.delivered)
        others = tuple(outcome for outcome in Outcome if outcome is not Outcome.DELIVERED)
        await self._prune(others, now - self.retention.others)
        await self._store.shrink()

    def _tell_drift(self) -> None:
        drift = self._clock.drift
        if abs(drift - self._told_drift) > DRIFT_TOLD:
            self._told_drift = drift
            self._log.warning("clock.set", seconds=round(drift, 3), when="since our start")

    def _tidy(self, now: float) -> None:
        """As often as mail is kept: nothing of ours lies about for more than twice as long."""
        for mailbox in self._mailboxes():
            last = self._tidied.get(mailbox)
            wanted = last is None or now - last >= self.retention.mail
            # Where it cannot be asked now, it is in the next turn.
            if wanted and self._ask(mailbox, Tidy(sent_before=now - self.retention.mail)):
                self._tidied[mailbox] = now

    async def _prune(self, outcomes: tuple[Outcome, ...], before: float) -> None:
        while await self._store.prune(outcomes, before) == PRUNE_BATCH:
            self.pulse.beat()
