"""Budgets, queues, and one slow server beside the others."""

import pytest

from probe.core.mailbox import Mailbox
from probe.core.outcome import Outcome
from probe.daemon import sender
from tests.daemon.house import House, a_box, a_way, some_settings
from tests.daemon.post import Fate
from tests.daemon.turned import turned


async def test_a_mailbox_sends_no_more_in_a_day_than_its_budget(house: House) -> None:
    settings = some_settings(a_way("north", "blue", 120.0), boxes=house.boxes(sends_per_day=20))
    await house.ready(settings)
    await house.passes(3800)
    assert len(house.post.sent) == 20
    assert house.engine.live().oddities.unfired >= 10
    first = house.post.sent[0].at

    turned().turn(first + 86400 - 600 - house.clock.now())
    await house.passes(590)
    assert len(house.post.sent) == 20

    turned().turn(3600)
    await house.passes(600)
    times = [sent.at for sent in house.post.sent]
    assert len(times) > 20
    assert all(sum(at <= t < at + 86400 for t in times) <= 20 for at in times)


async def test_more_than_a_queue_full_is_not_sent_and_counted(house: House) -> None:
    house.post.plan = lambda *_: Fate(submitting=100.0)
    await house.ready(some_settings(a_way("north", "blue", 1.0)))
    await house.passes(1000)

    assert len(house.post.sent) <= 11
    assert house.engine.live().oddities.unfired >= 900 - sender.MAX_QUEUED - 11


async def test_one_mailbox_hands_over_one_message_at_a_time(house: House) -> None:
    house.post.plan = lambda *_: Fate(submitting=3.0)
    await house.ready(some_settings(a_way("north", "blue", 2.0), a_way("north", "green", 2.0)))
    await house.passes(100)

    assert house.post.most_under_way == 1


async def test_a_provider_that_hangs_does_not_hold_up_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_AT_ONCE", 2)
    hanging = ("north", "south")
    house.post.plan = lambda name, _: Fate(submitting=1e5 if name in hanging else 0.2)
    await house.ready(
        some_settings(
            *(a_way(s, r, 30.0) for s, r in [("north", "blue"), ("south", "blue")]),
            a_way("green", "blue", 30.0),
        )
    )
    await house.passes(600)

    assert house.post.under_way == 2
    assert len(house.post.of("green")) >= 18


async def test_no_more_than_so_many_are_under_way_at_one_provider(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_AT_ONCE", 1)
    house.post.plan = lambda *_: Fate(submitting=20.0)
    await house.ready(some_settings(a_way("north", "blue", 30.0), a_way("south", "blue", 30.0)))
    await house.passes(600)

    assert house.post.most_under_way == 1


async def test_a_message_names_its_route_and_no_probe_has_another_ones_token(
    house: House,
) -> None:
    await house.ready(some_settings(a_way("north", "blue", 10.0), a_way("south", "green", 10.0)))
    await house.passes(300)

    ids = [sent.probe for sent in house.post.sent]
    assert len(set(ids)) == len(ids) > 40
    assert all(
        f"To: <probe@{sent.recipient}.test>".encode() in sent.raw for sent in house.post.sent
    )


async def test_a_probe_belongs_to_the_recipients_client_or_else_the_senders(
    house: House,
) -> None:
    boxes = house.boxes()
    firm = Mailbox("north", "probe@north.test", "northmail", client="acme")
    north = a_box("north")
    boxes["north"] = type(north)(firm, north.smtp, north.imap, north.sends_per_day)
    await house.ready(some_settings(a_way("north", "blue", 10.0), boxes=boxes))
    await house.passes(30)

    assert {standing.probe.client for standing in house.standings()} == {"acme"}


# --- the end --------------------------------------------------------------------------------


async def test_a_stop_lets_submissions_end(house: House) -> None:
    house.post.plan = lambda *_: Fate(submitting=4.0)
    await house.ready(some_settings(a_way("north", "blue", 3600.0)))
    await house.one_sent()

    await house.stop()

    assert house.events() == ["Accepted"]


async def test_a_stop_ends_submissions_that_take_too_long_each_with_one_fact(
    house: House,
) -> None:
    house.post.plan = lambda *_: Fate(submitting=1e5)
    await house.ready(some_settings(a_way("north", "blue", 30.0), a_way("south", "blue", 30.0)))
    await house.passes(100)
    assert house.post.under_way == 2
    began = house.clock.now()

    await house.stop()

    assert house.clock.now() - began <= 10.0
    assert [house.events(number) for number in range(2)] == [["Unconfirmed"], ["Unconfirmed"]]


async def test_a_stop_ends_even_what_does_not_listen(house: House) -> None:
    house.post.deaf = True
    house.post.plan = lambda *_: Fate(submitting=1e5)
    await house.ready(some_settings(a_way("north", "blue", 3600.0)))
    await house.one_sent()
    began = house.clock.now()

    await house.stop()

    assert house.clock.now() - began <= 10.0
    assert house.events() == ["Unconfirmed"]


async def test_nothing_new_is_sent_while_we_stop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_AT_ONCE", 1)
    house.post.plan = lambda *_: Fate(submitting=4.0)
    await house.ready(some_settings(a_way("north", "blue", 2.0), a_way("south", "blue", 2.0)))
    await house.passes(60)
    sent = len(house.post.sent)

    await house.stop()

    assert len(house.post.sent) == sent
    assert all(standing.verdict.submitted_at for standing in house.standings())


async def test_a_stop_loses_nothing_that_the_next_start_needs(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=30.0)
    await house.ready(some_settings(a_way("north", "blue", 3600.0)))
    await house.one_sent()
    await house.stop()

    await house.start(some_settings())
    await house.passes(60)

    assert house.finals() == [Outcome.DELIVERED]
