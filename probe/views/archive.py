"""Questions to the journal, off the event loop: few threads, a bounded queue, a deadline."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

from probe.journal.reader import Reader

READERS = 2
"""One slow question does not hold up the next; more would only compete with the writer."""

WAITING = 32
"""Questions asked and not answered. More means that somebody reloads a page in a loop."""

ANSWER_TIMEOUT = 5.0
"""Each question is answered from an index in milliseconds; after this a person has given up."""

T = TypeVar("T")


class ArchiveError(Exception):
    """No answer: one line for a person that says why."""


class Archive:
    """A small pool of readers."""

    def __init__(self, connect: Callable[[], Reader]) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._idle: SimpleQueue[Reader] = SimpleQueue()
        self._waiting = 0

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """Answer in a thread; raise ArchiveError where that takes too long."""
        if self._waiting >= WAITING:
            raise ArchiveError("too many are reading the journal; try again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._answer, question)
        except TimeoutError as error:
            raise ArchiveError("the journal did not answer in time; try again") from error
        finally:
            self._waiting -= 1

    def _answer(self, question: Callable[[Reader], T]) -> T:
        try:
            reader = self._reader()
            try:
                answer = question(reader)
            except BaseException:
                reader.close()  # whatever state it is in now
                raise
        except sqlite3.Error as error:
            raise ArchiveError(f"the journal cannot be read: {error}") from error
        self._idle.put(reader)
        return answer

    def _reader(self) -> Reader:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    async def close(self) -> None:
        """Let running questions end and close the readers."""
        async with asyncio.timeout(ANSWER_TIMEOUT):
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()
