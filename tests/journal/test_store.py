"""Opening: what is wrong with the file is one clear line that says what to do."""

import asyncio
import os
import random
import sqlite3
import stat
from pathlib import Path

import pytest

from probe.journal import schema
from probe.journal.errors import JournalUnusableError, JournalUnwritableError
from probe.journal.identity import load_or_create
from probe.journal.store import Store, connect
from tests.journal.helpers import child, deliver, standings
from tests.makers import START, a_probe, seen

PAGE = 4096


def refusal(path: Path) -> str:
    with pytest.raises(JournalUnusableError) as caught:
        Store.open(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line.replace(str(path), "JOURNAL")


def said_by_child(*arguments: str | Path, before: str) -> list[str]:
    with child(*arguments, before=before) as process:
        out, _ = process.communicate(timeout=50)
    assert process.returncode == 0
    return out.splitlines()


async def filled(path: Path, probes: int = 60) -> None:
    store = Store.open(path)
    for number in range(probes):
        await deliver(store, number)
    await store.close()


async def test_a_journal_is_made_where_there_is_none(path: Path) -> None:
    await Store.open(path).close()
    assert standings(path) == []


async def test_nobody_else_may_read_any_of_its_files(path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store.open(path)
        load_or_create(path)
        await store.open_probe(a_probe())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        await store.close()
    finally:
        os.umask(before)
    endings = ("", "-wal", "-shm", ".lock", ".key")
    assert modes == {path.name + ending: 0o600 for ending in endings}


async def test_closing_leaves_one_whole_file_to_copy(path: Path) -> None:
    await filled(path, 3)
    assert not path.with_name(path.name + "-wal").exists()
    assert len(standings(path)) == 3


async def test_a_second_process_on_the_same_journal_is_refused(path: Path) -> None:
    with child("hold", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert refusal(path) == (
            "JOURNAL: another mailprobe is running on this journal: stop it first, "
            "or give this one a journal path of its own"
        )
        process.kill()
    await Store.open(path).close()


async def test_a_second_store_in_the_same_process_is_refused_and_harms_nothing(
    store: Store, path: Path
) -> None:
    assert "another mailprobe is running" in refusal(path)
    await store.open_probe(a_probe())
    assert len(standings(path)) == 1


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none" / "mailprobe.db") == (
        "JOURNAL: cannot be opened for writing (No such file or directory): "
        "make its directory, or let this user write there"
    )


def test_a_directory_in_the_journals_place_is_told(path: Path) -> None:
    path.mkdir()
    assert "JOURNAL: cannot be opened for writing (Is a directory)" in refusal(path)


def test_a_file_that_is_no_database_is_left_as_it_is(path: Path) -> None:
    path.write_bytes(b"Dear diary, today I was not a database. " * 200)
    before = path.read_bytes()
    assert refusal(path) == (
        "JOURNAL: damaged, or not a journal (file is not a database): move it away to start "
        "with an empty one, or put back a copy"
    )
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
    other.close()
    assert "a database of another program" in refusal(path)
    with sqlite3.connect(path) as other:
        names = [name for (name,) in other.execute("SELECT name FROM sqlite_master")]
    other.close()
    assert names == ["invoices"]


async def test_a_journal_of_a_later_version_is_left_as_it_is(path: Path) -> None:
    await filled(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert refusal(path) == (
        f"JOURNAL: written by a later version (schema 99, this one knows "
        f"{len(schema.MIGRATIONS)}): start that version again, or give another journal path"
    )


@pytest.mark.parametrize("pages", [1, 2, 5, 10])
def test_a_file_cut_short_is_refused(path: Path, pages: int) -> None:
    asyncio.run(filled(path))
    os.truncate(path, path.stat().st_size - pages * PAGE)
    assert "damaged, or not a journal" in refusal(path)


@pytest.mark.timeout(120)
def test_a_torn_page_is_told_at_the_start_or_when_it_is_read(path: Path) -> None:
    """Half of a page old, half of it another's: what a power cut may leave."""
    asyncio.run(filled(path))
    whole = path.read_bytes()
    told = {
        start // PAGE: told_of_torn(path, whole, start) for start in range(0, len(whole), PAGE)
    }
    assert "start" in told.values()
    assert "reading" in told.values()
    # Pages of the free list, of the page map and of an index that nobody asked hold no data.
    silent = [page for page, when in told.items() if when == "never"]
    assert len(silent) <= 3, told


def told_of_torn(path: Path, whole: bytes, start: int) -> str:
    """When the journal says that the page that starts there is torn."""
    torn = bytearray(whole)
    torn[start : start + PAGE // 2] = random.Random(start).randbytes(PAGE // 2)
    path.write_bytes(torn)
    try:
        connect(path).close()
    except JournalUnusableError as error:
        return "start" if "damaged, or not a journal" in str(error) else str(error)
    return "reading" if asyncio.run(is_told_when_read(path)) else "never"


async def is_told_when_read(path: Path) -> bool:
    """Whether a new fact about one of the probes meets the damage."""
    store = Store.open(path)
    told = False
    for number in range(60):
        try:
            await store.record(a_probe(number).id, seen(9.0), START + 9)
        except JournalUnwritableError as error:
            told = True
            assert "the journal is damaged" in str(error)  # noqa: PT017 - others must not raise
    await store.close()
    return told


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
async def test_without_its_log_it_opens_whole_as_it_was_before(path: Path, ending: str) -> None:
    """A missing log cannot be told from one that sqlite took in and removed."""
    await filled(path, 5)
    with child("write", path, "1000") as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.kill()
    path.with_name(path.name + ending).unlink()
    store = Store.open(path)
    assert {a_probe(number).id for number in range(5)} <= {s.probe.id for s in standings(path)}
    await deliver(store, 6)
    await store.close()


def test_a_read_only_directory_is_told(path: Path) -> None:
    here = path.parent
    before = f"mount --bind {here} {here} && mount -o remount,bind,ro {here}"
    (line,) = said_by_child("open", path, before=before)
    assert line == (
        f"error {path}: cannot be opened for writing (Read-only file system): "
        "make its directory, or let this user write there"
    )


async def test_a_read_only_file_is_told(path: Path) -> None:
    """As root may write anything, the file itself is mounted read-only."""
    await filled(path, 1)
    before = f"mount --bind {path} {path} && mount -o remount,bind,ro {path}"
    (line,) = said_by_child("open", path, before=before)
    assert line.startswith(f"error {path}: cannot be opened for writing (")


def test_a_full_disk_is_told_nothing_is_half_written_and_it_goes_on_when_there_is_room(
    path: Path,
) -> None:
    """A real file system of 2 MB, full."""
    here = path.parent
    said = said_by_child("fill", path, before=f"mount -t tmpfs -o size=2m none {here}")
    kept = [line for line in said if line.startswith("kept")]
    error, shut, open_again, found = said[len(kept) :]
    assert kept
    assert error.startswith("error the journal cannot be written (")
    assert error.endswith("free space, or make the disk writable")
    assert (shut, open_again) == ("writable False", "writable True")
    number, _, total = found.removeprefix("found ").partition(" of ")
    assert number == total


def test_a_disk_that_is_full_at_the_start_is_told(path: Path) -> None:
    said = said_by_child(
        "open_full", path, before=f"mount -t tmpfs -o size=64k none {path.parent}"
    )
    (line,) = said
    assert line.startswith(f"error {path}: cannot be opened for writing (")
    assert line.endswith("full): free space")
