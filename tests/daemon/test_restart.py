"""Killed at any moment and started again: one outcome each, sent once, none wrongly lost."""

import pytest

from probe.core.outcome import Outcome
from tests.daemon.house import House, a_way, some_settings
from tests.daemon.post import Fate

HOURLY = some_settings(a_way("north", "blue", interval=3600.0))
ONLY_WATCH = some_settings()


async def test_a_probe_that_was_journalled_and_never_sent_ends_as_unsent(house: House) -> None:
    await house.ready(HOURLY)
    house.dies_after("open_probe")
    await house.passes(4000)
    await house.kill()
    assert house.post.sent == []
    assert len(house.standings()) == 1

    await house.start(ONLY_WATCH)
    await house.passes(700)

    assert house.finals() == [Outcome.UNSENT]
    assert house.post.sent == []


@pytest.mark.parametrize("seconds", [5.0, None], ids=["it arrives", "it does not"])
async def test_killed_while_submitting_it_is_never_sent_again_and_arrival_decides(
    house: House, seconds: float | None
) -> None:
    house.post.plan = lambda *_: Fate(submitting=10.0, fast=True, seconds=seconds)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.kill()
    await house.passes(20)

    await house.start(ONLY_WATCH)
    await house.passes(700)

    assert house.finals() == [Outcome.DELIVERED if seconds else Outcome.UNSENT]
    assert len(house.post.sent) == 1


@pytest.mark.parametrize("away", [10.0, 300.0, 5000.0])
async def test_what_arrived_while_we_were_down_is_found_and_not_called_lost(
    house: House, away: float
) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(1)
    await house.kill()
    await house.passes(away)

    await house.start(ONLY_WATCH)
    await house.passes(120)

    assert house.events() == ["Accepted", "Sighted"]
    assert house.finals() == [Outcome.DELIVERED]
    verdict = house.standings()[0].verdict
    assert verdict.delivery_seconds == pytest.approx(5.0, abs=1.0)
    assert all(change.after.outcome is not Outcome.LOST for change, _ in house.told)


async def test_killed_between_a_sighting_and_its_bookmark_it_is_seen_once(house: House) -> None:
    await house.ready(HOURLY)
    await house.one_sent()
    house.dies_after("record", times=2)
    await house.passes(10)
    await house.kill()
    assert house.events() == ["Accepted", "Sighted"]

    await house.start(ONLY_WATCH)
    await house.passes(120)

    assert house.events() == ["Accepted", "Sighted"]
    assert house.standings()[0].verdict.sightings == 1


@pytest.mark.parametrize("blind", [False, True], ids=["watched", "blind"])
async def test_a_deadline_that_passed_while_we_were_down_waits_for_a_look(
    house: House, blind: bool
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(1)
    await house.kill()
    await house.passes(5000)
    if blind:
        house.post.boxes["blue"].lose()

    await house.start(ONLY_WATCH)
    assert house.finals() == []
    await house.passes(120)

    assert house.finals() == [Outcome.UNOBSERVED if blind else Outcome.LOST]


async def test_a_restart_after_the_end_changes_nothing(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(700)
    before = house.standings()
    await house.kill()

    await house.start(ONLY_WATCH)
    await house.passes(900)

    assert house.standings() == before
    assert house.events() == ["Accepted", "Expired"]


async def test_what_was_in_flight_is_in_flight_again(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=30.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(1)
    since = house.standings()[0].verdict.submitted_at
    await house.kill()

    await house.start(ONLY_WATCH)

    assert house.engine.live().in_flight == 1
    assert house.engine.live().oldest_in_flight_at == since
    await house.passes(60)
    assert house.engine.live().in_flight == 0


async def test_the_budget_outlives_a_restart(house: House) -> None:
    few = some_settings(a_way("north", "blue", 60.0), boxes=house.boxes(sends_per_day=5))
    await house.ready(few)
    await house.passes(1000)
    assert len(house.post.sent) == 5
    await house.kill()

    await house.ready(few)
    await house.passes(3600)

    assert len(house.post.sent) == 5


async def test_the_budget_also_counts_for_a_mailbox_that_a_reload_brings_back(
    house: House,
) -> None:
    few = some_settings(a_way("north", "blue", 60.0), boxes=house.boxes(sends_per_day=5))
    await house.ready(few)
    await house.passes(1000)
    await house.kill()
    await house.ready(some_settings(boxes={}))

    house.engine.reconfigure(few)
    await house.passes(3600)

    assert len(house.post.sent) == 5
