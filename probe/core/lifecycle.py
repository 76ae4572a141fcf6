"""Everything that decides how a probe stands lives here.

A verdict is computed from the facts of one probe and the present moment, and from nothing
else. ``RULES`` is read from the top: the first rule that holds names the outcome. The facts
do not know in which order they came (see probe.core.facts), so neither does the verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass

from probe.core.event import Accepted, Notified, Refused, Unconfirmed, Unsent
from probe.core.facts import Facts
from probe.core.latency import delivery
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.probe import Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    name: str
    outcome: Outcome | None
    final: bool
    holds: Callable[[Facts, float], bool]
    at: Callable[[Facts, float], float]


def _submitted_at(facts: Facts, now: float) -> float:
    return facts.submitted_at if facts.submitted_at is not None else now


def _seen_at(facts: Facts, now: float) -> float:
    return facts.sightings[0].at if facts.sightings else now


def _bounced_at(facts: Facts, now: float) -> float:
    return facts.failures[0].at if facts.failures else now


def _lost_at(facts: Facts, now: float) -> float:
    return facts.lost_at if facts.lost_at is not None else now


def _delayed_at(facts: Facts, now: float) -> float:
    return facts.delayed_at if facts.delayed_at is not None else now


def _late(facts: Facts) -> bool:
    measured = delivery(facts)
    return measured is not None and measured.seconds > facts.probe.delayed_after


def _junked(facts: Facts, _now: float) -> bool:
    return any(sighting.folder is Folder.JUNK for sighting in facts.sightings)


def _lost(facts: Facts, _now: float) -> bool:
    watched = facts.expired is not None and facts.expired.watched
    return watched and isinstance(facts.submission, Accepted)


RULES = (
    # Nothing is said before the submission has ended, since every time is counted from there.
    Rule(
        "submitting",
        None,
        False,
        lambda f, _: f.submission is None,
        lambda f, _: f.probe.planned_at,
    ),
    # That it is there outweighs whatever else was said of it.
    Rule("seen in junk", Outcome.JUNKED, True, _junked, _seen_at),
    Rule(
        "seen late", Outcome.DELAYED, True, lambda f, _: bool(f.sightings) and _late(f), _seen_at
    ),
    Rule("seen in the inbox", Outcome.DELIVERED, True, lambda f, _: bool(f.sightings), _seen_at),
    # A refusal is the first word of the server that we spoke to; a DSN may only repeat it.
    Rule(
        "refused",
        Outcome.REFUSED,
        True,
        lambda f, _: isinstance(f.submission, Refused),
        _submitted_at,
    ),
    Rule("bounced", Outcome.BOUNCED, True, lambda f, _: bool(f.failures), _bounced_at),
    Rule(
        "unsent",
        Outcome.UNSENT,
        True,
        lambda f, _: isinstance(f.submission, Unsent),
        _submitted_at,
    ),
    # Lost is said only of what a server took responsibility for, and only if we looked.
    Rule("lost", Outcome.LOST, True, _lost, _lost_at),
    Rule(
        "expired unseen",
        Outcome.UNOBSERVED,
        True,
        lambda f, _: f.expired is not None and not f.expired.watched,
        _lost_at,
    ),
    # Not confirmed and never seen: nobody ever took responsibility for it.
    Rule("never confirmed", Outcome.UNSENT, True, lambda f, _: f.expired is not None, _lost_at),
    Rule(
        "overdue",
        Outcome.DELAYED,
        False,
        lambda f, now: now >= _delayed_at(f, now + 1),
        _delayed_at,
    ),
    Rule("in flight", None, False, lambda _f, _now: True, _submitted_at),
)


def judge(facts: Facts, now: float) -> Verdict:
    """How the probe stands at ``now``."""
    rule = next(rule for rule in RULES if rule.holds(facts, now))
    arrived = delivery(facts) if facts.sightings else None
    return Verdict(
        outcome=rule.outcome,
        final=rule.final,
        at=rule.at(facts, now),
        submitted_at=facts.submitted_at,
        delivery_seconds=arrived.seconds if arrived else None,
        estimated=arrived.estimated if arrived else False,
        folder=_placed(facts),
        sightings=len(facts.sightings),
        detail=_detail(facts, rule),
    )


def due(facts: Facts, now: float) -> float | None:
    """When the probe must be looked at again: the deadline that is written beside it."""
    if not facts.in_flight or facts.delayed_at is None:
        return None
    return facts.delayed_at if now < facts.delayed_at else facts.lost_at


def _placed(facts: Facts) -> Folder | None:
    if not facts.sightings:
        return None
    return Folder.JUNK if _junked(facts, 0.0) else facts.sightings[0].folder


def _detail(facts: Facts, rule: Rule) -> str:
    """The words that a person wants to read first."""
    if rule.outcome is Outcome.BOUNCED:
        return _diagnostic(facts.failures[0])
    if isinstance(facts.submission, Refused):
        return str(facts.submission.reply)
    if facts.expired and facts.expired.detail and rule.outcome is Outcome.UNOBSERVED:
        return facts.expired.detail
    if isinstance(facts.submission, Unsent | Unconfirmed):
        return facts.submission.detail
    return ""


def _diagnostic(notice: Notified) -> str:
    for recipient in notice.dsn.recipients:
        if recipient.diagnostic or recipient.status:
            return recipient.diagnostic or f"status {recipient.status}"
    return "the notification gives no reason"
