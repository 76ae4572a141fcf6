"""A power cut, made from files: what was committed before the cut is there, or a clear word is.

Kill -9 leaves what was written; a power cut leaves what was synced, and of the rest any part.
The log is cut at any octet, torn at any place, or gone; the file keeps what it had.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from probe.journal.errors import JournalUnusableError
from probe.journal.reader import Reader
from probe.journal.store import Store
from tests.journal.helpers import deliver
from tests.makers import START

PROBES = 60
CUTS = 150
FRAME = 24 + 4096
"""A frame of the log: its header and a page (sqlite.org/fileformat2.html §4.1)."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def fallen(tmp_path: Path) -> tuple[Path, list[tuple[int, str]]]:
    """A journal as the cut found it, with its log; how long the log was after each commit."""
    path, copy = tmp_path / "journal.db", tmp_path / "fallen.db"
    store = Store.open(path)
    commits = []
    log = path.with_name(path.name + "-wal")
    for number in range(PROBES):
        probe_id = await deliver(store, number)
        commits.append((log.stat().st_size, probe_id))
    shutil.copy(path, copy)
    shutil.copy(log, copy.with_name(copy.name + "-wal"))
    await store.close()
    return copy, commits


def fresh(fallen: Path, directory: Path) -> Path:
    """The fallen journal again, to be harmed."""
    path = directory / "harmed.db"
    for file in directory.glob("harmed.db*"):
        file.unlink()
    shutil.copy(fallen, path)
    shutil.copy(fallen.with_name(fallen.name + "-wal"), path.with_name(path.name + "-wal"))
    return path


async def found(path: Path) -> set[str] | None:
    """The delivered probes of a journal that can be opened; None if it says that it cannot."""
    try:
        await Store.open(path).close()
    except JournalUnusableError as error:
        if "damaged" not in str(error):
            raise
        return None
    with Reader(path) as reader:
        standings = reader.recent(limit=1000)
        counted = sum(reader.tallies().concluded.values())
    delivered = {one.probe.id for one in standings if one.verdict.final}
    assert counted == len(delivered)  # whole commits, or none of one
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return delivered


def places(size: int, chance: random.Random) -> Iterator[int]:
    """Octets of the log: the edges of frames, and any."""
    yield from (0, 1, 31, 32, 33)
    for _ in range(CUTS):
        frame = 32 + FRAME * chance.randrange(size // FRAME)
        yield chance.choice((frame, frame + 23, frame + 24, frame + chance.randrange(FRAME)))


async def test_a_log_cut_at_any_octet_has_every_commit_before_it(
    fallen: tuple[Path, list[tuple[int, str]]], tmp_path: Path
) -> None:
    whole, commits = fallen
    log = whole.with_name(whole.name + "-wal")
    for size in places(log.stat().st_size, random.Random(7)):
        path = fresh(whole, tmp_path)
        with path.with_name(path.name + "-wal").open("r+b") as cut:
            cut.truncate(size)
        kept = {probe for length, probe in commits if length <= size}
        assert kept <= (await found(path) or set()), size


async def test_a_log_torn_at_any_place_has_every_commit_before_it(
    fallen: tuple[Path, list[tuple[int, str]]], tmp_path: Path
) -> None:
    whole, commits = fallen
    chance = random.Random(8)
    size = whole.with_name(whole.name + "-wal").stat().st_size
    for place in places(size, chance):
        path = fresh(whole, tmp_path)
        with path.with_name(path.name + "-wal").open("r+b") as torn:
            torn.seek(place)
            torn.write(chance.randbytes(min(512, size - place)))  # a sector of another time
        kept = {probe for length, probe in commits if length <= place}
        assert kept <= (await found(path) or set()), place


async def test_without_the_log_it_is_what_it_was_at_the_last_checkpoint(
    fallen: tuple[Path, list[tuple[int, str]]], tmp_path: Path
) -> None:
    whole, commits = fallen
    path = fresh(whole, tmp_path)
    path.with_name(path.name + "-wal").unlink()
    left = await found(path)
    assert left is not None
    assert left <= {probe for _, probe in commits}
    store = Store.open(path)
    # What it does not remember it does not judge: no deadline, no verdict.
    assert all(due.probe.id in left for due in await store.due(START + 10_000, 100))
    await store.close()
