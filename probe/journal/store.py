"""The journal as the loops see it: a method per question, every write committed on return."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO, Self

from probe.core.event import Event
from probe.core.observation import Bookmark, MessageRef
from probe.core.outcome import Outcome
from probe.core.probe import Probe
from probe.core.tally import Change
from probe.journal import clock, mailboxes, probes
from probe.journal.errors import JournalUnusableError
from probe.journal.mailboxes import Place
from probe.journal.probes import Copy, Due, Ignored
from probe.journal.schema import migrate
from probe.journal.writer import Writer

SHRINK_PAGES = 256
"""Pages of 4 KiB given back at once: a megabyte a turn of housekeeping, which is more than can
come free, and takes milliseconds."""

PRUNE_BATCH = 500
"""Probes forgotten in one commit, so that nothing waits long behind it."""

CHECKED = ("probes", "routes", "tallies", "bookmarks", "copies")
"""Tables that are looked through at the start: all that decisions are made from, a twentieth of
the file. The facts are read when they are needed, and damage to them is told then: to look
through all of them takes 12 seconds for 100,000 probes on a cold disk."""


class Store:
    """One per process; another process on the same file is refused."""

    def __init__(self, writer: Writer, lock: IO[bytes]) -> None:
        self._writer = writer
        self._lock = lock
        self._run = writer.run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the journal.

        Raises:
            JournalUnusableError: one line that says why, and what to do.
        """
        lock = _lock(path)
        try:
            connection = connect(path)
        except BaseException:
            lock.close()
            raise
        return cls(Writer(connection), lock)

    async def close(self) -> None:
        """Write what waits, then let the file go."""
        await self._writer.close()
        self._lock.close()

    @property
    def writable(self) -> bool:
        """False since the last write failed."""
        return self._writer.writable

    @property
    def idle(self) -> bool:
        """Nothing waits to be written."""
        return self._writer.idle

    async def open_probe(self, probe: Probe) -> None:
        """Write a probe down; afterwards it may be sent."""
        await self._run(partial(probes.open_probe, probe=probe))

    async def record(
        self, probe_id: str, event: Event, now: float, copy: Copy | None = None
    ) -> Change | Ignored:
        """Append a fact and judge anew; see probes.record."""
        return await self._run(
            partial(probes.record, probe_id=probe_id, event=event, now=now, copy=copy)
        )

    async def rejudge(self, probe_id: str, now: float) -> Change | None:
        """Judge again what time alone has changed."""
        return await self._run(partial(probes.rejudge, probe_id=probe_id, now=now))

    async def due(self, now: float, limit: int) -> list[Due]:
        """Probes whose deadline has come, oldest first."""
        return await self._run(partial(probes.due, now=now, limit=limit))

    async def next_due(self) -> float | None:
        """The earliest deadline."""
        return await self._run(probes.next_due)

    async def postpone(self, probe_ids: Sequence[str], until: float) -> None:
        """Look at these probes later."""
        await self._run(partial(probes.postpone, probe_ids=probe_ids, until=until))

    async def unfinished(self) -> list[Probe]:
        """Probes whose submission never ended."""
        return await self._run(probes.unfinished)

    async def in_flight(self) -> list[tuple[str, str, float]]:
        """Probes that are waited for: id, recipient, since when."""
        return await self._run(probes.in_flight)

    async def sent_since(self, since: float) -> list[tuple[str, float, int]]:
        """Who sent how many in which hour."""
        return await self._run(partial(mailboxes.sent_since, since=since))

    async def take_over_clock(self, boot: str, anchor: float, now: float) -> float:
        """Put the journal into the time of this process; see probe.journal.clock.take_over."""
        return await self._run(partial(clock.take_over, boot=boot, anchor=anchor, now=now))

    async def place(self, mailbox: str) -> Place:
        """Where an earlier watch of a mailbox stopped."""
        return await self._run(partial(mailboxes.place, mailbox=mailbox))

    async def save_bookmark(
        self, mailbox: str, bookmark: Bookmark, clock_offset: float | None
    ) -> None:
        """Remember how far a folder has been read."""
        await self._run(
            partial(
                mailboxes.save_bookmark,
                mailbox=mailbox,
                bookmark=bookmark,
                clock_offset=clock_offset,
            )
        )

    async def add_copy(self, copy: Copy, probe_id: str, seen_at: float) -> bool:
        """Remember where a message of ours lies; False if it was known."""
        return await self._run(
            partial(probes.add_copy, copy=copy, probe_id=probe_id, seen_at=seen_at)
        )

    async def stale_copies(self, seen_before: float) -> dict[str, list[MessageRef]]:
        """Messages of ours that may be removed now, by mailbox."""
        return await self._run(partial(mailboxes.stale_copies, seen_before=seen_before))

    async def forget_copies(self, mailbox: str, refs: Sequence[MessageRef]) -> None:
        """These are gone from the server."""
        await self._run(partial(mailboxes.forget_copies, mailbox=mailbox, refs=refs))

    async def give_up_copies(self, mailbox: str, refs: Sequence[MessageRef]) -> None:
        """The server does not let us remove these."""
        await self._run(partial(mailboxes.give_up_copies, mailbox=mailbox, refs=refs))

    async def shrink(self) -> None:
        """Give a part of the room that is not needed any more back to the file system."""
        await self._run(partial(probes.shrink, pages=SHRINK_PAGES))

    async def prune(self, outcomes: Sequence[Outcome], before: float) -> int:
        """Forget concluded probes of these outcomes, one batch; how many."""
        return await self._run(
            partial(probes.prune, outcomes=outcomes, before=before, limit=PRUNE_BATCH)
        )


def connect(path: Path) -> sqlite3.Connection:
    """The writing connection: checked, migrated.

    Raises:
        JournalUnusableError: the file is damaged, not ours, or cannot be written.
    """
    try:
        _touch(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise JournalUnusableError(_cannot_open(path, error)) from error
    try:
        _prepare(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise JournalUnusableError(_cannot_open(path, error)) from error
    except JournalUnusableError as error:
        connection.close()
        raise JournalUnusableError(f"{path}: {error}") from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # acts on a new file only
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 5000")
    migrate(connection)
    for table in CHECKED:
        (verdict,) = connection.execute(f"PRAGMA quick_check({table})").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)


def _touch(path: Path) -> None:
    """Make the file with mode 0600 before sqlite makes it with another."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _lock(path: Path) -> IO[bytes]:
    try:
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalUnusableError(_cannot_open(path, error)) from error
    lock = os.fdopen(handle, "r+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise JournalUnusableError(
            f"{path}: another mailprobe is running on this journal: stop it first, "
            "or give this one a journal path of its own"
        ) from None
    return lock


def _cannot_open(path: Path, error: Exception) -> str:
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError
    ):
        return (
            f"{path}: damaged, or not a journal ({error}): move it away to start with an empty "
            "one, or put back a copy"
        )
    why = error.strerror if isinstance(error, OSError) else str(error)
    full = getattr(error, "errno", None) == errno.ENOSPC or "full" in str(why)
    mend = "free space" if full else "make its directory, or let this user write there"
    return f"{path}: cannot be opened for writing ({why}): {mend}"
