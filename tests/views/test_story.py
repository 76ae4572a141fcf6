"""A probe told to a person."""

import pytest

from probe.core.event import (
    Cause,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Unconfirmed,
    Unsent,
)
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.probe import Verdict
from probe.journal.records import History
from probe.mail.dsn import Action, Dsn, DsnRecipient
from probe.mail.reply import Reply, Stage
from probe.views.matrix import Level
from probe.views.story import STAGES, Fact, level, sentence, timeline
from tests.views.world import NOW, accepted, make_probe

PROBE = make_probe(1, planned_at=NOW - 1)


def told(outcome: Outcome | None, seconds: float | None = None, **more: bool) -> str:
    verdict = Verdict(
        outcome,
        final=more.get("final", True),
        at=NOW,
        submitted_at=NOW,
        delivery_seconds=seconds,
        estimated=more.get("estimated", False),
    )
    return sentence(PROBE, verdict, NOW + 12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (told(Outcome.DELIVERED, 1.25), "It arrived in the inbox after 1.2 s."),
        (
            told(Outcome.DELIVERED, 90, estimated=True),
            "It arrived in the inbox after about 1 min 30 s.",
        ),
        (told(Outcome.JUNKED, 2), "It arrived in the junk folder after 2.0 s."),
        (told(Outcome.DELAYED, 400), "It arrived late after 6 min 40 s; up to 5 min is on time."),
        (told(Outcome.DELAYED, final=False), "It is late: not seen after 5 min."),
        (
            told(Outcome.LOST),
            "It was accepted, and in 1 h neither it nor a bounce was seen.",
        ),
        (told(None, final=False), "It is on its way for 12 s."),
    ],
)
def test_the_verdict_is_one_plain_sentence(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_sentence_and_level(outcome: Outcome) -> None:
    assert told(outcome).endswith(".")
    assert "{" not in told(outcome)
    assert level(Verdict(outcome, final=True, at=NOW)) in Level


def test_a_probe_not_yet_accepted_is_being_submitted() -> None:
    verdict = Verdict(None, final=False, at=NOW)
    assert sentence(PROBE, verdict, NOW) == "It is being submitted."
    assert level(verdict) is Level.UNKNOWN


def facts(*events: Event) -> list[Fact]:
    return timeline(History(PROBE, Verdict(None, final=False, at=NOW), events))


def test_the_timeline_is_in_order_of_time_whatever_was_recorded_first() -> None:
    found = facts(Sighted(NOW + 1, Folder.INBOX, NOW + 0.9), accepted(NOW))
    assert [fact.title for fact in found] == [
        "Planned and written to the journal",
        "Accepted by the sender's server",
        "Seen in the inbox folder",
    ]


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_is_an_activity(stage: Stage) -> None:
    assert STAGES[stage]


DSN = Dsn((DsnRecipient("x@y.example", Action.FAILED, "5.1.1", "no such user"),), "mta.example")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            Refused(NOW, Stage.ENVELOPE, Reply(550, "5.1.1 no\nmore")),
            Fact(
                NOW,
                "Refused while naming sender and recipient",
                "550 5.1.1 no / more",
                Level.BAD,
            ),
        ),
        (
            Unsent(NOW, Stage.TLS, Cause.TLS, "expired"),
            Fact(NOW, "Not sent: it ended while setting up TLS (tls)", "expired", Level.BAD),
        ),
        (
            Unconfirmed(NOW, Cause.TIMEOUT, "no reply in 30 s"),
            Fact(
                NOW,
                "Handed over, but no reply came (timeout): accepted or not is unknown",
                "no reply in 30 s",
                Level.WARN,
            ),
        ),
        (
            Sighted(NOW, Folder.JUNK, NOW - 95),
            Fact(NOW, "Seen in the junk folder", "not there 1 min 35 s before", Level.BAD),
        ),
        (
            Sighted(NOW, Folder.INBOX, None),
            Fact(NOW, "Seen in the inbox folder", "found by the first look into this folder"),
        ),
        (
            Notified(NOW, DSN),
            Fact(
                NOW,
                "A notification came: failed",
                "5.1.1 no such user; reported by mta.example",
                Level.BAD,
            ),
        ),
        (
            Expired(NOW, watched=True),
            Fact(
                NOW, "Time is up: every watched folder was read, and it is in none", "", Level.BAD
            ),
        ),
        (
            Expired(NOW, watched=False, detail="login refused"),
            Fact(
                NOW,
                "Time is up, and the mailbox could not be searched",
                "login refused",
                Level.UNKNOWN,
            ),
        ),
    ],
)
def test_each_fact_is_told_with_the_words_that_were_said(event: Event, expected: Fact) -> None:
    assert facts(event)[1] == expected
