"""When routes are fired."""

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import Callable

import pytest

from probe.core.mailbox import Route
from probe.daemon.scheduler import Scheduler
from tests.daemon.house import a_way
from tests.daemon.turned import TurnedClock

MANY = 25_000


class Fired:
    """What was fired, and when."""

    def __init__(self, clock: TurnedClock) -> None:
        self.turns: list[tuple[float, Route]] = []
        self.clock = clock
        self.scheduler = Scheduler(self._fire, clock.now)

    def _fire(self, route: Route) -> None:
        self.turns.append((self.clock.now(), route))

    async def runs(self, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.scheduler.run())
            await asyncio.sleep(seconds / 2)
            meanwhile()
            await asyncio.sleep(seconds / 2)
            task.cancel()


@pytest.fixture
def fired(clock: TurnedClock) -> Fired:
    return Fired(clock)


def routes(number: int, interval: float = 300.0) -> list[Route]:
    return [a_way(f"s{n}", f"r{n}", interval) for n in range(number)]


async def test_turns_are_spread_over_the_interval_with_no_burst_at_the_start(
    fired: Fired,
) -> None:
    fired.scheduler.replace(routes(3000))
    began = fired.clock.now()
    await fired.runs(600)

    per_second = Counter(int(at - began) for at, _ in fired.turns)
    # Ten a second on average; by chance alone thirty in one second does not happen.
    assert max(per_second.values()) < 30
    assert len(per_second) > 590


async def test_each_route_is_fired_once_in_each_interval(fired: Fired) -> None:
    fired.scheduler.replace(routes(200))
    await fired.runs(3000)

    counts = Counter(route for _, route in fired.turns)
    assert len(counts) == 200
    assert set(counts.values()) <= {9, 10, 11}


async def test_turns_missed_while_the_machine_slept_are_not_made_up_for(fired: Fired) -> None:
    fired.scheduler.replace(routes(200))
    await fired.runs(600, lambda: fired.clock.sleep_through(8 * 3600.0))

    # Two intervals were awake; of what came due at the waking, at most 30 s' worth is fired.
    assert max(Counter(route for _, route in fired.turns).values()) <= 4
    assert fired.scheduler.skipped > 100


async def test_a_reload_does_not_lose_a_turn_that_is_due(fired: Fired) -> None:
    one = routes(1, interval=60.0)
    fired.scheduler.replace(one)
    at = fired.scheduler._heap[0][0]
    fired.clock.sleep_through(at - fired.clock.now() + 0.001)

    fired.scheduler.replace([*one, *routes(3)[1:]])
    await fired.runs(2)

    assert [route for _, route in fired.turns].count(one[0]) == 1


async def test_a_route_that_goes_is_not_fired_any_more(fired: Fired) -> None:
    fired.scheduler.replace(routes(2, interval=10.0))
    await fired.runs(600, lambda: fired.scheduler.replace(routes(1, interval=10.0)))

    counts = Counter(route.sender for _, route in fired.turns)
    assert counts["s0"] > 1.8 * counts["s1"]


async def test_no_routes_are_no_trouble(fired: Fired) -> None:
    await fired.runs(3600)

    assert fired.turns == []
    assert fired.clock.now() - fired.scheduler.pulse.turn().last_turn <= 5.0


async def test_many_routes_cost_a_few_megabytes(clock: TurnedClock) -> None:
    many = routes(MANY)
    tracemalloc.start()
    try:
        scheduler = Scheduler(lambda _route: None, clock.now)
        scheduler.replace(many)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # A pair of 56 octets, its float, and the list's slot: about 120 octets for each route.
    assert kept < MANY * 160
    assert peak < MANY * 600
