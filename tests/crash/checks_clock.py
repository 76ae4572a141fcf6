"""The machine's clock is set by an hour, while the daemon runs and while it does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from probe.journal.records import Standing
from tests.crash import foreign
from tests.crash.campaign import USERS, Campaign, campaign
from tests.crash.judge import judge
from tests.e2e.daemon import until
from tests.lab.world import Lab

HOUR = 3600
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(LIBRARY is None, reason="faketime is missing: run `make lab-packages`"),
]


@pytest.fixture
async def run(lab: Lab, tmp_path: Path) -> AsyncIterator[Campaign]:
    """Deadlines that a test can outlast, and that an hour does not."""
    async with campaign(lab, tmp_path, seed=1) as run:
        run.scene.config.document["defaults"] |= {"delayed_after": "50s", "lost_after": "60s"}
        run.scene.config.write()
        yield run


def set_to(directory: Path, seconds: int) -> None:
    """Let the daemon's wall clock be so far from the machine's, from now on."""
    draft = directory / "clock.new"
    draft.write_text(f"{seconds:+d}s\n")
    draft.replace(directory / "clock")  # whole, for it is read at each question


def with_clock(directory: Path) -> tuple[str, ...]:
    """A wall clock that can be set. The steady clocks stay the machine's, as with the real one."""
    return (
        "env",
        f"LD_PRELOAD={LIBRARY}",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "FAKETIME_CACHE_DURATION=1",
        f"FAKETIME_TIMESTAMP_FILE={directory / 'clock'}",
    )


async def up(run: Campaign, seconds: int) -> None:
    directory = run.journal.parent
    set_to(directory, seconds)
    await run.scene.daemon.launch(*with_clock(directory))
    assert await run.scene.daemon.risen()


async def test_set_while_it_runs_it_changes_nothing(run: Campaign, lab: Lab) -> None:
    daemon, theirs = run.scene.daemon, foreign.deliver(lab, USERS)
    await up(run, 0)
    await daemon.concluded(12)
    for hours in (1, -1, 0):
        set_to(run.journal.parent, hours * HOUR)
        await daemon.concluded(len(daemon.probes()) + 12)
    assert await daemon.stop() == 0
    standings = daemon.probes()
    await run.finish()

    _, wrongs = judge(lab, run, theirs)
    assert wrongs == {}
    final = [standing.verdict for standing in standings if standing.verdict.final]
    assert {verdict.outcome for verdict in final} == {Outcome.DELIVERED}
    assert all(v.delivery_seconds is not None and v.delivery_seconds < 50 for v in final)
    assert sum(not verdict.estimated for verdict in final) > len(final) / 2
    assert "clock.set" not in daemon.log.read_text()


@pytest.mark.parametrize("hours", [1, -1])
async def test_set_between_a_kill_and_a_start_nothing_that_flies_is_called_lost_or_timed_by_it(
    run: Campaign, lab: Lab, hours: int
) -> None:
    daemon, theirs = run.scene.daemon, foreign.deliver(lab, USERS)
    await up(run, 0)
    await daemon.concluded(12)
    with lab.faults.hold(at="alpha"):
        held = await _flying_from_alpha(run, 4)
        await daemon.kill()
        await up(run, hours * HOUR)
        await daemon.concluded(len(daemon.probes()) + 6)  # of others: it had time to misjudge
        assert not {s.probe.id for s in daemon.probes() if s.verdict.final} & held
    lab.alpha.smtp.release_held()
    found = await _landed(run, held)
    assert await daemon.metric("route_last_verdict_timestamp_seconds", sender="monitor-beta") > 0
    await daemon.kill()
    await run.finish()  # and by the machine's own clock again

    _, wrongs = judge(lab, run, theirs)
    assert wrongs == {}
    assert {standing.verdict.outcome for standing in found} == {Outcome.DELIVERED}
    for standing in found:
        seconds = standing.verdict.delivery_seconds
        assert standing.verdict.estimated
        assert seconds is not None
        assert 0 < seconds < 60
    assert daemon.log.read_text().count("clock.set") == 2


async def _flying_from_alpha(run: Campaign, number: int) -> set[str]:
    daemon = run.scene.daemon

    def flying() -> set[str]:
        return {
            standing.probe.id
            for standing in daemon.probes()
            if standing.probe.sender_provider == "alpha"
            and standing.verdict.submitted_at is not None
            and not standing.verdict.final
        }

    async def enough() -> bool:
        return len(flying()) >= number

    await until(enough, "probes are held in alpha's queue", daemon._why_not)
    return flying()


async def _landed(run: Campaign, held: set[str]) -> list[Standing]:
    daemon = run.scene.daemon

    def found() -> list[Standing]:
        return [s for s in daemon.probes() if s.probe.id in held and s.verdict.final]

    async def all_of_them() -> bool:
        return len(found()) == len(held)

    await until(all_of_them, "what was held has landed", daemon._why_not, 90)
    return found()
