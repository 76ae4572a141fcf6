"""Every outcome is reached, and the order in which facts come does not matter."""

from dataclasses import replace
from itertools import combinations, permutations

import pytest

from probe.core.event import Event, Expired
from probe.core.facts import IllegalEventError, check, gather
from probe.core.lifecycle import RULES, due, judge
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.probe import Verdict
from probe.mail.dsn import Action, Dsn, DsnRecipient
from tests.makers import (
    START,
    a_probe,
    accepted,
    bounce,
    expired,
    refused,
    seen,
    unconfirmed,
    unsent,
)

JUNK = Folder.JUNK
NO_REASON = "the notification gives no reason"
SILENT = Dsn((DsnRecipient("probe@blue.test", Action.FAILED),))
TERSE = Dsn((*SILENT.recipients, DsnRecipient("probe@blue.test", Action.FAILED, "5.1.1")))

LATER = START + 10_000

CASES: list[tuple[str, list[Event], Outcome | None, bool]] = [
    ("journalled only", [], None, False),
    ("in the inbox", [accepted(), seen(2)], Outcome.DELIVERED, True),
    ("before its accepting reply", [accepted(), seen(-0.01)], Outcome.DELIVERED, True),
    ("in junk", [accepted(), seen(2, JUNK)], Outcome.JUNKED, True),
    ("in junk, late", [accepted(), seen(90, JUNK)], Outcome.JUNKED, True),
    ("in both folders", [accepted(), seen(2), seen(3, JUNK)], Outcome.JUNKED, True),
    ("late", [accepted(), seen(61)], Outcome.DELAYED, True),
    ("twice, once in time", [accepted(), seen(2), seen(80)], Outcome.DELIVERED, True),
    ("refused", [refused()], Outcome.REFUSED, True),
    ("refused, yet there", [refused(), seen(2)], Outcome.DELIVERED, True),
    ("bounced", [accepted(), bounce()], Outcome.BOUNCED, True),
    ("delivered, then a bounce", [accepted(), seen(2), bounce()], Outcome.DELIVERED, True),
    ("a delay notice alone", [accepted(), bounce(5, Action.DELAYED)], Outcome.DELAYED, False),
    (
        "a success notice",
        [accepted(), bounce(5, Action.DELIVERED), seen(6)],
        Outcome.DELIVERED,
        True,
    ),
    ("lost", [accepted(), expired()], Outcome.LOST, True),
    ("lost, then there", [accepted(), expired(), seen(900)], Outcome.DELAYED, True),
    ("lost, then bounced", [accepted(), expired(), bounce(900)], Outcome.BOUNCED, True),
    ("we were blind", [accepted(), expired(watched=False)], Outcome.UNOBSERVED, True),
    ("blind, then there", [accepted(), expired(watched=False), seen(900)], Outcome.DELAYED, True),
    ("never confirmed, there", [unconfirmed(), seen(2)], Outcome.DELIVERED, True),
    ("never confirmed, not there", [unconfirmed(), expired()], Outcome.UNSENT, True),
    ("never confirmed, blind", [unconfirmed(), expired(watched=False)], Outcome.UNOBSERVED, True),
    ("never confirmed, bounced", [unconfirmed(), bounce()], Outcome.BOUNCED, True),
    ("unsent", [unsent()], Outcome.UNSENT, True),
    ("overdue", [accepted()], Outcome.DELAYED, False),
    ("seen before the submission ended", [seen(2)], None, False),
]


def judged(events: list[Event], now: float = LATER) -> Verdict:
    return judge(gather(a_probe(), events), now)


@pytest.mark.parametrize(
    ("events", "outcome", "final"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_the_facts_lead_to_the_outcome(
    events: list[Event], outcome: Outcome | None, final: bool
) -> None:
    verdict = judged(events)

    assert (verdict.outcome, verdict.final) == (outcome, final)


@pytest.mark.parametrize("events", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_the_order_of_the_facts_does_not_change_the_verdict(events: list[Event]) -> None:
    verdicts = {judged(list(order)) for order in permutations(events)}

    assert len(verdicts) == 1


def test_no_two_facts_of_all_kinds_depend_on_their_order() -> None:
    ends: list[Event] = [accepted(), refused(), unsent(), unconfirmed()]
    rest: list[Event] = [
        seen(2), seen(61), seen(3, JUNK), bounce(), bounce(7, Action.DELAYED),
        expired(), expired(602, watched=False),
    ]  # fmt: skip
    for end in ends:
        for number in range(4):
            for chosen in combinations(rest, number):
                verdicts = {judged([*order]) for order in permutations([end, *chosen])}
                assert len(verdicts) == 1, (end, chosen)


def test_every_outcome_and_every_rule_is_reached() -> None:
    assert {case[2] for case in CASES} >= set(Outcome)

    reached = set()
    for _, events, _, _ in CASES:
        for now in (START + 1, LATER):
            facts = gather(a_probe(), events)
            reached.add(next(rule.name for rule in RULES if rule.holds(facts, now)))
    assert reached == {rule.name for rule in RULES}


def test_a_probe_in_flight_is_overdue_only_after_its_time() -> None:
    before, after = judged([accepted()], START + 59.9), judged([accepted()], START + 60)

    assert (before.outcome, before.final) == (None, False)
    assert (after.outcome, after.final, after.at) == (Outcome.DELAYED, False, START + 60)


def test_the_verdicts_time_is_when_it_happened_and_not_when_we_noticed() -> None:
    assert judged([accepted(), seen(2)]).at == START + 2
    assert judged([accepted(), bounce(5)]).at == START + 5
    assert judged([accepted(), expired(650)]).at == START + 600
    assert judged([refused(1)]).at == START + 1


def test_the_deadline_is_first_the_delayed_and_then_the_lost_time() -> None:
    facts = gather(a_probe(), [accepted()])

    assert due(facts, START + 1) == START + 60
    assert due(facts, START + 60) == START + 600


@pytest.mark.parametrize("fact", [seen(2), bounce(), expired(), expired(watched=False)])
def test_what_was_heard_of_has_no_deadline(fact: Event) -> None:
    assert due(gather(a_probe(), [accepted(), fact]), START + 5) is None


@pytest.mark.parametrize("end", [refused(), unsent()])
def test_what_was_not_handed_over_has_no_deadline(end: Event) -> None:
    assert due(gather(a_probe(), [end]), START + 5) is None


def test_a_submission_that_is_not_over_has_no_deadline() -> None:
    assert due(gather(a_probe(), []), LATER) is None


@pytest.mark.parametrize("second", [accepted(), refused(), unsent(), unconfirmed()])
def test_a_submission_ends_once(second: Event) -> None:
    with pytest.raises(IllegalEventError, match="cannot follow in phase submitted"):
        check(gather(a_probe(), [accepted()]), second)


def test_two_ends_in_the_journal_are_not_judged() -> None:
    with pytest.raises(IllegalEventError, match="ended twice"):
        gather(a_probe(), [accepted(), unsent(1)])


def test_nothing_expires_before_it_was_submitted() -> None:
    with pytest.raises(IllegalEventError, match="Expired"):
        check(gather(a_probe(), []), expired())


def test_the_better_witness_of_two_looks_is_believed() -> None:
    blind, watched = expired(601, watched=False), expired(700)

    assert judged([accepted(), blind, watched]).outcome is Outcome.LOST


def test_the_detail_says_what_a_person_wants_to_read_first() -> None:
    assert judged([refused()]).detail == "550 5.1.1 recipient rejected"
    assert judged([accepted(), bounce()]).detail == "550 5.1.1 no such user"
    assert judged([accepted(), replace(bounce(), dsn=SILENT)]).detail == NO_REASON
    assert judged([accepted(), replace(bounce(), dsn=TERSE)]).detail == "status 5.1.1"
    assert judged([unsent()]).detail == "connection refused"
    assert judged([accepted(), Expired(LATER, watched=False, detail="blind")]).detail == "blind"
    assert judged([accepted(), seen(2)]).detail == ""


def test_copies_are_counted() -> None:
    assert judged([accepted(), seen(2), seen(3)]).sightings == 2
