"""What happened in the world, for tests to wait for and to compare with."""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

# A demo left running over a weekend, at a message a second, must not fill the memory.
_MAX_ENTRIES = 20_000


class What(StrEnum):
    """One kind of happening."""

    SUBMITTED = "submitted"
    """Accepted from its sender, or a notice written by a provider; per recipient."""
    REFUSED = "refused"
    """Not accepted from its sender."""
    DEFERRED = "deferred"
    """The recipient's provider said: later."""
    STORED = "stored"
    """In a folder, visible over IMAP. The time is the one just before it became so."""
    DROPPED = "dropped"
    """Gone, and nobody was told."""
    RETURNED = "returned"
    """Given up, and a notice was written to the sender."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One happening."""

    at: float
    what: What
    sender: str
    recipient: str
    message_id: str = ""
    queue_id: str = ""
    folder: str = ""
    detail: str = ""
    """The reply that was the reason."""


class Ledger:
    """The last happenings, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MAX_ENTRIES)
        self._news = asyncio.Event()

    def note(self, entry: Entry) -> None:
        """Write one down and wake who waits."""
        self._entries.append(entry)
        self._news.set()
        self._news = asyncio.Event()

    def of(self, what: What, message_id: str = "") -> tuple[Entry, ...]:
        """All of one kind, or those of one message."""
        return tuple(
            entry
            for entry in self._entries
            if entry.what is what and message_id in {"", entry.message_id}
        )

    async def until(
        self, what: What, message_id: str = "", *, count: int = 1, within: float = 30.0
    ) -> tuple[Entry, ...]:
        """Wait for the first ``count`` of them.

        Raises:
            TimeoutError: they did not come.
        """
        async with asyncio.timeout(within):
            while len(found := self.of(what, message_id)) < count:
                await self._news.wait()
        return found
