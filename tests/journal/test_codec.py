"""Whatever a server says can be written down and read again."""

import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.core.event import (
    Accepted,
    Cause,
    Event,
    Expired,
    Line,
    Notified,
    Refused,
    Sighted,
    Speaker,
    Unconfirmed,
    Unsent,
)
from probe.core.mailbox import Folder
from probe.journal.codec import KINDS, decode, encode
from probe.journal.store import Store
from probe.mail.dsn import Action, Dsn, DsnRecipient
from probe.mail.reply import Reply, Stage
from tests.journal.helpers import history
from tests.makers import START, a_probe, accepted

FROM_THE_WIRE = st.binary(max_size=200).map(lambda octets: octets.decode("utf-8", "replace"))
TEXT = FROM_THE_WIRE | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
TIME = st.floats(0, 4e9)
SECONDS = st.floats(-1e6, 1e6)
REPLY = st.builds(Reply, st.integers(200, 599), TEXT)
TIMINGS = st.dictionaries(st.sampled_from(Stage), SECONDS)
TRANSCRIPT = st.lists(st.builds(Line, SECONDS, st.sampled_from(Speaker), TEXT), max_size=4).map(
    tuple
)
STAGE, CAUSE, FOLDER = (st.sampled_from(kind) for kind in (Stage, Cause, Folder))
RECIPIENT = st.builds(
    DsnRecipient,
    TEXT,
    st.none() | st.sampled_from(Action),
    st.none() | TEXT,
    st.none() | TEXT,
    st.none() | TEXT,
)
DSN = st.builds(
    Dsn, st.lists(RECIPIENT, max_size=3).map(tuple), st.none() | TEXT, st.none() | TEXT
)
EVENTS: dict[type[Event], st.SearchStrategy[Event]] = {
    Accepted: st.builds(Accepted, TIME, REPLY, TIMINGS, TRANSCRIPT, st.booleans()),
    Refused: st.builds(Refused, TIME, STAGE, REPLY, TIMINGS, TRANSCRIPT),
    Unsent: st.builds(Unsent, TIME, STAGE, CAUSE, TEXT, TIMINGS, TRANSCRIPT),
    Unconfirmed: st.builds(Unconfirmed, TIME, CAUSE, TEXT, TIMINGS, TRANSCRIPT),
    Sighted: st.builds(
        Sighted, TIME, FOLDER, st.none() | TIME, st.none() | TIME, st.none() | SECONDS, TEXT
    ),
    Notified: st.builds(Notified, TIME, DSN, TEXT),
    Expired: st.builds(Expired, TIME, st.booleans(), TEXT),
}

FULL: list[Event] = [
    Accepted(
        START,
        Reply(250, "2.0.0 Ok:\n queued as 4F2B81C0DE"),
        {Stage.CONNECT: 0.1, Stage.DATA: 0.2},
        (Line(0.0, Speaker.NOTE, "TLS 1.3"), Line(0.1, Speaker.SERVER, "250 \ufffd")),
        reused=True,
    ),
    Refused(START, Stage.DATA, Reply(554, "5.7.1 no"), {Stage.AUTH: 1.5}, ()),
    Unsent(START, Stage.TLS, Cause.TLS, "certificate expired", {Stage.TLS: 0.1}, ()),
    Unconfirmed(START, Cause.TIMEOUT, "no reply", {Stage.DATA: 300.0}, ()),
    Sighted(START, Folder.JUNK, START - 1, START - 0.5, -3.25, "Subject: x\r\n\r\n"),
    Notified(
        START,
        Dsn((DsnRecipient("a@b.test", Action.DELAYED, "4.4.1", "wait", "mx"),), "mta", "<id>"),
        "raw",
    ),
    Expired(START, watched=False, detail="connection refused"),
]


def read_again(event: Event) -> Event:
    kind, _, fact = encode(event)
    return decode(kind, fact)


def test_every_kind_of_event_is_known_by_its_name() -> None:
    assert {kind.__name__.lower(): kind for kind in EVENTS} == KINDS


@pytest.mark.parametrize("event", FULL, ids=lambda event: type(event).__name__)
def test_an_event_with_all_fields_set_comes_back_whole(event: Event) -> None:
    assert read_again(event) == event
    assert encode(event)[1] == START


def test_the_full_events_leave_no_field_at_its_default() -> None:
    """Or a field that is never written would go unnoticed above."""
    for event in FULL:
        for field in fields(event):
            if field.name not in {"transcript", "watched"}:
                assert getattr(event, field.name) != field.default, (event, field.name)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_whatever_comes_from_the_wire_comes_back_as_it_was(kind: type[Event]) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(EVENTS[kind])
    def comes_back(event: Event) -> None:
        assert read_again(event) == event

    comes_back()


@given(st.text(st.characters(categories=["Cs", "L", "Cc"]), max_size=30))
def test_a_lone_surrogate_becomes_the_replacement_character(text: str) -> None:
    clean = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert read_again(Refused(START, Stage.DATA, Reply(550, text))) == Refused(
        START, Stage.DATA, Reply(550, clean)
    )
    deep = Notified(START, Dsn((DsnRecipient(text, Action.FAILED),), text), text)
    recipients = (DsnRecipient(clean, Action.FAILED),)
    assert read_again(deep) == Notified(START, Dsn(recipients, clean), clean)


@pytest.mark.parametrize(
    "text", ["nul \0 within", "\ud800 alone", "x" * 100_000, "\0" * 1000, "\U0010ffff\u2028'\"\\"]
)
async def test_strange_text_reaches_the_file_and_the_verdict(
    store: Store, path: Path, text: str
) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    await store.record(probe.id, Refused(START, Stage.DATA, Reply(550, text)), START)
    found = history(path, probe.id)
    assert found is not None
    (event,) = found.events
    assert isinstance(event, Refused)
    assert event.reply.text == text.replace("\ud800", "\ufffd")
    assert found.verdict.detail == str(event.reply)


async def test_a_fact_without_a_time_is_not_written(store: Store, path: Path) -> None:
    probe = a_probe()
    await store.open_probe(probe)
    with pytest.raises(sqlite3.IntegrityError, match=r"events\.at"):
        await store.record(probe.id, Sighted(float("nan"), Folder.INBOX, None), START)
    await store.record(probe.id, accepted(), START)
    found = history(path, probe.id)
    assert found is not None
    assert found.events == (accepted(),)
