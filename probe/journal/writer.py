"""The one thread that writes the journal.

Work comes from the event loop as functions of a connection. What waits is taken together and
committed once (group commit), each piece in a savepoint of its own, so that one that fails
takes no other with it. A caller hears of its result only after the commit has reached the disk
(``synchronous=FULL``): what was said to be journalled survives a power cut.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from probe.journal.errors import JournalError, JournalUnwritableError

MAX_WAITING = 10_000
"""Pieces of work not yet begun. At 20 microseconds each that is a fifth of a second: more than
this means that the disk has stopped, and callers had better wait."""

MAX_BATCH = 500
"""Pieces in one commit; bounds the time for which readers see no news."""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True)
class _Piece:
    work: Work
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Owns the writing connection. Made and used in one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._pending = 0
        self._closed = False
        self.writable = True
        """False since the last write failed; true again after one that did not."""
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Nothing waits to be written."""
        return self._pending == 0

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a piece of work in the writer's thread; the result comes after the commit.

        Raises:
            JournalUnwritableError: nothing of it was kept.
            JournalError: the journal is closed.
        """
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise JournalError("the journal is closed")
        piece = _Piece(work, self._loop.create_future())
        piece.done.add_done_callback(self._finished)
        self._pending += 1
        self._queue.put(piece)
        # Shielded: a cancelled caller does not take back what the thread is writing, and so
        # does not make room for more either.
        result: T = await asyncio.shield(piece.done)
        return result

    async def close(self) -> None:
        """Write what was taken in, refuse what comes later, then let the file go."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _finished(self, _done: asyncio.Future[Any]) -> None:
        self._pending -= 1
        self._room.release()

    def _run(self) -> None:
        batch: list[_Piece] = []
        last = False
        try:
            while not last:
                batch, last = self._take()
                self._commit(batch)
                self._loop.call_soon_threadsafe(_answer, batch)
        except BaseException as error:  # a bug of ours: nobody may wait for us for ever
            self._loop.call_soon_threadsafe(self._break, batch, error)
            raise

    def _break(self, batch: list[_Piece], error: BaseException) -> None:
        """Fail everybody who waits, which ends the program loudly."""
        self._closed = True
        self.writable = False
        with suppress(queue.Empty):
            while True:
                waiting = self._queue.get_nowait()
                batch += [waiting] if waiting else []
        for piece in batch:
            piece.error = JournalError(f"the journal's writer has died: {error!r}")
        _answer(batch)

    def _take(self) -> tuple[list[_Piece], bool]:
        """Everything that waits, at least one piece; whether the end was among it."""
        batch: list[_Piece] = []
        piece = self._queue.get()
        while piece is not None:
            batch.append(piece)
            if len(batch) >= MAX_BATCH:
                return batch, False
            try:
                piece = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: Sequence[_Piece]) -> None:
        if not batch:
            return
        changes = self._connection.total_changes
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for piece in batch:
                self._do(piece)
            self._connection.execute("COMMIT")
            # Questions alone succeed on a full disk too: only a change proves anything.
            self.writable = self.writable or self._connection.total_changes > changes
        except sqlite3.Error as error:
            self.writable = False
            self._roll_back()
            for piece in batch:
                piece.error = JournalUnwritableError(_what_to_do(error))

    def _do(self, piece: _Piece) -> None:
        self._connection.execute("SAVEPOINT piece")
        try:
            piece.result = piece.work(self._connection)
        except Exception as error:
            if _is_of_the_disk(error):
                raise  # nothing of this batch is kept
            piece.error = error
            self._connection.execute("ROLLBACK TO piece")
        self._connection.execute("RELEASE piece")

    def _roll_back(self) -> None:
        """After some errors sqlite has done so itself; on a dying disk even this may fail."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _is_of_the_disk(error: Exception) -> bool:
    """Whether sqlite could not read or write; a broken constraint is the piece's own fault."""
    if isinstance(error, sqlite3.OperationalError):
        return True
    # Damage has no class of its own (SQLITE_CORRUPT, SQLITE_NOTADB).
    return type(error) is sqlite3.DatabaseError


def _what_to_do(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return f"the journal cannot be written ({error}): free space, or make the disk writable"
    return f"the journal is damaged ({error}): stop, and put back a copy or move it away"


def _answer(batch: Sequence[_Piece]) -> None:
    for piece in batch:
        if piece.done.done():
            continue
        if piece.error is not None:
            piece.done.set_exception(piece.error)
        else:
            piece.done.set_result(piece.result)
