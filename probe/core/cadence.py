"""When each route fires: spread over its interval, jittered, and the same after a restart.

The times of a route are a pure function of its name. Turn number ``k`` of a route fires at

    k * interval + phase + jitter(k)        0 <= phase < interval,  0 <= jitter < interval / 10

with phase and jitter taken from a digest of the route (and of ``k``). So routes do not fire in
step, there is no burst at start, a restart neither repeats a turn nor shifts the pattern, and
no server can learn to expect us on the minute.
"""

import hashlib
from dataclasses import dataclass
from math import floor

from probe.core.mailbox import Route

JITTER = 0.1
"""Share of the interval. Enough to leave any other job's rhythm, and little enough that an
interval still means what it says."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One firing of one route."""

    number: int
    at: float


def next_turn(route: Route, after: float) -> Turn:
    """The first turn strictly after a moment (seconds since 1970)."""
    phase = _share(route, "phase") * route.interval
    number = floor((after - phase) / route.interval) - 1
    while (at := _at(route, phase, number)) <= after:
        number += 1
    return Turn(number, at)


def _at(route: Route, phase: float, number: int) -> float:
    jitter = _share(route, str(number)) * JITTER * route.interval
    return number * route.interval + phase + jitter


def _share(route: Route, salt: str) -> float:
    """A number in [0, 1) that looks random and is always the same for the same words."""
    words = f"{route.sender}\0{route.recipient}\0{salt}".encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=7).digest(), "big") / 2**56
