"""A reload while everything runs: only what changed is touched."""

import pytest

from probe.config.settings import MailboxSettings
from probe.core.event import Refused
from probe.core.outcome import Outcome
from tests.daemon.house import House, a_box, a_way, some_settings
from tests.daemon.post import Fate

NORTH_BLUE = a_way("north", "blue", interval=30.0)
SOUTH_GREEN = a_way("south", "green", interval=30.0)


def without(house: House, *names: str) -> dict[str, MailboxSettings]:
    return {name: box for name, box in house.boxes().items() if name not in names}


async def test_an_unchanged_mailbox_keeps_its_login_and_a_changed_one_gets_a_new_one(
    house: House,
) -> None:
    await house.ready(some_settings())

    house.engine.reconfigure(
        some_settings(boxes=house.boxes() | {"blue": a_box("blue", poll=30.0)})
    )
    await house.passes(600)

    logins = {name: len(box.logins) for name, box in house.post.boxes.items()}
    assert logins == {"north": 1, "south": 1, "blue": 2, "green": 1}


async def test_a_removed_mailbox_is_not_watched_and_not_sent_from_any_more(
    house: House,
) -> None:
    await house.ready(some_settings(NORTH_BLUE, SOUTH_GREEN))
    await house.passes(100)

    house.engine.reconfigure(some_settings(SOUTH_GREEN, boxes=without(house, "north", "blue")))
    sent = len(house.post.of("north"))
    await house.passes(100)

    assert len(house.post.of("north")) == sent
    assert {watch.mailbox for watch in house.engine.live().watches} == {"south", "green"}
    assert len(house.post.of("south")) >= 5


async def test_a_probe_in_flight_to_a_removed_mailbox_ends_as_unobserved(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(some_settings(a_way("north", "blue", 3600.0)))
    await house.one_sent()
    await house.passes(5)

    house.engine.reconfigure(some_settings(boxes=without(house, "blue")))
    await house.passes(700)

    assert house.finals() == [Outcome.UNOBSERVED]
    assert "not in the config any more" in house.standings()[0].verdict.detail


@pytest.mark.parametrize("gone", ["north", "blue"])
@pytest.mark.parametrize("moment", ["journalled", "submitting", "recorded"])
async def test_a_mailbox_may_go_at_any_moment_of_a_submission(
    house: House, gone: str, moment: str
) -> None:
    house.post.plan = lambda *_: Fate(submitting=10.0, seconds=None)
    await house.ready(some_settings(NORTH_BLUE))
    smaller = some_settings(boxes=without(house, gone))
    if moment == "submitting":
        await house.one_sent()
        house.engine.reconfigure(smaller)
    else:
        work = "open_probe" if moment == "journalled" else "record"
        house.while_writing(work, lambda: house.engine.reconfigure(smaller))
    await house.passes(800)

    assert len(house.standings()) == 1
    assert len(house.finals()) == 1
    assert len(house.post.sent) <= 1
    assert house.engine.live().in_flight == 0
    assert sum(change.concluded for change, _ in house.told) == 1


async def test_a_removed_mailbox_that_was_never_tried_does_not_hold_up_the_first_probe(
    house: House,
) -> None:
    house.post.boxes["green"].slow = 1e6
    await house.start(some_settings(NORTH_BLUE))
    await house.passes(1)
    assert not house.engine.live().ready

    house.engine.reconfigure(some_settings(NORTH_BLUE, boxes=without(house, "green")))
    await house.passes(1)

    assert house.engine.live().ready


async def test_routes_that_stay_keep_their_turns(house: House) -> None:
    await house.ready(some_settings(NORTH_BLUE))
    for _ in range(60):
        house.engine.reconfigure(some_settings(NORTH_BLUE, SOUTH_GREEN))
        await house.passes(5)

    assert 9 <= len(house.post.of("north")) <= 11


async def test_a_refused_config_is_told_until_a_good_one_comes(house: House) -> None:
    await house.ready(some_settings(NORTH_BLUE))

    house.engine.refuse("config.yml:3:1: no")
    assert house.engine.live().config_error == "config.yml:3:1: no"
    await house.passes(100)
    assert len(house.post.of("north")) >= 3

    house.engine.reconfigure(some_settings(NORTH_BLUE))
    assert house.engine.live().config_error == ""


async def test_a_refusal_that_is_written_while_its_sender_goes_is_told_all_the_same(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(answer=Refused)
    await house.ready(some_settings(NORTH_BLUE))
    smaller = some_settings(boxes=without(house, "north"))
    house.while_writing("record", lambda: house.engine.reconfigure(smaller))
    await house.passes(60)

    assert house.finals() == [Outcome.REFUSED]
    assert [change.after.outcome for change, _ in house.told] == [Outcome.REFUSED]
    assert house.engine.live().in_flight == 0
