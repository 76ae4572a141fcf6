"""``python -m tests.crash [ROUNDS] [SEED]``: the campaign, and its table. ``make crash``."""

import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.crash import foreign
from tests.crash.campaign import USERS, campaign
from tests.crash.judge import judge
from tests.crash.moments import chosen
from tests.crash.table import table
from tests.lab.isolation import enter_own_network, why_impossible
from tests.lab.world import Lab


async def crash(lab: Lab, directory: Path, rounds: int, seed: int) -> int:
    """All rounds, told as they go; how many things are wrong."""
    theirs = foreign.deliver(lab, USERS)
    began = time.monotonic()
    async with campaign(lab, directory, seed) as run:
        enough = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, enough.set)
        for number, moment in enumerate(chosen(rounds, run.scene.chance), start=1):
            if enough.is_set():  # Ctrl-C: what was done is still brought to its end
                break
            this = await run.round(moment)
            told = "" if this.came else "  (the moment did not come)"
            _say(f"{number:4}/{rounds} {time.monotonic() - began:6.0f} s  {moment.name}{told}")
        _say("waiting until all has landed")
        await run.finish()
        account, wrongs = judge(lab, run, theirs)
        _say(table(run.rounds, account))
    for what, which in wrongs.items():
        _say(f"WRONG: {what}: {which}")
    _say("nothing is wrong" if not wrongs else f"{len(wrongs)} kinds of wrong")
    return len(wrongs)


def main(rounds: int, seed: int) -> int:
    """In a network of its own, so that no other lab is met."""
    if reason := why_impossible():
        sys.exit(reason)
    enter_own_network()
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory() as ours:
        lab = Lab(Path(base), users=1)
        lab.start()
        try:
            return asyncio.run(crash(lab, Path(ours), rounds, seed))
        finally:
            lab.stop()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command for people


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(1 if main(*(asked + [500, 3][len(asked) :])) else 0)
