"""Keeps things from growing: our mail in the mailboxes, and old probes in the journal.

1. messages of ours older than their retention are removed by the watcher of their mailbox
2. now and then each mailbox is searched for leftovers that the journal does not know
   (copies in sent folders, what an earlier journal forgot)
3. old probes are forgotten: delivered ones first, the others are kept longer
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from probe.config.settings import Retention
from probe.core.observation import Errand, Remove, Tidy
from probe.core.outcome import Outcome
from probe.daemon.pulse import Pulse
from probe.journal.errors import JournalUnwritableError
from probe.journal.store import PRUNE_BATCH, Store

TURN_EVERY = 30.0
"""Seconds between turns: removal is never urgent."""

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
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._ask = ask
        self._mailboxes = mailboxes
        self.retention = retention
        self._now = now
        self._tidied: dict[str, float] = {}
        self.pulse = Pulse("housekeeping", 300.0, now)

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            with suppress(JournalUnwritableError):  # the correlator says so; all this can wait
                await self.turn()
            await asyncio.sleep(TURN_EVERY)

    async def turn(self) -> None:
        """All three steps, once."""
        now = self._now()
        for mailbox, refs in (await self._store.stale_copies(now - self.retention.mail)).items():
            self._ask(mailbox, Remove(tuple(refs)))
        self._tidy(now)
        await self._prune((Outcome.DELIVERED,), now - self.retention.delivered)
        others = tuple(outcome for outcome in Outcome if outcome is not Outcome.DELIVERED)
        await self._prune(others, now - self.retention.others)
        await self._store.shrink()

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
