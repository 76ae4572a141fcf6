"""Waiting for something to do: in IDLE where the server has it, else for the next poll."""

import asyncio
from collections.abc import Callable

from probe.core.observation import Errand
from probe.transport.imap import schedule
from probe.transport.imap.session import Session


class Waiting:
    """Waits on one session for a push, an errand, or a time."""

    def __init__(
        self,
        session: Session,
        errands: "asyncio.Queue[Errand]",
        *,
        now: Callable[[], float],
    ) -> None:
        self._session = session
        self._errands = errands
        self._now = now
        self._idle_rests = False

    async def until(self, due: Callable[[float], float]) -> Errand | None:
        """Wait; an errand, or None: there is a push, or the time has come.

        Args:
            due: asked again and again when, with the moment at which the waiting began.
        """
        if not self._session.can("IDLE") or self._idle_rests:
            self._idle_rests = False
            return await self._stirred(due)
        async with self._session.idling() as idle:
            errand = await self._stirred(due)
            # A server that ends IDLE by itself is polled once before it is asked again, so
            # that the two of us do not turn in a circle.
            self._idle_rests = idle.is_answered
        return errand

    async def _stirred(self, due: Callable[[float], float]) -> Errand | None:
        """Never raises but when cancelled: what else is wrong, the next command tells."""
        began = self._now()
        async with asyncio.TaskGroup() as group:
            errand = group.create_task(self._errands.get())
            errand.add_done_callback(self._stir)
            while not (self._session.stirred.is_set() or errand.done()):
                now = self._now()
                if now >= due(began) or now < began:  # or the clock was set back
                    break
                await self._stirred_within(min(due(began) - now, schedule.GLANCE))
            # A get that is cancelled leaves the errand in the queue.
            errand.cancel()
        return None if errand.cancelled() else errand.result()

    def _stir(self, _: object) -> None:
        self._session.stirred.set()

    async def _stirred_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._session.stirred.wait()
        except TimeoutError:
            pass
