"""An event loop whose clock is turned forward when there is nothing to do.

Hours pass in milliseconds, in the order in which they would, and nothing sleeps. While a thread
owes an answer (the journal's writer, an executor) the clock stands still and the loop waits
for it in real time: so what a test sees does not depend on how fast the disk is.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from probe.daemon.clock import Clock
from tests.makers import START

GUARD = 20.0
"""Real seconds for a thread's answer; a commit takes milliseconds. It ends a test that hangs."""


class StuckError(Exception):
    """Everything waits, and nothing is left that could end the waiting."""


class _Turning(selectors.DefaultSelector):
    """Where the loop would sleep, it turns the clock instead."""

    loop: "TurnedLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.owed():
            ready = super().select(GUARD)
            if not ready:
                raise StuckError("a thread did not answer")
            return ready
        if timeout is None:
            raise StuckError("nothing is left to wait for")
        self.loop.turn(timeout)
        return ready


class TurnedLoop(asyncio.SelectorEventLoop):
    """See the module's docstring."""

    def __init__(self) -> None:
        self._turned = 0.0
        self._executing = 0
        self._debts: list[Callable[[], bool]] = []
        selector = _Turning()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-6  # one addition of floats must not cost a round

    def time(self) -> float:
        return self._turned

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self._turned += seconds

    def owed(self) -> bool:
        """Whether a thread has yet to answer."""
        return self._executing > 0 or any(owes() for owes in self._debts)

    def wait_for(self, owes: Callable[[], bool]) -> None:
        """Let the clock stand while this is true; its thread wakes the loop when it is not."""
        self._debts.append(owes)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        self._executing += 1
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._executed)
        return future

    async def shutdown_default_executor(self) -> None:
        self._executing += 1  # a thread joins the others, and then wakes the loop
        await super().shutdown_default_executor()
        self._executing -= 1

    def _executed(self, _: object) -> None:
        self._executing -= 1


class TurnedClock(Clock):
    """The daemon's clock on a turned loop; it can also be set, as after a machine's sleep."""

    def __init__(self, loop: TurnedLoop) -> None:
        super().__init__()
        self._loop = loop
        self._slept = 0.0

    def now(self) -> float:
        return START + self._slept + self._loop.time()

    def sleep_through(self, seconds: float) -> None:
        """The machine was suspended: time went by and no timer ran."""
        self._slept += seconds

    def set_by(self, seconds: float) -> None:
        """The machine's clock was set, and a process began that goes by it."""
        self._slept += seconds
        self.anchor += seconds


def turned() -> TurnedLoop:
    """The running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TurnedLoop)
    return loop
