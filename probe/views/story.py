"""A probe told to a person: its verdict in a sentence, and its facts in order."""

from dataclasses import dataclass
from typing import assert_never

from probe.core.event import (
    Accepted,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Unconfirmed,
    Unsent,
)
from probe.core.outcome import Outcome
from probe.core.probe import Probe, Verdict
from probe.journal.records import History
from probe.mail.reply import Stage
from probe.views.matrix import LEVELS, Level
from probe.views.wording import duration

STAGES = {
    Stage.RESOLVE: "looking up the server's name",
    Stage.CONNECT: "connecting",
    Stage.TLS: "setting up TLS",
    Stage.AUTH: "logging in",
    Stage.ENVELOPE: "naming sender and recipient",
    Stage.DATA: "handing over the message",
}
"""Each stage of a submission as an activity."""

PUSHED = 1.0
"""Seconds between two looks up to which a sighting counts as seen at once."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the timeline."""

    at: float
    title: str
    text: str = ""
    """Words of a server, or ours where there was none."""
    level: Level = Level.OK


def level(verdict: Verdict) -> Level:
    """How a verdict is coloured."""
    return LEVELS[verdict.outcome] if verdict.outcome else Level.UNKNOWN


_SENTENCES = {
    Outcome.DELIVERED: "It arrived in the inbox{took}.",
    Outcome.JUNKED: "It arrived in the junk folder{took}.",
    Outcome.DELAYED: "It arrived late{took}; up to {delayed_after} is on time.",
    Outcome.REFUSED: "A server turned it down while it was being submitted.",
    Outcome.BOUNCED: "It was accepted, and later a bounce came back.",
    Outcome.LOST: "It was accepted, and in {lost_after} neither it nor a bounce was seen.",
    Outcome.UNSENT: "It could not be handed over to the sender's server.",
    Outcome.UNOBSERVED: "We were not looking, so what became of it is not known.",
}
_OVERDUE = "It is late: not seen after {delayed_after}."


def sentence(probe: Probe, verdict: Verdict, now: float) -> str:
    """Tell the verdict; its ``detail`` is shown apart, for strangers wrote it."""
    if verdict.outcome is None:
        return _in_flight(verdict, now)
    overdue = verdict.outcome is Outcome.DELAYED and verdict.delivery_seconds is None
    template = _OVERDUE if overdue else _SENTENCES[verdict.outcome]
    return template.format(
        took=_took(verdict),
        delayed_after=duration(probe.delayed_after),
        lost_after=duration(probe.lost_after),
    )


def timeline(history: History) -> list[Fact]:
    """All facts by the time they happened, after the plan."""
    planned = Fact(history.probe.planned_at, "Planned and written to the journal")
    return sorted([planned, *map(_fact, history.events)], key=lambda fact: fact.at)


def _took(verdict: Verdict) -> str:
    if verdict.delivery_seconds is None:
        return ""
    about = "about " if verdict.estimated else ""
    return f" after {about}{duration(verdict.delivery_seconds)}"


def _in_flight(verdict: Verdict, now: float) -> str:
    if verdict.submitted_at is None:
        return "It is being submitted."
    return f"It is on its way for {duration(max(0.0, now - verdict.submitted_at))}."


def _fact(event: Event) -> Fact:  # noqa: PLR0911 - one for each kind of event
    match event:
        case Accepted():
            return Fact(event.at, "Accepted by the sender's server", str(event.reply))
        case Refused():
            title = f"Refused while {STAGES[event.stage]}"
            return Fact(event.at, title, str(event.reply), Level.BAD)
        case Unsent():
            title = f"Not sent: it ended while {STAGES[event.stage]} ({event.cause})"
            return Fact(event.at, title, event.detail, Level.BAD)
        case Unconfirmed():
            title = f"Handed over, but no reply came ({event.cause}): accepted or not is unknown"
            return Fact(event.at, title, event.detail, Level.WARN)
        case Sighted():
            shown = Level.OK if event.folder == "inbox" else Level.BAD
            return Fact(event.at, f"Seen in the {event.folder} folder", _found(event), shown)
        case Notified():
            return Fact(
                event.at, f"A notification came: {event.dsn.action}", _said(event), Level.BAD
            )
        case Expired():
            return _expired(event)
        case _:
            assert_never(event)


def _found(event: Sighted) -> str:
    if event.not_before is None:
        return "found by the first look into this folder"
    gap = event.at - event.not_before
    if gap <= PUSHED:
        return ""
    return f"not there {duration(gap)} before"


def _said(event: Notified) -> str:
    said = [
        " ".join(filter(None, [recipient.status, recipient.diagnostic]))
        for recipient in event.dsn.recipients
    ]
    by = [f"reported by {event.dsn.reporting_mta}"] if event.dsn.reporting_mta else []
    return "; ".join([*filter(None, said), *by])


def _expired(event: Expired) -> Fact:
    if event.watched:
        title = "Time is up: every watched folder was read, and it is in none"
        return Fact(event.at, title, event.detail, Level.BAD)
    title = "Time is up, and the mailbox could not be searched"
    return Fact(event.at, title, event.detail, Level.UNKNOWN)
