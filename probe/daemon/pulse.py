"""Heartbeats of the loops: ``/healthz`` fails when one stops."""

from collections.abc import Callable

from probe.core.live import LoopTurn


class Pulse:
    """One loop's heartbeat. The loop calls ``beat`` each time it comes round."""

    def __init__(self, name: str, silence_limit: float, now: Callable[[], float]) -> None:
        self.name = name
        self.silence_limit = silence_limit
        self._now = now
        self._last = now()

    def beat(self, resting: float = 0.0) -> None:
        """The loop came round, and will be silent for so many seconds on purpose."""
        self._last = self._now() + resting

    def turn(self) -> LoopTurn:
        """As the views see it."""
        return LoopTurn(self.name, self._last, self.silence_limit)
