"""The one module that asks the time."""

import time
from contextlib import suppress
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Made by the kernel when it starts; all processes until the next start see the same."""

READINGS = 5
"""Two clocks cannot be read at once, and between the two readings the machine may do something
else. Of so many tries, the one with the shortest way between them is taken."""


class Clock:
    """Seconds since 1970, UTC, that never jump.

    Anchored to the wall once, then driven by a clock that nobody sets: setting the machine's
    clock while probes fly changes no delivery time and lets no deadline run out. While the
    machine sleeps it goes on, as the mail does. A restart anchors anew; what the journal then
    must know is told by ``boot`` and ``anchor``.
    """

    def __init__(self) -> None:
        self.anchor = _wall_minus_steady()
        """This clock minus the machine's steady one. The same for all processes since the
        machine's start, unless its clock was set between them."""
        self.boot = _boot()
        """The machine's start, to which ``anchor`` belongs; empty if it cannot be told."""

    def now(self) -> float:
        """The present moment."""
        return self.anchor + _steady()

    @property
    def drift(self) -> float:
        """By how many seconds the machine's clock was set away from ours."""
        return _wall_minus_steady() - self.anchor


def _steady() -> float:
    """Seconds since the machine's start; nobody can set it (clock_gettime(2))."""
    # Not CLOCK_MONOTONIC, which stands still while the machine sleeps.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _wall_minus_steady() -> float:
    return min(_reading() for _ in range(READINGS))[1]


def _reading() -> tuple[float, float]:
    """How long it took to read both clocks, and their difference."""
    before = _steady()
    wall = time.time()  # noqa: TID251 - here it is asked
    after = _steady()
    return after - before, wall - (before + after) / 2


def _boot() -> str:
    with suppress(OSError):
        return _BOOT_ID.read_text().strip()
    return ""
