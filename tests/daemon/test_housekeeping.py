"""What is removed, when, and what is asked only once."""

from dataclasses import replace
from itertools import pairwise

from probe.config.settings import Retention
from probe.core.mailbox import Folder
from probe.core.observation import Remove, Tidy
from probe.core.outcome import Outcome
from tests.daemon.house import House, a_way, some_settings
from tests.daemon.post import Fate
from tests.daemon.turned import turned

SHORT = Retention(mail=600.0, delivered=1200.0, others=7200.0)
HOURLY = some_settings(a_way("north", "blue", 3600.0), retention=SHORT)


def removals(house: House, name: str = "blue") -> list[Remove]:
    return [e for e in house.post.boxes[name].errands if isinstance(e, Remove)]


async def test_our_mail_is_removed_after_its_retention_and_not_before(house: House) -> None:
    house.post.plan = lambda *_: Fate(copies=2, folder=Folder.JUNK)
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(590)
    assert len(house.post.boxes["blue"].folders[Folder.JUNK]) == 2

    await house.passes(60)

    assert house.post.boxes["blue"].folders[Folder.JUNK] == []
    assert await house.store.stale_copies(house.clock.now()) == {}


async def test_others_mail_is_never_asked_to_be_removed(house: House) -> None:
    await house.ready(HOURLY)
    house.post.boxes["blue"].put(b"Subject: a person's\r\n\r\n")
    await house.one_sent()
    await house.passes(3000)

    assert {ref.uid for errand in removals(house) for ref in errand.refs} == {2}
    assert len(house.post.boxes["blue"].folders[Folder.INBOX]) == 1


async def test_what_a_server_does_not_let_us_remove_is_asked_once(house: House) -> None:
    house.post.boxes["blue"].held = True
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(3000)

    assert len(removals(house)) == 1
    assert house.engine.live().oddities.kept == 1


async def test_a_blind_mailbox_is_asked_when_it_can_be_seen_again(house: House) -> None:
    await house.ready(HOURLY)
    await house.one_sent()
    await house.passes(5)
    house.post.boxes["blue"].lose()
    await house.passes(3000)
    assert removals(house) == []

    house.post.boxes["blue"].mend()
    await house.passes(120)

    assert len(removals(house)) == 1
    assert house.post.boxes["blue"].folders[Folder.INBOX] == []


async def test_leftovers_are_looked_for_as_often_as_mail_is_kept(house: House) -> None:
    await house.ready(some_settings(retention=SHORT))
    await house.passes(1900)

    tidied = [e for e in house.post.boxes["green"].errands if isinstance(e, Tidy)]
    assert len(tidied) == 4
    gaps = [b.sent_before - a.sent_before for a, b in pairwise(tidied)]
    assert all(600 <= gap <= 630 for gap in gaps)


async def test_failures_are_kept_longer_than_deliveries(house: House) -> None:
    fates = iter([Fate(), Fate(seconds=None)])
    house.post.plan = lambda *_: next(fates, Fate())
    await house.ready(HOURLY)
    await house.one_sent()
    await house.one_sent()
    house.engine.reconfigure(some_settings(retention=SHORT))
    await house.passes(700)
    assert house.outcomes() == [Outcome.LOST]

    turned().turn(7200)
    await house.passes(60)

    assert house.outcomes() == []


async def test_a_probe_in_flight_is_never_forgotten(house: House) -> None:
    house.post.plan = lambda *_: Fate(seconds=None)
    hasty = replace(HOURLY, retention=Retention(mail=60.0, delivered=60.0, others=60.0))
    await house.ready(hasty)
    await house.one_sent()
    await house.passes(500)

    assert house.outcomes() == [Outcome.DELAYED]


async def test_a_reload_changes_how_long_things_are_kept(house: House) -> None:
    await house.ready(some_settings(a_way("north", "blue", 3600.0)))
    await house.one_sent()
    await house.passes(700)
    assert len(house.post.boxes["blue"].folders[Folder.INBOX]) == 1

    house.engine.reconfigure(some_settings(retention=SHORT))
    await house.passes(60)

    assert house.post.boxes["blue"].folders[Folder.INBOX] == []
