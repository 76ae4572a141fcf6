"""The record of one submission, on a clock of the test's own."""

from probe.config.secret import Secret
from probe.core.event import Accepted, Cause, Refused, Unconfirmed, Unsent
from probe.mail.reply import Stage
from probe.transport.smtp.exchange import Exchange
from tests.transport.smtp.harness import mailbox


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def begun(clock: Clock, password: str = "secret enough") -> Exchange:
    made = Exchange(clock, lambda: 1_750_000_000.0)
    made.begin(mailbox(25, password=Secret(password)).smtp.endpoint)
    return made


def test_time_spent_in_a_stage_adds_up() -> None:
    clock = Clock()
    exchange = begun(clock)
    for seconds in (1.0, 0.5):
        with exchange.timed(Stage.CONNECT):
            clock.time += seconds
    event = exchange.refused(554, "no")
    assert isinstance(event, Refused)
    assert event.stage is Stage.CONNECT
    assert event.timings == {Stage.CONNECT: 1.5}


def test_offsets_count_from_the_beginning() -> None:
    clock = Clock()
    exchange = begun(clock)
    clock.time += 0.25
    exchange.note("a remark")
    assert exchange.accepted(250, "ok").transcript[0].offset == 0.25


def test_an_end_without_a_reply_is_unconfirmed_only_after_the_hand_over() -> None:
    exchange = begun(Clock())
    assert isinstance(exchange.ended(Cause.TIMEOUT, "late"), Unsent)
    exchange.handed_over = True
    assert isinstance(exchange.ended(Cause.TIMEOUT, "late"), Unconfirmed)


def test_an_event_does_not_change_when_the_exchange_goes_on() -> None:
    exchange = begun(Clock())
    event = exchange.accepted(250, "ok")
    exchange.said("QUIT")
    with exchange.timed(Stage.DATA):
        pass
    assert isinstance(event, Accepted)
    assert event.transcript == ()
    assert event.timings == {}


def test_a_long_line_and_a_long_reply_are_cut() -> None:
    event = begun(Clock()).refused(550, "x" * 10_000)
    assert len(event.reply.text) == 4000
    exchange = begun(Clock())
    exchange.heard(550, "x" * 10_000)
    (line,) = exchange.refused(550, "no").transcript
    assert len(line.text) == 500
    assert line.text.endswith("…")


def test_a_password_too_short_to_mask_does_not_eat_the_words() -> None:
    exchange = begun(Clock(), password="ok")
    assert exchange.reply(250, "2.0.0 ok").text == "2.0.0 ok"
