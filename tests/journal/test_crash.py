"""Killed at any moment: what was said to be journalled is there, whole, and nothing else is."""

import random
import signal
from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from probe.journal.reader import Reader
from probe.journal.store import Store
from tests.journal.helpers import child

ROUNDS = 20


@pytest.mark.timeout(180)
async def test_kill_9_loses_nothing_that_was_answered(path: Path) -> None:
    chance = random.Random(20)
    answered: set[str] = set()
    for number in range(ROUNDS):
        answered |= killed_while_writing(path, number * 1_000_000, chance.randrange(1, 200))
        await Store.open(path).close()  # is whole, and can be written
        assert_all_there(path, answered)
    assert len(answered) > ROUNDS


def killed_while_writing(path: Path, first: int, lines: int) -> set[str]:
    """Let a child write, kill it after so many answers; all that it said."""
    with child("write", path, str(first)) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
        process.wait(30)
    assert process.returncode == -signal.SIGKILL
    # The last line may be cut; what it says was then not said.
    return {line.strip() for line in said if line.endswith("\n")}


def assert_all_there(path: Path, answered: set[str]) -> None:
    with Reader(path) as reader:
        for line in answered:
            word, probe_id = line.split()
            found = reader.history(probe_id)
            assert found is not None, line
            delivered = found.verdict.outcome is Outcome.DELIVERED
            assert delivered or word == "opened", line
            # A fact and the verdict that follows from it are written together.
            assert delivered == (len(found.events) == 2)
        concluded = sum(reader.tallies().concluded.values())
        (final,) = reader._connection.execute("SELECT count(*) FROM probes WHERE final").fetchone()
    assert concluded == final


async def test_what_was_in_the_log_when_killed_is_read_back(path: Path) -> None:
    with child("hold", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        process.kill()
    assert path.with_name("mailprobe.db-wal").stat().st_size > 0
    store = Store.open(path)
    assert len(await store.unfinished()) == 1
    await store.close()
