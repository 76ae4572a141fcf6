"""When junk is looked at."""

import pytest

from probe.transport.imap.schedule import junk_due

POLL = 60.0


def test_while_something_is_expected_the_gaps_double_up_to_a_minute() -> None:
    looks, last = [], 0.0
    for _ in range(8):
        last = junk_due(last, 0.0, POLL)
        looks.append(last)
    assert looks == [3, 6, 12, 24, 48, 96, 156, 216]


def test_a_look_long_before_the_expectation_does_not_count() -> None:
    assert junk_due(900.0, 1000.0, POLL) == 1003.0


@pytest.mark.parametrize(("poll", "due"), [(60.0, 400.0), (10.0, 150.0)])
def test_with_nothing_expected_it_is_every_fifth_poll(poll: float, due: float) -> None:
    assert junk_due(100.0, None, poll) == due


def test_an_expectation_never_makes_it_later() -> None:
    assert junk_due(100.0, 1000.0, 1.0) == 105.0
