"""The last verdicts between two providers."""

from probe.core.event import Expired, Sighted
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.views.recent import KEPT
from tests.views.world import NOW, World, accepted, make_probe

PAIR = ("North", "Reef")


async def arrive(world: World, number: int, planned_at: float) -> None:
    await world.tell(
        make_probe(number, planned_at=planned_at),
        accepted(planned_at + 1),
        Sighted(planned_at + 2, Folder.INBOX, planned_at + 1.9),
    )


async def test_verdicts_are_kept_by_the_time_of_their_probes(world: World) -> None:
    for number, planned_at in enumerate((NOW, NOW - 60, NOW - 30)):
        await arrive(world, number, planned_at)
    marks = world.recent.marks(PAIR, 0)
    assert [mark.planned_at for mark in marks] == [NOW - 60, NOW - 30, NOW]
    assert len(world.recent.marks(PAIR, NOW - 30)) == 2


async def test_only_the_newest_are_kept(world: World) -> None:
    for number in range(KEPT + 5):
        await arrive(world, number, NOW + number)
    marks = world.recent.marks(PAIR, 0)
    assert len(marks) == KEPT
    assert marks[0].planned_at == NOW + 5


async def test_a_probe_in_flight_is_no_mark(world: World) -> None:
    await world.tell(make_probe(1), accepted(NOW))
    assert world.recent.marks(PAIR, 0) == []


async def test_a_late_fact_changes_the_mark(world: World) -> None:
    probe = make_probe(1)
    await world.tell(probe, accepted(NOW), Expired(NOW + 3600, watched=True), now=NOW + 3600)
    assert [mark.outcome for mark in world.recent.marks(PAIR, 0)] == [Outcome.LOST]
    await world.more(probe, Sighted(NOW + 3700, Folder.INBOX, NOW + 3699))
    assert [mark.outcome for mark in world.recent.marks(PAIR, 0)] == [Outcome.DELAYED]


async def test_a_restart_remembers(world: World) -> None:
    await arrive(world, 1, NOW)
    await arrive(world, 2, NOW + 1)
    before = world.recent.marks(PAIR, 0)
    world.start()
    assert world.recent.marks(PAIR, 0) == before


async def test_pairs_do_not_mix(world: World) -> None:
    await arrive(world, 1, NOW)
    assert world.recent.marks(("Reef", "North"), 0) == []
