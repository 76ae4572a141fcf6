"""The turned loop itself: time goes by in order, and stands still for a thread."""

import asyncio
import threading

import pytest

from tests.daemon.turned import StuckError, TurnedLoop, turned


async def test_hours_pass_in_the_order_in_which_they_would() -> None:
    woken: list[str] = []

    async def wake(name: str, after: float) -> None:
        await asyncio.sleep(after)
        woken.append(f"{name} at {turned().time():.0f}")

    await asyncio.gather(wake("late", 7200), wake("early", 60), wake("soon", 61))

    assert woken == ["early at 60", "soon at 61", "late at 7200"]


async def test_the_clock_stands_while_an_executor_works() -> None:
    release = threading.Event()
    timer = asyncio.get_running_loop().call_later(1.0, release.set)

    async def answer() -> bool:
        return await asyncio.to_thread(release.wait, 0.2)

    assert not await answer()  # were time turned meanwhile, the timer would have released it
    assert turned().time() == 0.0
    timer.cancel()


def test_a_loop_that_nothing_can_wake_says_so() -> None:
    with asyncio.Runner(loop_factory=TurnedLoop) as runner, pytest.raises(StuckError):
        runner.run(asyncio.Event().wait())
