"""Every scenario plays, and leaves the world as it found it."""

import asyncio
from collections.abc import Callable

import pytest

from probe.demo.fates import Fate
from probe.demo.ledger import What
from probe.demo.provider import Part
from probe.demo.scenarios import DEFAULT, SCENARIOS, Begin, Scenario, Silence, Stop, play
from probe.demo.world import World
from tests.demo.clients import send
from tests.demo.conftest import Box


class Stage:
    """Hears what is said, and lets time pass at once, or stops the play at a moment."""

    def __init__(self, until: float = float("inf")) -> None:
        self.said: list[str] = []
        self.slept = 0.0
        self.reached = asyncio.Event()
        self._until = until

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        if self.slept + seconds > self._until:
            self.reached.set()
            await asyncio.Event().wait()
        self.slept += seconds


def at_peace(world: World) -> bool:
    return not world.fates.active and all(
        p.smtp.open and p.imap.open and p.mx_open and not p.store.silent
        for p in world.providers.values()
    )


async def in_the_middle(world: World, scenario: Scenario, look: Callable[[], object]) -> None:
    """Play up to the trouble, look, and leave."""
    trouble = scenario.moments[1].at
    stage = Stage(until=trouble)
    async with asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(play(world, scenario, stage.said.append, sleep=stage.sleep))
        await stage.reached.wait()
        result = look()
        if asyncio.iscoroutine(result):
            await result
        playing.cancel()
    assert stage.said == [moment.say for moment in scenario.moments[:2]]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
async def test_it_says_every_sentence_in_order_and_ends_at_peace(
    world: World, scenario: Scenario
) -> None:
    stage = Stage()
    await play(world, scenario, stage.said.append, sleep=stage.sleep)
    assert stage.said == [moment.say for moment in scenario.moments]
    assert stage.slept == scenario.moments[-1].at
    assert at_peace(world)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
async def test_its_data_makes_sense(world: World, scenario: Scenario) -> None:
    times = [moment.at for moment in scenario.moments]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert times[-1] < scenario.length
    addresses = {settings.mailbox.address for settings in world.mailboxes}
    for moment in scenario.moments:
        for action in moment.actions:
            match action:
                case Begin(_, rule):
                    providers = {rule.from_provider, rule.to_provider} - {""}
                    assert {rule.from_address, rule.to_address} - {""} <= addresses
                case Stop(provider, _) | Silence(provider):
                    providers = {provider}
                case _:
                    continue
            assert providers <= world.providers.keys()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
async def test_there_is_trouble_in_the_middle_and_none_after_it_is_cancelled(
    world: World, scenario: Scenario
) -> None:
    async def look() -> None:
        assert not at_peace(world)

    await in_the_middle(world, scenario, look)
    assert at_peace(world)


async def test_the_default_bounces_mail_from_everybody_for_mailboxes_that_exist(
    world: World, box: Box
) -> None:
    async def look() -> None:
        for sender in ("northmail-a", "harbor-a", "bluepost-b"):
            sent = await send(box(sender), "a@bluepost.test")
            (returned,) = await world.ledger.until(What.RETURNED, sent)
            assert returned.detail.startswith("550 5.1.1 <a@bluepost.test>")
        sent = await send(box("bluepost-a"), "a@harbor.test")
        await world.ledger.until(What.STORED, sent)

    await in_the_middle(world, SCENARIOS[DEFAULT], look)
    await world.ledger.until(What.STORED, await send(box("harbor-a"), "a@bluepost.test"))


async def test_when_our_own_line_is_down_vendors_still_reach_each_other(world: World) -> None:
    async def look() -> None:
        for provider in world.providers.values():
            assert not provider.smtp.open
            assert not provider.imap.open
            assert provider.mx_open

    await in_the_middle(world, SCENARIOS["our-network"], look)


async def test_it_plays_again_and_again_when_asked_and_faster_when_asked(world: World) -> None:
    scenario, stage = SCENARIOS[DEFAULT], Stage()
    await play(world, scenario, stage.said.append, rounds=3, speed=10.0, sleep=stage.sleep)
    assert stage.said == [moment.say for moment in scenario.moments] * 3
    expected = (2 * scenario.length + scenario.moments[-1].at) / 10.0
    assert stage.slept == pytest.approx(expected)


async def test_without_end_it_plays_until_it_is_cancelled(world: World) -> None:
    scenario = SCENARIOS[DEFAULT]
    stage = Stage(until=scenario.length * 5)
    async with asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(
            play(world, scenario, stage.said.append, rounds=None, sleep=stage.sleep)
        )
        await stage.reached.wait()
        playing.cancel()
    assert len(stage.said) >= 5 * len(scenario.moments)
    assert at_peace(world)


def test_the_stories_cover_what_an_operator_must_tell_apart() -> None:
    fates = {
        action.rule.fate
        for scenario in SCENARIOS.values()
        for moment in scenario.moments
        for action in moment.actions
        if isinstance(action, Begin)
    }
    assert {Fate.BOUNCE, Fate.JUNK, Fate.DROP, Fate.DELAY, Fate.WRONG_PASSWORD} <= fates
    assert SCENARIOS["outage"].moments[1].actions == (Stop("harbor"),)
    assert Stop("harbor", (Part.SMTP, Part.IMAP)) in SCENARIOS["our-network"].moments[1].actions
