"""The journal cannot be written while probes fly: sending stops, watching goes on, no lie."""

import asyncio
import signal
from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from tests.crash import foreign
from tests.crash.campaign import USERS, Campaign, campaign
from tests.crash.judge import judge
from tests.crash.victim import STRACE
from tests.e2e.daemon import until
from tests.lab.world import Lab

ERRORS = ("ENOSPC", "EROFS", "EIO")
"""A full disk; a file system that was remounted read-only; a disk that dies."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("error", ERRORS)
async def test_nothing_is_sent_and_nothing_is_lost_while_the_journal_cannot_be_written(
    lab: Lab, tmp_path: Path, error: str
) -> None:
    if not STRACE.exists():
        pytest.skip("strace is missing: run `make lab-packages`")
    theirs = foreign.deliver(lab, USERS)
    async with campaign(lab, tmp_path, seed=1) as run:
        daemon = run.scene.daemon
        await daemon.start()
        await daemon.concluded(12)

        await _starved(run, lab, error)

        known = len(daemon.probes())
        await daemon.concluded(known + 12)  # it sends again, and by itself
        assert await daemon.metric("journal_writable") == 1
        assert await daemon.stop() == 0
        await run.finish()
        account, wrongs = judge(lab, run, theirs)

    assert wrongs == {}
    assert {outcome for _, _, outcome in account.outcomes} <= {Outcome.DELIVERED, Outcome.DELAYED}


async def _starved(run: Campaign, lab: Lab, error: str) -> None:
    """A stretch in which no write succeeds, seen from outside."""
    daemon = run.scene.daemon
    tracer = await daemon.starved(error)
    try:
        await _shut(run)
        await until(lambda: _quiet(lab), "what was under way has been sent", daemon._why_not)
        before = _taken(lab)
        unfired = await daemon.metric("probes_not_fired_total")

        async def more_unfired() -> bool:  # a round of all routes was due
            return await daemon.metric("probes_not_fired_total") >= unfired + 24

        await until(more_unfired, "turns are dropped and counted", daemon._why_not)
        assert _taken(lab) == before
        assert await daemon.metric("mailbox_watched") == 12
        assert (await daemon.get("/healthz"))[0] == 200
    finally:
        tracer.send_signal(signal.SIGTERM)
        await tracer.wait()


async def _shut(run: Campaign) -> None:
    daemon = run.scene.daemon

    async def told() -> bool:
        return await daemon.metric("journal_writable") == 0

    await until(told, "the metric says that the journal cannot be written", daemon._why_not)
    assert "the journal cannot be written" in daemon.log.read_text()


async def _quiet(lab: Lab) -> bool:
    """Nothing new was submitted for a while: what was journalled before has been sent."""
    before = _taken(lab)
    await asyncio.sleep(2)  # two turns of every route
    return _taken(lab) == before


def _taken(lab: Lab) -> int:
    return sum(provider.smtp.log().count("sasl_username=") for provider in lab.providers)
