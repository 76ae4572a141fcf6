"""Fires each route at its turns: one heap for all of them.

1. take the earliest turn; wait for it, or for new routes
2. skip it if we slept through it (a suspended machine must not make up for lost mail)
3. hand the route to whoever sends
4. put the route's next turn on the heap
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence

from probe.core.cadence import next_turn
from probe.core.mailbox import Route
from probe.daemon.pulse import Pulse

LONGEST_WAIT = 5.0
"""Seconds; so that the heartbeat is seen even when nothing is due."""

TOO_LATE = 30.0
"""A turn missed by more than this is not made up for: its moment has passed."""


class Scheduler:
    """Owns the heap. ``fire`` must not block."""

    def __init__(self, fire: Callable[[Route], object], now: Callable[[], float]) -> None:
        self._fire = fire
        self._now = now
        self._routes: Sequence[Route] = ()
        self._heap: list[tuple[float, int]] = []
        self._changed = asyncio.Event()
        self.pulse = Pulse("scheduler", 30.0, now)
        self.skipped = 0

    def replace(self, routes: Sequence[Route]) -> None:
        """Fire these routes from now on. A route that stays keeps its turns."""
        now = self._now()
        waiting = {self._routes[number]: at for at, number in self._heap}
        self._routes = tuple(routes)
        self._heap = [
            (waiting.get(route) or next_turn(route, now).at, i)
            for i, route in enumerate(self._routes)
        ]
        heapq.heapify(self._heap)
        self._changed.set()

    async def run(self) -> None:
        """See the module's docstring."""
        while True:
            self.pulse.beat()
            self._changed.clear()
            now = self._now()
            while self._heap and self._heap[0][0] <= now:
                self._take(now)
            await self._wait()

    def _take(self, now: float) -> None:
        at, number = self._heap[0]
        route = self._routes[number]
        if now - at > TOO_LATE:
            self.skipped += 1
            at = now
        else:
            self._fire(route)
        heapq.heapreplace(self._heap, (next_turn(route, at).at, number))

    async def _wait(self) -> None:
        ahead = self._heap[0][0] - self._now() if self._heap else LONGEST_WAIT
        try:
            async with asyncio.timeout(min(max(ahead, 0.0), LONGEST_WAIT)):
                await self._changed.wait()
        except TimeoutError:
            pass
