"""The journal cannot be written while probes fly: sending stops, watching goes on, no lie."""

import asyncio
import ctypes
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from tests.crash import foreign
from tests.crash.campaign import USERS, Campaign, campaign
from tests.crash.judge import judge
from tests.crash.victim import STRACE
from tests.e2e.daemon import until
from tests.lab import process
from tests.lab.world import Lab

ERRORS = ("ENOSPC", "EROFS", "EIO")
"""A full disk; a file system that was remounted read-only; a disk that dies."""


CLONE_NEWNS = 0x00020000

DISK = "16m"
"""A few times what the journal's log grows to."""

Starved = Callable[[], AbstractAsyncContextManager[None]]
"""While it lasts, the journal cannot be written."""

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not STRACE.exists(), reason="strace is missing: `make lab-packages`"),
]


@pytest.mark.parametrize("error", ERRORS)
async def test_nothing_is_sent_and_nothing_is_lost_while_the_journal_cannot_be_written(
    lab: Lab, tmp_path: Path, error: str
) -> None:
    async with campaign(lab, tmp_path, seed=1) as run:
        daemon = run.scene.daemon

        @asynccontextmanager
        async def failing() -> AsyncIterator[None]:
            tracer = await daemon.starved(error)
            try:
                yield
            finally:
                tracer.send_signal(signal.SIGTERM)
                await tracer.wait()

        await daemon.launch()
        await bears(run, lab, failing)


async def test_the_same_on_a_small_disk_that_is_really_full(lab: Lab, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with a_disk(disk):
        async with campaign(lab, tmp_path, seed=1) as run:
            run.scene.config.document["journal"] = {"path": "disk/journal.db"}
            run.scene.config.write()
            run.scene.daemon.journal = disk / "journal.db"
            await run.scene.daemon.launch()
            await bears(run, lab, lambda: filled(disk / "ballast"))


@contextmanager
def a_disk(place: Path) -> Iterator[None]:
    """A small file system that nobody sees but us, and what we start from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        pytest.skip("no mount namespace of our own may be had here")
    process.run("mount", "--make-rprivate", "/")
    process.run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", place)
    try:
        yield
    finally:
        process.run("umount", "--lazy", place)


@asynccontextmanager
async def filled(ballast: Path) -> AsyncIterator[None]:
    """Not an octet is left."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        await asyncio.to_thread(ballast.unlink)


async def bears(run: Campaign, lab: Lab, starved: Starved) -> None:
    """A daemon that was launched flies, is starved, flies again, and all lands."""
    daemon, theirs = run.scene.daemon, foreign.deliver(lab, USERS)
    assert await daemon.risen()
    await daemon.concluded(12)
    async with starved():
        await _sends_nothing_and_sees(run, lab)
    await daemon.concluded(len(daemon.probes()) + 12)  # it sends again, and by itself
    assert await daemon.metric("journal_writable") == 1
    assert await daemon.stop() == 0
    await run.finish()

    account, wrongs = judge(lab, run, theirs)
    assert wrongs == {}
    assert {outcome for _, _, outcome in account.outcomes} <= {Outcome.DELIVERED, Outcome.DELAYED}


async def _sends_nothing_and_sees(run: Campaign, lab: Lab) -> None:
    daemon = run.scene.daemon
    await _shut(run)
    await until(lambda: _quiet(lab), "what was under way has been sent", daemon._why_not)
    before = _taken(lab)
    unfired = await daemon.metric("probes_not_fired_total")

    async def more_unfired() -> bool:  # two rounds of all routes were due
        return await daemon.metric("probes_not_fired_total") >= unfired + 24

    await until(more_unfired, "turns are dropped and counted", daemon._why_not)
    assert _taken(lab) == before
    assert await daemon.metric("mailbox_watched") == 12
    assert (await daemon.get("/healthz"))[0] == 200


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
