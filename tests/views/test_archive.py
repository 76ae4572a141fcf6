"""Questions to the journal, off the loop."""

import asyncio
import threading
from pathlib import Path

import pytest

from probe.journal.reader import Reader
from probe.views import archive
from probe.views.archive import READERS, Archive, ArchiveError
from tests.views.world import World


@pytest.fixture
async def opened(world: World) -> list[Reader]:
    return []


def counting(path: Path, opened: list[Reader]) -> Archive:
    def connect() -> Reader:
        opened.append(Reader(path))
        return opened[-1]

    return Archive(connect)


async def test_readers_are_few_and_used_again(world: World, opened: list[Reader]) -> None:
    pool = counting(world.path, opened)
    answers = await asyncio.gather(*(pool.ask(Reader.routes) for _ in range(20)))
    assert answers == [[]] * 20
    assert 1 <= len(opened) <= READERS
    await pool.close()


async def test_questions_are_answered_outside_the_event_loops_thread(world: World) -> None:
    pool = Archive(lambda: Reader(world.path))
    assert await pool.ask(lambda _: threading.current_thread()) is not threading.main_thread()
    await pool.close()


async def test_a_reader_whose_question_failed_is_not_used_again(
    world: World, opened: list[Reader]
) -> None:
    pool = counting(world.path, opened)

    def fail(_: Reader) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await pool.ask(fail)
    await pool.ask(Reader.routes)
    assert len(opened) == 2
    await pool.close()


async def test_an_answer_that_does_not_come_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ANSWER_TIMEOUT", 0.05)
    pool = Archive(lambda: Reader(world.path))
    release = threading.Event()
    with pytest.raises(ArchiveError, match="in time"):
        await pool.ask(lambda _: release.wait(30))
    release.set()
    monkeypatch.undo()
    await pool.close()


async def test_more_questions_than_may_wait_are_refused_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "WAITING", 1)
    pool = Archive(lambda: Reader(world.path))
    release = threading.Event()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(pool.ask(lambda _: release.wait(30)))
        await asyncio.sleep(0)  # it runs until it waits for its thread
        with pytest.raises(ArchiveError, match="too many"):
            await pool.ask(Reader.routes)
        release.set()
    assert first.result() is True
    assert await pool.ask(Reader.routes) == []
    await pool.close()


async def test_a_journal_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    pool = Archive(lambda: Reader(tmp_path / "none.db"))
    with pytest.raises(ArchiveError, match="the journal cannot be read: "):
        await pool.ask(Reader.routes)
    await pool.close()
