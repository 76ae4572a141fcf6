"""What all parts of one world share: the rules, the record, the time and the chance."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from probe.demo.fates import Fates
from probe.demo.ledger import Ledger

# The letters of the queue ids of an old and widespread server: no vowels, so no words.
_LETTERS = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Commons:
    """One of these per world."""

    fates: Fates
    ledger: Ledger
    now: Callable[[], float]
    chance: Random
    pace: float
    """All delays are multiplied by this; 0 for none."""

    def moment(self) -> dt.datetime:
        """Now, in UTC."""
        return dt.datetime.fromtimestamp(self.now(), dt.UTC)

    def new_id(self) -> str:
        """A queue id."""
        return "".join(self.chance.choices(_LETTERS, k=_ID_LENGTH))

    async def pass_time(self, least: float, most: float, *, at_least: float = 0.0) -> None:
        """Let some time pass, as by chance; ``at_least`` is not shortened by the pace."""
        await asyncio.sleep(max(at_least, self.chance.uniform(least, most) * self.pace))
