"""Questions to the journal, off the event loop: few threads, a bounded queue, a deadline."""

import asyncio
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


class ArchiveBusyError(Exception):
    """The journal did not answer in time, or too many are asking."""


class Archive:
    """A small pool of readers."""

    def __init__(self, connect: Callable[[], Reader]) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._idle: SimpleQueue[Reader] = SimpleQueue()
        self._waiting = 0

    async def ask(self, question: Callable[[Reader], T]) -> T:
        """Answer in a thread; raise ArchiveBusyError where that takes too long."""
        if self._waiting >= WAITING:
            raise ArchiveBusyError("too many are reading the journal; try again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._answer, question)
        except TimeoutError as error:
            raise ArchiveBusyError("the journal did not answer in time; try again") from error
        finally:
            self._waiting -= 1

    def _answer(self, question: Callable[[Reader], T]) -> T:
        try:
            reader = self._idle.get_nowait()
        except Empty:
            reader = self._connect()
        try:
            answer = question(reader)
        except BaseException:
            reader.close()  # whatever state it is in now
            raise
        self._idle.put(reader)
        return answer

    async def close(self) -> None:
        """Let running questions end and close the readers."""
        async with asyncio.timeout(ANSWER_TIMEOUT):
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get_nowait().close()
