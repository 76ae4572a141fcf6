"""A journal that cannot be written stops sending, and does not make us blind."""

import pytest

from probe.core.mailbox import Folder
from probe.core.observation import WatchCause
from probe.core.outcome import Outcome
from probe.daemon import correlator
from tests.daemon.house import ALONE, House, a_way, some_settings
from tests.daemon.post import Fate

OFTEN = some_settings(a_way("north", "blue", interval=10.0))


@pytest.fixture(params=[True, False], ids=["disk full", "read-only"])
def reads(request: pytest.FixtureRequest) -> bool:
    """Whether what is written can still be read."""
    return bool(request.param)


async def test_nothing_is_sent_that_was_not_journalled(house: House, reads: bool) -> None:
    await house.ready(OFTEN)
    await house.shut(reads=reads)
    await house.passes(300)

    assert house.post.sent == []
    assert house.engine.live().oddities.unfired > 0
    assert not house.engine.live().journal_writable


async def test_sending_goes_on_when_the_journal_can_be_written_again(
    house: House, reads: bool
) -> None:
    await house.ready(OFTEN)
    await house.shut(reads=reads)
    await house.passes(300)
    await house.reopen()
    await house.passes(60)

    assert len(house.post.sent) >= 4
    assert set(house.finals()) == {Outcome.DELIVERED}


async def test_what_is_seen_meanwhile_is_written_later(house: House, reads: bool) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.shut(reads=reads)
    await house.passes(120)
    assert house.events() == []

    await house.reopen()
    await house.passes(5)

    assert house.events() == ["Accepted", "Sighted"]
    assert house.outcomes()[0] is Outcome.DELIVERED
    measured = house.standings()[0].verdict.delivery_seconds
    assert measured is not None
    assert abs(measured - 5.0) < 0.01, "measured when it came, and not when it was written"


async def test_what_arrived_while_the_journal_was_shut_is_never_called_lost(
    house: House, reads: bool
) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.passes(1)
    await house.shut(reads=reads)
    await house.passes(900)
    await house.reopen()
    await house.passes(60)

    assert house.events() == ["Accepted", "Sighted"]
    assert [change.after.outcome for change, _ in house.told if change.concluded][:1] == [
        Outcome.DELIVERED
    ]


async def test_bookmarks_do_not_overtake_what_is_held(house: House, reads: bool) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.shut(reads=reads)
    await house.passes(30)
    await house.kill()
    assert house.events() == []

    await house.start(ALONE)
    await house.passes(30)

    assert house.events() == ["Unconfirmed", "Sighted"]
    assert house.outcomes()[0] is Outcome.DELIVERED


async def test_a_bookmark_that_cannot_be_written_is_written_when_it_can(
    house: House, reads: bool
) -> None:
    await house.ready(some_settings())
    await house.passes(5)
    house.post.boxes["blue"].put(b"Subject: a stranger's\r\n\r\n")
    await house.shut(reads=reads)
    house.post.boxes["blue"].put(b"Subject: another stranger's\r\n\r\n")
    await house.passes(120)
    await house.reopen()
    await house.passes(120)

    place = await house.store.place("blue")
    assert place.bookmarks[Folder.INBOX].uid == 2


async def test_a_watch_lost_while_the_journal_is_shut_is_taken_up_again(
    house: House, reads: bool
) -> None:
    house.post.plan = lambda *_: Fate(seconds=30.0, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.shut(reads=reads)
    house.post.boxes["blue"].lose(WatchCause.CLOSED)
    await house.passes(2)
    house.post.boxes["blue"].mend()
    await house.passes(120)
    await house.reopen()
    await house.passes(5)

    assert house.outcomes()[0] is Outcome.DELIVERED
    assert house.standings()[0].verdict.sightings == 1


async def test_expiries_do_not_pile_up_while_the_journal_is_shut(
    house: House, reads: bool
) -> None:
    house.post.plan = lambda *_: Fate(seconds=None, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.passes(1)
    await house.shut(reads=reads)
    await house.passes(3600)

    assert len(house.engine.correlator._held) <= 1
    await house.reopen()
    await house.passes(60)
    assert house.events() == ["Accepted", "Expired"]
    assert house.outcomes()[0] is Outcome.LOST


async def test_when_no_more_can_be_held_watchers_wait_and_nothing_is_forgotten(
    house: House, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlator, "MAX_HELD", 3)
    house.post.plan = lambda *_: Fate(seconds=20.0, submitting=0.01, copies=6)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.passes(1)
    await house.shut(reads=reads)
    await house.passes(300)
    assert len(house.engine.correlator._held) == 3

    await house.reopen()
    await house.passes(60)

    assert house.events() == ["Accepted", *["Sighted"] * 6]


async def test_what_is_held_is_written_before_a_stop(house: House, reads: bool) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.shut(reads=reads)
    await house.passes(20)
    await house.reopen()

    await house.stop()

    assert house.events() == ["Accepted", "Sighted"]


async def test_a_stop_does_not_wait_for_a_journal_that_stays_shut(
    house: House, reads: bool
) -> None:
    house.post.plan = lambda *_: Fate(seconds=5.0, submitting=0.01)
    await house.ready(OFTEN)
    await house.one_sent()
    await house.shut(reads=reads)
    await house.passes(20)
    before = house.clock.now()

    await house.stop()

    assert house.clock.now() - before <= 10.0
