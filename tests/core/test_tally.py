"""Counters count each probe once, and revisions apart."""

from itertools import pairwise

from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.probe import Verdict
from probe.core.tally import DELIVERY_BUCKETS, Change, Delivery, Tallies, count
from tests.makers import START, a_probe

PAIR = ("northmail", "bluepost")
FLYING = Verdict(None, final=False, at=START)
OVERDUE = Verdict(Outcome.DELAYED, final=False, at=START + 60)
LOST = Verdict(Outcome.LOST, final=True, at=START + 600)
LATE = Verdict(Outcome.DELAYED, True, START + 700, START, 700.0, folder=Folder.INBOX)
FAST = Verdict(Outcome.DELIVERED, True, START + 2, START, 2.0, folder=Folder.INBOX)
GUESSED = Verdict(Outcome.DELIVERED, True, START + 2, START, 2.0, estimated=True)


def counted(*verdicts: Verdict) -> Tallies:
    tallies = Tallies()
    for before, after in pairwise(verdicts):
        count(tallies, Change(a_probe(), before, after))
    return tallies


def test_a_probe_is_counted_when_it_is_concluded() -> None:
    assert counted(FLYING, OVERDUE).concluded == {}
    assert counted(FLYING, OVERDUE, LATE).concluded == {(PAIR, Outcome.DELAYED): 1}


def test_a_revision_is_counted_apart_so_that_counters_only_rise() -> None:
    tallies = counted(FLYING, LOST, LATE)

    assert tallies.concluded == {(PAIR, Outcome.LOST): 1}
    assert tallies.revised == {(PAIR, Outcome.LOST, Outcome.DELAYED): 1}


def test_a_delivery_time_is_observed_once() -> None:
    twice = Verdict(Outcome.DELIVERED, True, START + 2, START, 2.0, sightings=2)

    assert sum(counted(FLYING, FAST, twice).delivery[PAIR].counts) == 1


def test_the_late_arrival_of_a_lost_probe_is_observed() -> None:
    assert counted(FLYING, LOST, LATE).delivery[PAIR].total_seconds == 700.0


def test_an_estimate_is_not_observed() -> None:
    assert counted(FLYING, GUESSED).delivery == {}


def test_buckets_hold_their_upper_bound() -> None:
    delivery = Delivery()
    for bound in DELIVERY_BUCKETS:
        delivery.observe(bound)
    delivery.observe(1e9)

    assert delivery.counts == [1] * (len(DELIVERY_BUCKETS) + 1)
