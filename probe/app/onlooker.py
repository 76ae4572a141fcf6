"""Looks over the shoulder of the watches: when each was tried, and what ended it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from probe.core.mailbox import Folder
from probe.core.observation import Bookmark, Errand, Observation, Verified, WatchLost
from probe.daemon.engine import Wire


class Onlooker:
    """Knows of the watches what the loops need not keep."""

    def __init__(self) -> None:
        self.lost: dict[str, WatchLost] = {}
        """What ended the last watch of a mailbox; nothing while one goes on."""
        self.readings: Counter[str] = Counter()
        """How often each mailbox's INBOX was read to its end."""
        self.read = asyncio.Event()
        """Set at each of these readings."""
        self._tried: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def tried(self, mailbox: str) -> None:
        """Wait until a watch was established, or has failed."""
        await self._tried[mailbox].wait()

    def around(self, wire: Wire) -> Wire:
        """The same wire, with us beside it."""

        async def watch(
            mailbox: str, errands: "asyncio.Queue[Errand]", bookmarks: Mapping[Folder, Bookmark]
        ) -> AsyncGenerator[Observation, None]:
            try:
                async with aclosing(wire.watch(mailbox, errands, bookmarks)) as stream:
                    async for observation in stream:
                        yield observation
                        self._note(mailbox, observation)
            except WatchLost as lost:
                self.lost[mailbox] = lost
                self._tried[mailbox].set()
                raise

        return replace(wire, watch=watch)

    def _note(self, mailbox: str, observation: Observation) -> None:
        """Called when the loop has taken it in."""
        if isinstance(observation, Verified) and observation.bookmark.folder is Folder.INBOX:
            self.lost.pop(mailbox, None)
            self.readings[mailbox] += 1
            self.read.set()
            self._tried[mailbox].set()
