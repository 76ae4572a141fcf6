"""Killed in a migration, at each write: the next start has all that was there, and is whole."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from probe.journal import schema
from probe.journal.store import Store
from tests.crash.victim import STRACE, SYSCALLS_OF_SQLITE
from tests.makers import a_probe

PROBES = 200
KILLED = -9

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not STRACE.exists(), reason="strace is missing: `make lab-packages`"),
]


def opened(path: Path, call: str, number: int) -> int:
    """Open and close the journal in another process that dies at that call; its exit status."""
    command = (
        *(str(STRACE), "-f", "-o", "/dev/null", f"--trace={call}"),
        f"--inject={call}:signal=SIGKILL:when={number}",
        *(sys.executable, "-m", "tests.journal.child", "open", str(path)),
    )
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode


async def of_schema_1(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        await Store.open(path).close()
    fields = [name for name in asdict(a_probe()) if name != "clock_step"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            f"INSERT INTO probes ({', '.join(fields)}, verdict_at)"
            f" VALUES ({', '.join(':' + name for name in fields)}, :planned_at)",
            [asdict(a_probe(number)) for number in range(PROBES)],
        )


def kills(before: Path, path: Path, call: str) -> Iterator[int]:
    """Kill at the first such call, at the second, and so on until it outlives them all."""
    number = 1
    while True:
        for file in path.parent.glob(path.name + "*"):
            file.unlink()
        if before.exists():
            shutil.copy(before, path)
        status = opened(path, call, number)
        if status == 0:
            return
        assert status == KILLED, status
        yield number
        number += 1


@pytest.mark.parametrize("old", [False, True], ids=["a new journal", "one of schema 1"])
@pytest.mark.parametrize("call", SYSCALLS_OF_SQLITE)
async def test_the_next_start_finds_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, old: bool
) -> None:
    before, path = tmp_path / "before.db", tmp_path / "journal.db"
    if old:
        await of_schema_1(before, monkeypatch)
    died = 0
    for number in kills(before, path, call):
        store = Store.open(path)
        assert len(await store.unfinished()) == (PROBES if old else 0), number
        await store.open_probe(a_probe(PROBES + 1))
        await store.close()
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        assert (version, verdict) == (len(schema.MIGRATIONS), "ok")
        died += 1
    assert died >= 3
