"""A short slice of ``make crash``: one life for each kind of moment, and the same account."""

from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from tests.crash import foreign
from tests.crash.campaign import USERS, campaign
from tests.crash.judge import judge
from tests.crash.moments import MOMENTS, Moment
from tests.crash.victim import STRACE
from tests.lab.world import Lab

SEED = 3

SLICE = (
    "smtp: RCPT TO",
    "smtp: the final dot",
    "smtp: queued as",
    "on the way up",
    "imap: EXISTS",
    "in a reload",
    "before a frame or page",
    "before a sync",
)


def moment(name: str) -> Moment:
    return next(moment for moment in MOMENTS if moment.name == name)


@pytest.mark.timeout(300)
async def test_killed_at_chosen_moments_every_probe_has_one_true_outcome(
    lab: Lab, tmp_path: Path
) -> None:
    if not STRACE.exists():
        pytest.skip("strace is missing: run `make lab-packages`")
    theirs = foreign.deliver(lab, USERS)
    async with campaign(lab, tmp_path, SEED) as run:
        for name in SLICE:
            await run.round(moment(name))
        await run.finish()
        account, wrongs = judge(lab, run, theirs)

    assert wrongs == {}
    assert sum(this.came for this in run.rounds) >= len(SLICE) - 1
    outcomes = {outcome for _, _, outcome in account.outcomes}
    assert outcomes <= {Outcome.DELIVERED, Outcome.DELAYED, Outcome.UNSENT}
    assert Outcome.DELIVERED in outcomes
