"""A mailbox's sends in 24 hours."""

from probe.core.budget import DAY, Budget

HOUR = 3600.0


def test_it_gives_what_it_has_and_no_more() -> None:
    budget = Budget(limit=3)

    assert [budget.take(HOUR) for _ in range(4)] == [True, True, True, False]


def test_sends_of_a_day_ago_no_longer_count() -> None:
    budget = Budget(limit=1)
    budget.take(0)

    assert not budget.take(DAY)  # counted by whole hours: never too few
    assert budget.take(DAY + HOUR)


def test_what_was_sent_before_a_restart_counts() -> None:
    budget = Budget(limit=5)
    budget.add(HOUR, 4)

    assert budget.spent(2 * HOUR) == 4
    assert [budget.take(2 * HOUR) for _ in range(2)] == [True, False]


def test_it_remembers_no_more_than_it_needs() -> None:
    budget = Budget(limit=10**9)
    for hour in range(1000):
        budget.take(hour * HOUR)

    assert budget.spent(1000 * HOUR) == 24
