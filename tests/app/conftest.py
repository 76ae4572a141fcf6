"""Reloads are tested on the daemon's own house, where time is turned (see tests.daemon)."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from tests.daemon.house import House
from tests.daemon.turned import TurnedClock, TurnedLoop, turned


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], TurnedLoop]] | None:
    """Only where the house is asked for: other tests of this room wait for real servers."""
    return {"turned": TurnedLoop} if item.path.name == "test_reload.py" else None


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "journal.db", TurnedClock(turned()))
    yield house
    await house.close()
