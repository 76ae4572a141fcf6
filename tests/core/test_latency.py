"""Delivery time: exact where we saw it come, estimated where we were not looking."""

import pytest

from probe.core.event import Event
from probe.core.facts import gather
from probe.core.latency import EXACT_GAP, delivery
from tests.makers import START, a_probe, accepted, seen, unconfirmed


def measured(*events: Event) -> tuple[float, bool]:
    found = delivery(gather(a_probe(), events))
    assert found is not None
    return round(found.seconds, 6), found.estimated


def test_a_pushed_message_is_exact() -> None:
    assert measured(accepted(), seen(2.25)) == (2.25, False)


def test_a_message_that_overtakes_its_accepting_reply_took_no_time() -> None:
    assert measured(accepted(), seen(-0.02)) == (0.0, False)


def test_a_small_gap_is_exact_and_a_large_one_is_not() -> None:
    assert measured(accepted(), seen(9.0, not_before=9.0 - EXACT_GAP)) == (9.0, False)
    assert measured(accepted(), seen(9.0, not_before=8.4))[1] is True


def test_a_message_found_right_after_acceptance_is_exact_though_nobody_had_looked_before() -> None:
    assert measured(accepted(), seen(0.4, not_before=None)) == (0.4, False)


def test_after_blindness_the_servers_clock_is_taken_and_corrected() -> None:
    found = seen(300.0, not_before=0.0, internal_date=START + 37.0, clock_offset=7.0)

    assert measured(accepted(), found) == (30.0, True)


@pytest.mark.parametrize(
    ("internal_date", "seconds"), [(START - 5000, 10.0), (START + 5000, 300.0), (None, 300.0)]
)
def test_an_estimate_stays_between_absent_and_found(
    internal_date: float | None, seconds: float
) -> None:
    found = seen(300.0, not_before=10.0, internal_date=internal_date)

    assert measured(accepted(), found) == (seconds, True)


def test_without_an_accepting_reply_the_time_is_counted_from_the_beginning_and_estimated() -> None:
    assert measured(unconfirmed(100), seen(2)) == (3.0, True)


def test_the_first_copy_counts() -> None:
    assert measured(accepted(), seen(50), seen(2)) == (2.0, False)


def test_without_a_sighting_or_a_submission_there_is_no_time() -> None:
    assert delivery(gather(a_probe(), [accepted()])) is None
    assert delivery(gather(a_probe(), [seen()])) is None
