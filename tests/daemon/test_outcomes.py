"""What the loops together make of what happens to a message."""

import pytest

from probe.core.event import Refused, Sighted, Unconfirmed
from probe.core.mailbox import Folder
from probe.core.observation import WatchCause
from probe.core.outcome import Outcome
from tests.daemon.house import ALONE, House, a_way, some_settings
from tests.daemon.letters import a_bounce, a_forgery, a_strangers, an_auto_reply
from tests.daemon.post import Fate
from tests.makers import a_probe, a_token

HOURLY = some_settings(a_way("north", "blue", interval=3600.0))
"""Rare enough that one probe ends before the next begins."""


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [
        (Fate(), Outcome.DELIVERED),
        (Fate(fast=True, seconds=0.05), Outcome.DELIVERED),
        (Fate(folder=Folder.JUNK), Outcome.JUNKED),
        (Fate(seconds=90.0), Outcome.DELAYED),
        (Fate(answer=Refused), Outcome.REFUSED),
        (Fate(seconds=None), Outcome.LOST),
        (Fate(answer=Unconfirmed), Outcome.DELIVERED),
        (Fate(answer=Unconfirmed, seconds=None), Outcome.UNSENT),
    ],
    ids=lambda value: str(value) if isinstance(value, Outcome) else "",
)
async def test_each_fate_has_its_outcome(house: House, fate: Fate, outcome: Outcome) -> None:
    house.post.plan = lambda *_: fate
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(700)

    assert house.outcomes() == [outcome]
    assert house.finals() == [outcome]


async def test_an_arrival_before_the_accepting_reply_is_measured_from_the_reply(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(fast=True, seconds=0.05, submitting=3.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(10)

    assert house.events() == ["Sighted", "Accepted"]
    verdict = house.standings()[0].verdict
    assert verdict.outcome is Outcome.DELIVERED
    assert verdict.delivery_seconds == 0.0


async def test_of_several_copies_the_first_counts_and_the_others_are_counted(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(copies=3)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(60)

    assert house.engine.live().oddities.duplicates == 2
    assert house.standings()[0].verdict.sightings == 3
    assert sum(change.concluded for change, _ in house.told) == 1


async def test_what_arrives_after_it_was_called_lost_is_delayed_after_all(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=1000.0)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(700)
    assert house.finals() == [Outcome.LOST]

    await house.passes(400)

    assert house.finals() == [Outcome.DELAYED]
    assert house.revisions() == [(Outcome.LOST, Outcome.DELAYED)]
    assert house.standings()[0].verdict.delivery_seconds == pytest.approx(1000.0)


async def test_a_bounce_in_the_senders_mailbox_ends_the_probe(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    probe = await house.one_sent()
    await house.passes(5)

    house.post.boxes["north"].put(a_bounce(house.token_of(probe)))
    await house.passes(1)

    assert house.finals() == [Outcome.BOUNCED]
    assert "5.1.1" in house.standings()[0].verdict.detail


async def test_a_bounce_anywhere_else_is_misplaced(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    probe = await house.one_sent()

    house.post.boxes["green"].put(a_bounce(house.token_of(probe)))
    await house.passes(5)

    assert house.outcomes() == [None]
    assert house.engine.live().oddities.misplaced == 1


async def test_our_message_in_a_mailbox_off_its_route_is_misplaced(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    probe = await house.one_sent()

    house.post.boxes["south"].put(house.message_of(probe))
    await house.passes(5)

    assert house.outcomes() == [None]
    assert house.engine.live().oddities.misplaced == 1


async def test_an_auto_reply_changes_nothing_and_is_remembered_to_be_tidied(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    probe = await house.one_sent()

    house.post.boxes["north"].put(an_auto_reply(house.token_of(probe)))
    await house.passes(5)

    assert house.outcomes() == [None]
    assert list(await house.store.stale_copies(house.clock.now() + 1)) == ["north"]


async def test_forged_and_foreign_tokens_are_counted_and_change_nothing(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    probe = await house.one_sent()

    house.post.boxes["blue"].put(a_forgery(house.token_of(probe)))
    house.post.boxes["blue"].put(a_strangers())
    house.post.boxes["blue"].put(b"Subject: none of ours\r\n\r\n")
    await house.passes(5)

    oddities = house.engine.live().oddities
    assert (oddities.forged, oddities.strangers) == (1, 1)
    assert house.outcomes() == [None]
    assert await house.store.stale_copies(house.clock.now() + 1) == {}


async def test_a_probe_that_no_journal_knows_is_counted(house: House) -> None:
    await house.ready(some_settings())

    token = a_token(a_probe(4711))
    house.post.boxes["blue"].put(f"X-Mailprobe-Token: {token}\r\n\r\n".encode())
    await house.passes(5)

    assert house.engine.live().oddities.unknown == 1
    assert house.standings() == []


async def test_an_old_probe_does_not_satisfy_a_new_one(house: House) -> None:
    fates = iter([Fate(), Fate(seconds=None)])
    house.post.plan = lambda *_: next(fates)
    await house.ready(HOURLY)
    first = await house.one_sent()
    await house.passes(4400)

    house.post.boxes["blue"].put(house.message_of(first))
    await house.passes(5)

    assert house.outcomes() == [Outcome.DELIVERED, Outcome.LOST]


# --- blindness ------------------------------------------------------------------------------


async def test_a_blind_mailbox_gives_unobserved_after_the_grace_and_never_lost(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    house.post.boxes["blue"].lose()
    await house.passes(650)
    assert house.finals() == []

    await house.passes(60)

    assert house.finals() == [Outcome.UNOBSERVED]
    assert "gone for the test" in house.standings()[0].verdict.detail


async def test_a_watcher_that_comes_back_within_the_grace_gives_the_true_verdict(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(595)
    house.post.boxes["blue"].lose(WatchCause.CLOSED)
    await house.passes(15)
    house.post.boxes["blue"].mend()
    await house.passes(60)

    assert house.finals() == [Outcome.LOST]


async def test_what_arrived_while_we_were_blind_is_found_and_its_time_is_an_estimate(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0)
    await house.ready(HOURLY)
    await house.one_sent()
    house.post.boxes["blue"].lose(WatchCause.CLOSED)
    await house.passes(300)
    house.post.boxes["blue"].mend()
    await house.passes(120)

    verdict = house.standings()[0].verdict
    assert verdict.outcome is Outcome.DELIVERED
    assert verdict.estimated
    assert verdict.delivery_seconds == pytest.approx(5.0, abs=1.0)
    assert all(change.observed_seconds is None for change, _ in house.told)


async def test_an_arrival_after_unobserved_is_told_as_what_it_is(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0)
    await house.ready(HOURLY)
    await house.one_sent()
    house.post.boxes["blue"].lose()
    await house.passes(900)
    assert house.finals() == [Outcome.UNOBSERVED]

    house.post.boxes["blue"].mend()
    await house.passes(120)

    assert house.finals() == [Outcome.DELIVERED]
    assert house.revisions() == [(Outcome.UNOBSERVED, Outcome.DELIVERED)]


@pytest.mark.parametrize(("junk", "outcome"), [("", Outcome.UNOBSERVED), ("absent", Outcome.LOST)])
async def test_without_the_junk_folder_lost_is_said_only_if_the_config_says_there_is_none(
    house: House, junk: str, outcome: Outcome
) -> None:
    house.post.boxes["blue"].junk = junk
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(720)

    assert house.finals() == [outcome]


async def test_lost_is_said_only_after_a_look_that_ended_after_the_deadline(
    house: House,
) -> None:
    house.post.boxes["blue"].pushes = False
    house.post.plan = lambda *_: Fate(seconds=599.5)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(700)

    # No push told of it: it was found by the look that the deadline asked for.
    assert house.finals() == [Outcome.DELAYED]
    assert all(change.after.outcome is not Outcome.LOST for change, _ in house.told)


async def test_one_empty_look_never_ends_a_probe_before_its_deadline(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    for _ in range(50):
        house.engine.watches.look("blue")
        await house.passes(10)

    assert house.finals() == []
    assert house.outcomes() == [Outcome.DELAYED]


async def test_overdue_is_said_at_the_delayed_after_time_and_is_not_final(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(59)
    assert house.outcomes() == [None]

    await house.passes(3)

    assert house.outcomes() == [Outcome.DELAYED]
    assert house.finals() == []
    assert house.engine.live().in_flight == 1


# --- one does not harm the others -----------------------------------------------------------


async def test_a_blind_mailbox_does_not_delay_the_others(house: House) -> None:
    house.post.boxes["blue"].lose(WatchCause.CREDENTIALS)
    await house.ready(some_settings(a_way("north", "blue", 30.0), a_way("south", "green", 30.0)))
    await house.passes(3600)

    times = house.deliveries("green")
    assert len(times) >= 110
    assert set(times) == {1.0}


async def test_a_slow_mailbox_does_not_delay_the_others(house: House) -> None:
    house.post.boxes["blue"].slow = 45.0
    house.post.plan = lambda sender, _: Fate(submitting=100.0 if sender == "north" else 0.2)
    await house.ready(some_settings(a_way("north", "blue", 30.0), a_way("south", "green", 30.0)))
    await house.passes(3600)

    times = house.deliveries("green")
    assert len(times) >= 110
    assert set(times) == {1.0}


async def test_what_was_measured_says_where_the_latency_is_exact(house: House) -> None:
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(5)

    sighted = house.history(house.standings()[0].probe.id).events[-1]
    assert isinstance(sighted, Sighted)
    assert sighted.not_before == sighted.at
    assert ALONE.routes
