"""The daemon's tests run on a turned clock, over a real journal."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from tests.daemon.house import House
from tests.daemon.turned import TurnedClock, TurnedLoop, turned


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], TurnedLoop]]:
    """Hours pass in milliseconds."""
    return {"turned": TurnedLoop}


@pytest.fixture
async def clock() -> TurnedClock:
    return TurnedClock(turned())


@pytest.fixture
async def house(tmp_path: Path, clock: TurnedClock) -> AsyncIterator[House]:
    """Four mailboxes at two providers, and a daemon that is not yet running."""
    house = House(tmp_path / "journal.db", clock)
    yield house
    await house.close()
