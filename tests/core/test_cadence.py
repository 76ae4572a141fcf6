"""Routes fire spread out, jittered, and the same after a restart."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from probe.core.cadence import JITTER, next_turn
from probe.core.mailbox import Route
from tests.makers import START, a_route

intervals = st.floats(1.0, 86400.0)
moments = st.floats(0.0, 4e9)


def turns(route: Route, after: float, number: int) -> list[float]:
    found = []
    for _ in range(number):
        after = next_turn(route, after).at
        found.append(after)
    return found


@given(moments, intervals)
def test_the_next_turn_is_later_and_soon(after: float, interval: float) -> None:
    turn = next_turn(a_route(interval=interval), after)

    assert after < turn.at <= after + interval * (1 + JITTER) + 1e-3


@given(moments, intervals, st.floats(0, 1))
def test_a_restart_neither_repeats_nor_shifts_a_turn(
    after: float, interval: float, share: float
) -> None:
    route = a_route(interval=interval)
    first, second = turns(route, after, 2)

    # Restarted at any moment between the two, the next turn is the second one.
    assert next_turn(route, first + share * (second - first) * 0.999).at == second


def test_turns_keep_their_interval_and_are_jittered() -> None:
    gaps = [late - early for early, late in pairwise(turns(a_route(interval=60), START, 500))]

    assert 60 * (1 - JITTER) < min(gaps) < 57
    assert 63 < max(gaps) < 60 * (1 + JITTER)
    assert abs(sum(gaps) / len(gaps) - 60) < 0.1


def test_many_routes_do_not_start_in_a_burst() -> None:
    firsts = [next_turn(a_route(f"s{i}", "r", 60), START).at for i in range(6000)]
    per_second = [sum(START + n <= at < START + n + 1 for at in firsts) for n in range(1, 60)]

    # 100 a second on average; a burst would be hundreds above.
    assert max(per_second) < 160
    assert min(per_second) > 50


def test_numbers_rise_by_one() -> None:
    route = a_route(interval=30)
    first = next_turn(route, START)

    assert next_turn(route, first.at).number == first.number + 1
