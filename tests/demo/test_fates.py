"""Which message meets which rule."""

from collections.abc import Callable
from typing import Any

import pytest

from probe.demo.fates import AT_LOGIN, AT_SUBMISSION, IN_TRANSIT, Case, Fate, Fates, Rule, Step

PROVIDER_OF = {"northmail.test": "northmail", "harbor.test": "harbor"}
CASE = Case("a@northmail.test", "b@harbor.test")


class Turned:
    """A clock that one can turn."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def fates(clock: Callable[[], float]) -> Fates:
    return Fates(PROVIDER_OF, clock)


def chosen(fates: Fates, case: Case = CASE) -> Fate | None:
    active = fates.choose(IN_TRANSIT, case)
    return active.rule.fate if active else None


def test_every_fate_strikes_somewhere_and_only_once() -> None:
    groups = (AT_SUBMISSION, AT_LOGIN, IN_TRANSIT)
    assert frozenset().union(*groups) == frozenset(Fate)
    assert sum(map(len, groups)) == len(Fate)


def test_without_a_rule_everything_goes_its_usual_course(fates: Fates) -> None:
    assert chosen(fates) is None


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({}, True),
        ({"from_provider": "northmail"}, True),
        ({"from_provider": "harbor"}, False),
        ({"to_provider": "harbor"}, True),
        ({"to_provider": "northmail"}, False),
        ({"from_address": "a@northmail.test"}, True),
        ({"from_address": "b@northmail.test"}, False),
        ({"to_address": "b@harbor.test"}, True),
        ({"to_address": "a@harbor.test"}, False),
        ({"from_provider": "northmail", "to_address": "b@harbor.test"}, True),
        ({"from_provider": "northmail", "to_provider": "northmail"}, False),
    ],
)
def test_a_rule_is_for_the_messages_that_all_its_filters_match(
    fates: Fates,
    filters: dict[str, Any],
    matches: bool,
) -> None:
    fates.set(Rule(fate=Fate.DROP, **filters))
    assert chosen(fates) == (Fate.DROP if matches else None)


def test_an_unknown_domain_belongs_to_no_provider(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.DROP, to_provider="harbor"))
    assert chosen(fates, Case("a@northmail.test", "b@elsewhere.test")) is None


def test_the_rule_set_last_goes_first_and_the_older_one_after_it_is_lifted(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.DROP))
    newer = fates.set(Rule(fate=Fate.JUNK, to_provider="harbor"))
    assert chosen(fates) is Fate.JUNK
    newer.lift()
    assert chosen(fates) is Fate.DROP


def test_deliver_is_an_exception_to_a_wider_rule(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.BOUNCE, to_provider="harbor"))
    fates.set(Rule(fate=Fate.DELIVER, to_address="b@harbor.test"))
    assert chosen(fates) is None
    assert chosen(fates, Case("a@northmail.test", "a@harbor.test")) is Fate.BOUNCE


def test_a_rule_with_a_count_strikes_so_often_and_never_again(fates: Fates) -> None:
    active = fates.set(Rule(fate=Fate.DROP, count=2))
    assert [chosen(fates) for _ in range(4)] == [Fate.DROP, Fate.DROP, None, None]
    assert active.struck == 2


def test_a_rule_for_every_third_message_spares_the_two_before(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.DROP, every=3))
    struck = [chosen(fates) is Fate.DROP for _ in range(6)]
    assert struck == [False, False, True, False, False, True]


def test_a_message_that_a_rule_spares_meets_the_next_one(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.JUNK))
    fates.set(Rule(fate=Fate.DROP, every=2))
    assert [chosen(fates) for _ in range(2)] == [Fate.JUNK, Fate.DROP]


def test_a_rule_with_an_end_does_not_strike_from_then_on(fates: Fates, clock: Turned) -> None:
    fates.set(Rule(fate=Fate.DROP, until=160.0))
    clock.now = 159.9
    assert chosen(fates) is Fate.DROP
    clock.now = 160.0
    assert chosen(fates) is None


def test_a_submission_rule_strikes_only_at_its_step(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.REFUSE, at=Step.RCPT))
    for step in Step:
        case = Case("a@northmail.test", "b@harbor.test", step)
        assert bool(fates.choose(AT_SUBMISSION, case)) == (step is Step.RCPT)


def test_a_rule_of_one_place_does_not_strike_in_another(fates: Fates) -> None:
    fates.set(Rule(fate=Fate.DROP))
    assert fates.choose(AT_SUBMISSION, CASE) is None
    assert fates.choose(AT_LOGIN, CASE) is None


def test_lifting_twice_is_lifting_once(fates: Fates) -> None:
    first = fates.set(Rule(fate=Fate.DROP))
    second = fates.set(Rule(fate=Fate.DROP))
    first.lift()
    first.lift()
    assert list(fates.active) == [second]
    fates.lift_all()
    assert not fates.active
    assert second.lifted.is_set()


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"fate": Fate.BOUNCE, "reply": "no"}, "not an SMTP error reply"),
        ({"fate": Fate.BOUNCE, "reply": "250 2.0.0 fine"}, "not an SMTP error reply"),
        ({"fate": Fate.BOUNCE, "reply": "550 5.1.1 a\r\n250 b"}, "not an SMTP error reply"),
        ({"fate": Fate.BOUNCE, "reply": "550 5.1.1 " + "x" * 600}, "not an SMTP error reply"),
        ({"fate": Fate.DROP, "every": 0}, "every begins at 1"),
        ({"fate": Fate.DELAY, "seconds": -1.0}, "every begins at 1, seconds at 0"),
        ({"fate": Fate.HANG, "at": Step.GREETING, "to_provider": "harbor"}, "to_provider: not kn"),
        ({"fate": Fate.HANG, "at": Step.AUTH, "from_address": "a@x"}, "from_address: not known"),
        ({"fate": Fate.REFUSE, "at": Step.MAIL, "to_address": "a@x"}, "to_address: not known"),
    ],
)
def test_a_rule_that_could_never_strike_as_meant_is_refused(
    terms: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Rule(**terms)
