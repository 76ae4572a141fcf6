"""Waiting for what happens."""

import asyncio

import pytest

from probe.demo import ledger as ledgers
from probe.demo.ledger import Entry, Ledger, What


def entry(what: What, message_id: str = "<one>", at: float = 1.0) -> Entry:
    return Entry(at, what, "a@northmail.test", "a@harbor.test", message_id)


def test_entries_are_found_by_kind_and_message() -> None:
    ledger = Ledger()
    first, second = entry(What.STORED), entry(What.STORED, "<two>")
    for each in (first, entry(What.SUBMITTED), second):
        ledger.note(each)
    assert ledger.of(What.STORED) == (first, second)
    assert ledger.of(What.STORED, "<two>") == (second,)
    assert ledger.of(What.DROPPED) == ()


async def test_who_waits_is_woken_by_the_last_one_that_was_missing() -> None:
    ledger = Ledger()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(ledger.until(What.STORED, count=2))
        await asyncio.sleep(0)
        ledger.note(entry(What.STORED))
        ledger.note(entry(What.DROPPED))
        await asyncio.sleep(0)
        assert not waiting.done()
        ledger.note(entry(What.STORED, "<two>"))
    assert [each.message_id for each in waiting.result()] == ["<one>", "<two>"]


async def test_what_has_happened_already_is_not_waited_for() -> None:
    ledger = Ledger()
    ledger.note(entry(What.STORED))
    assert len(await ledger.until(What.STORED, within=0)) == 1


async def test_waiting_ends_with_an_error_when_nothing_comes() -> None:
    with pytest.raises(TimeoutError):
        await Ledger().until(What.STORED, within=0.01)


def test_the_oldest_entries_go_when_there_are_too_many() -> None:
    ledger = Ledger()
    for number in range(ledgers._MAX_ENTRIES + 10):
        ledger.note(entry(What.STORED, at=float(number)))
    kept = ledger.of(What.STORED)
    assert len(kept) == ledgers._MAX_ENTRIES
    assert kept[0].at == 10.0
