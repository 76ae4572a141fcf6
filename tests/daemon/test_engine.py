"""All loops together: beginning, heartbeats, and a loud end."""

import asyncio

import pytest

from probe.core.observation import WatchCause
from probe.core.outcome import Outcome
from tests.daemon.house import ALONE, House, a_way, some_settings
from tests.daemon.post import Fate
from tests.daemon.turned import turned


async def test_a_probe_goes_round(house: House) -> None:
    await house.ready()
    await house.passes(130)

    assert house.finals()[:2] == [Outcome.DELIVERED, Outcome.DELIVERED]
    assert house.events() == ["Accepted", "Sighted"]


async def test_the_first_probe_waits_until_every_mailbox_was_tried(house: House) -> None:
    house.post.boxes["green"].slow = 10.0
    await house.start(some_settings(a_way("north", "blue", 1.0)))
    await house.passes(9)
    assert not house.engine.live().ready
    assert house.post.sent == []

    await house.passes(4)

    assert house.engine.live().ready
    assert house.post.sent != []


async def test_a_server_that_does_not_answer_holds_up_the_first_probe_for_so_long_only(
    house: House,
) -> None:
    house.post.boxes["green"].slow = 1e6
    await house.start(some_settings(a_way("north", "blue", 1.0)))
    await house.passes(35)

    assert house.engine.live().ready
    assert house.post.sent != []


async def test_a_refused_login_holds_up_nothing(house: House) -> None:
    house.post.boxes["green"].lose(WatchCause.CREDENTIALS)
    await house.start(ALONE)
    await house.passes(1)

    assert house.engine.live().ready


async def test_an_unexpected_error_in_the_wire_ends_the_daemon_loudly(house: House) -> None:
    await house.ready()
    house.post.boxes["green"].crash = ZeroDivisionError("a bug of ours")
    house.post.boxes["green"].news.set()

    with pytest.raises(ExceptionGroup) as caught:
        await house.passes(1)
    assert caught.group_contains(ZeroDivisionError, match="a bug of ours")


async def test_an_unexpected_error_in_a_submission_ends_the_daemon_loudly(house: House) -> None:
    await house.ready()
    house.post.plan = lambda sender, recipient: {"": Fate()}[sender]

    with pytest.raises(ExceptionGroup) as caught:
        await house.passes(100)
    assert caught.group_contains(KeyError)


@pytest.mark.parametrize("name", ["correlator", "deadlines", "housekeeping", "scheduler"])
async def test_every_loop_has_a_heartbeat(house: House, name: str) -> None:
    await house.ready()
    await house.passes(3600)

    live = house.engine.live()
    turns = {loop.name: loop for loop in live.loops}
    assert not turns[name].stopped(live.now)
    assert not turns["watcher"].stopped(live.now)


async def test_a_loop_that_hangs_is_seen_to_have_stopped(house: House) -> None:
    await house.ready()
    await house.passes(10)
    stuck = asyncio.Event()
    house.engine._deadlines.turn = stuck.wait  # type: ignore[assignment, method-assign]
    await house.passes(60)

    live = house.engine.live()
    assert {loop.name for loop in live.loops if loop.stopped(live.now)} == {"deadlines"}


async def test_one_watcher_that_hangs_is_seen_among_many(house: House) -> None:
    house.post.boxes["green"].slow = 1e6
    await house.ready()
    await house.passes(900)

    live = house.engine.live()
    assert {loop.name for loop in live.loops if loop.stopped(live.now)} == {"watcher"}


async def test_a_watcher_that_rests_has_not_stopped(house: House) -> None:
    house.post.boxes["green"].lose(WatchCause.CREDENTIALS)
    await house.ready()
    await house.passes(890)

    live = house.engine.live()
    assert not any(loop.stopped(live.now) for loop in live.loops)


async def test_in_flight_counts_what_is_waited_for(house: House) -> None:
    await house.ready()
    await house.one_sent()
    assert house.engine.live().in_flight == 1
    await house.passes(10)

    assert house.engine.live().in_flight == 0
    assert house.engine.live().oldest_in_flight_at is None
    assert turned().time() > 0
