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
        self._timer: asyncio.TimerHandle | None = None
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
        async with asyncio.TaskGroup() as group:
            errand = group.create_task(self._errands.get())
            errand.add_done_callback(self._stir)
            self._glance(due, self._now())
            try:
                await self._session.stirred.wait()
            finally:
                self._stop_glancing()
            # A get that is cancelled leaves the errand in the queue.
            errand.cancel()
        return None if errand.cancelled() else errand.result()

    def _glance(self, due: Callable[[float], float], began: float) -> None:
        """See whether it is time. Most glances see nothing, and a timer wakes no task."""
        now, then = self._now(), due(began)
        if now >= then or now < began:  # or the clock was set back
            self._session.stirred.set()
            return
        self._timer = asyncio.get_running_loop().call_later(
            min(then - now, schedule.GLANCE), self._glance, due, began
        )

    def _stop_glancing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stir(self, _: object) -> None:
        self._session.stirred.set()
