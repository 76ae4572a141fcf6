"""Whatever happens in whatever order: one outcome each, sent once, and the counts agree."""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.core.event import Accepted, Refused, Unconfirmed
from probe.core.mailbox import Folder
from probe.core.observation import WatchCause
from probe.core.outcome import Outcome
from probe.journal.reader import Reader
from tests.daemon.house import House, a_way, some_settings
from tests.daemon.post import Fate
from tests.daemon.turned import TurnedClock, TurnedLoop, turned

ROUTES = (a_way("north", "blue", 120.0), a_way("south", "green", 150.0))
BUSY, HALF, QUIET = some_settings(*ROUTES), some_settings(ROUTES[0]), some_settings()

FATES = st.builds(
    Fate,
    seconds=st.sampled_from([None, 0.3, 5.0, 70.0, 650.0]),
    submitting=st.sampled_from([0.1, 20.0]),
    folder=st.sampled_from([Folder.INBOX, Folder.JUNK]),
    copies=st.sampled_from([1, 1, 2]),
    answer=st.sampled_from([Accepted, Accepted, Refused, Unconfirmed]),
    fast=st.booleans(),
)


@dataclass(frozen=True)
class Step:
    """Something happens, and then time passes."""

    what: str
    name: str
    seconds: float


STEPS = st.builds(
    Step,
    st.sampled_from(["kill", "stop", "blind", "mend", "shut", "reopen", "half", "busy", "wait"]),
    st.sampled_from(["north", "south", "blue", "green"]),
    st.sampled_from([0.0, 0.7, 30.0, 200.0]),
)


@pytest.mark.timeout(180)
@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.lists(FATES, min_size=1, max_size=12), st.lists(STEPS, min_size=3, max_size=12))
def test_every_probe_ends_once_and_the_counts_agree(fates: list[Fate], steps: list[Step]) -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        asyncio.Runner(loop_factory=TurnedLoop) as runner,
    ):
        runner.run(_live(Path(directory) / "journal.db", fates, steps))


async def _live(journal: Path, fates: list[Fate], steps: list[Step]) -> None:
    house = House(journal, TurnedClock(turned()))
    plan = iter(fates * 100)
    house.post.plan = lambda *_: next(plan)
    await house.start(BUSY)
    for step in steps:
        await _take(house, step)
        await house.passes(step.seconds)
    await _calm(house)
    _all_is_well(house)
    await house.stop()


async def _take(house: House, step: Step) -> None:
    match step.what:
        case "kill":
            await house.kill()
            await house.start(BUSY)
        case "stop":
            await house.stop()
            await house.start(BUSY)
        case "blind":
            house.post.boxes[step.name].lose(WatchCause.CLOSED)
        case "mend":
            house.post.boxes[step.name].mend()
        case "shut":
            await house.shut()
        case "reopen":
            await house.reopen()
        case "half" | "busy":
            house.engine.reconfigure(HALF if step.what == "half" else BUSY)


async def _calm(house: House) -> None:
    """Everything works again and nothing new is sent, until the last deadline has passed."""
    await house.reopen()
    for box in house.post.boxes.values():
        box.mend()
    house.engine.reconfigure(QUIET)
    await house.passes(900)


def _all_is_well(house: House) -> None:
    standings = house.standings()
    assert all(standing.verdict.final for standing in standings)
    sent = Counter(each.probe for each in house.post.sent)
    assert set(sent.values()) <= {1}, "nothing is sent twice"
    assert set(sent) <= {standing.probe.id for standing in standings}, "journalled before sent"
    for standing in standings:
        if _lies_there(house, standing.probe.id):
            assert standing.verdict.sightings > 0, "what arrived was seen in the end"
            assert standing.verdict.outcome not in (Outcome.LOST, Outcome.UNOBSERVED)
    _counts_agree(house)
    assert house.engine.live().in_flight == 0


def _lies_there(house: House, probe: str) -> bool:
    token = house.token_of(probe).encode() if probe in {s.probe for s in house.post.sent} else b"-"
    boxes = house.post.boxes.values()
    return any(token in m.raw for box in boxes for mail in box.folders.values() for m in mail)


def _counts_agree(house: House) -> None:
    with Reader(house.journal) as reader:
        tallies = reader.tallies()
    standings = house.standings()
    assert sum(tallies.concluded.values()) == len(standings)
    now = Counter(standing.verdict.outcome for standing in standings)
    counted: Counter[Outcome | None] = Counter()
    for (_, outcome), number in tallies.concluded.items():
        counted[outcome] += number
    for (_, before, after), number in tallies.revised.items():
        counted[before] -= number
        counted[after] += number
    assert +counted == now
