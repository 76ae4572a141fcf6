"""One time from start to end; and over a restart, the journal is put into the new one."""

import time

import pytest
from structlog.testing import capture_logs

from probe.core.event import Sighted
from probe.core.outcome import Outcome
from probe.daemon.clock import Clock
from probe.journal.reader import Reader
from tests.daemon.house import House, a_way, some_settings
from tests.daemon.post import Fate
from tests.daemon.turned import TurnedClock

HOUR = 3600.0
HOURLY = some_settings(a_way("north", "blue", interval=HOUR))
EVERY_MINUTE = some_settings(a_way("north", "blue"))
ONLY_WATCH = some_settings()


# --- the clock itself --------------------------------------------------------------------------


def test_setting_the_machines_clock_moves_ours_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before = clock.now()
    real = time.time  # noqa: TID251 - to set it
    monkeypatch.setattr(time, "time", lambda: real() - HOUR)

    assert 0 <= clock.now() - before < HOUR / 2
    assert clock.drift == pytest.approx(-HOUR, abs=60)


def test_it_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    before = clock.now()
    real = time.clock_gettime
    slept = {time.CLOCK_BOOTTIME: HOUR}  # and CLOCK_MONOTONIC stood still
    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + slept.get(which, 0.0))

    assert clock.now() - before >= HOUR


def test_two_processes_of_one_boot_have_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Clock(), Clock()
    assert first.boot == second.boot != ""
    assert second.anchor == pytest.approx(first.anchor, abs=0.05)
    real = time.time  # noqa: TID251 - to set it
    monkeypatch.setattr(time, "time", lambda: real() + HOUR)

    assert Clock().anchor - first.anchor == pytest.approx(HOUR, abs=0.05)


async def test_that_it_was_set_while_we_run_is_told_once(house: House, clock: TurnedClock) -> None:
    with capture_logs() as lines:
        await house.ready(ONLY_WATCH)
        clock.anchor -= HOUR  # ours stays, the machine's went on by an hour
        await house.passes(600)

    told = [line for line in lines if line["event"] == "clock.set"]
    assert [round(line["seconds"] / HOUR, 2) for line in told] == [1.0]


async def test_after_the_machine_slept_there_is_a_last_look_before_anything_is_said(
    house: House, clock: TurnedClock
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(100)
    clock.sleep_through(2 * HOUR)
    await house.passes(120)

    assert house.finals()[0] is Outcome.LOST  # looked for, and not there: not "unobserved"
    assert house.revisions() == []


# --- set between a stop and a start ------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
async def test_what_flies_while_the_clock_is_set_is_judged_by_how_long_it_took(
    house: House, clock: TurnedClock, hours: int
) -> None:
    house.post.plan = lambda *_: Fate(seconds=30.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(5)
    await house.kill()
    clock.set_by(hours * HOUR)
    await house.start(ONLY_WATCH)
    await house.passes(60)

    (standing,) = house.standings()
    assert standing.verdict.outcome is Outcome.DELIVERED
    assert standing.verdict.delivery_seconds == pytest.approx(30, abs=1)
    assert standing.verdict.estimated  # never in the histogram
    assert house.revisions() == []
    with Reader(house.journal) as reader:
        assert reader.tallies().delivery == {}


@pytest.mark.parametrize("hours", [1, -1])
async def test_what_never_arrives_is_lost_when_its_time_has_run_out_and_not_before(
    house: House, clock: TurnedClock, hours: int
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(100)  # of the 600 that it has
    await house.kill()
    clock.set_by(hours * HOUR)
    await house.start(ONLY_WATCH)

    await house.passes(480)
    assert house.finals() == []
    await house.passes(60)
    assert house.finals() == [Outcome.LOST]


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_probe_killed_before_its_submission_ended_is_not_given_up_at_once_either(
    house: House, clock: TurnedClock, hours: int
) -> None:
    house.post.plan = lambda *_: Fate(submitting=10.0, fast=True, seconds=90.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.kill()
    clock.set_by(hours * HOUR)
    await house.start(ONLY_WATCH)
    await house.passes(30)
    assert house.finals() == []

    await house.passes(700)
    assert house.outcomes()[0] in {Outcome.DELAYED, Outcome.UNSENT}


async def test_a_late_sighting_of_what_was_concluded_before_has_no_exact_time(
    house: House, clock: TurnedClock
) -> None:
    house.post.plan = lambda *_: Fate(seconds=1000.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(700)
    assert house.finals() == [Outcome.LOST]
    await house.kill()
    clock.set_by(-HOUR)
    await house.start(ONLY_WATCH)
    await house.passes(400)

    (standing,) = house.standings()
    assert standing.verdict.estimated
    assert isinstance(house.history(standing.probe.id).events[-1], Sighted)


async def test_set_back_a_route_still_says_what_came_of_its_newest_probe(
    house: House, clock: TurnedClock
) -> None:
    await house.ready(EVERY_MINUTE)
    await house.passes(200)
    await house.kill()
    clock.set_by(-HOUR)
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.start(EVERY_MINUTE)
    await house.passes(900)

    with Reader(house.journal) as reader:
        (route,) = reader.routes()
    assert route.outcome is Outcome.LOST


async def test_what_came_while_we_were_down_is_timed_by_the_servers_clock_as_it_was_measured(
    house: House, clock: TurnedClock
) -> None:
    await house.ready(EVERY_MINUTE)
    await house.passes(200)  # pushed, and so the server's clock is known
    house.post.plan = lambda *_: Fate(seconds=20.0)
    await house.one_sent()
    await house.passes(5)
    await house.kill()
    await house.passes(300)
    clock.set_by(-HOUR)
    await house.start(ONLY_WATCH)
    await house.passes(60)

    last = house.standings()[-1]
    assert last.verdict.outcome is Outcome.DELIVERED
    assert last.verdict.estimated
    assert last.verdict.delivery_seconds == pytest.approx(20, abs=2)
