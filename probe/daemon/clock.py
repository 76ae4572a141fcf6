"""The one module that asks the time."""

import time


class Clock:
    """Seconds since 1970, UTC, that never jump.

    Anchored to the wall once, then driven by the monotonic clock: setting the machine's clock
    while probes fly changes no delivery time and lets no deadline run out. A restart anchors
    anew.
    """

    def __init__(self) -> None:
        self._anchor = time.time() - time.monotonic()  # noqa: TID251 - here it is asked

    def now(self) -> float:
        """The present moment."""
        return self._anchor + time.monotonic()

    @property
    def drift(self) -> float:
        """By how many seconds the machine's clock was set (or slewed) away from ours."""
        return time.time() - self.now()  # noqa: TID251 - here it is asked
