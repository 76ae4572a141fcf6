"""A world for each test, in a hurry: the delays between servers are a hundredth of the real."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from probe.config.settings import MailboxSettings
from probe.demo.world import World

Box = Callable[[str], MailboxSettings]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(directory=tmp_path, seed=7, pace=0.01) as made:
        yield made


@pytest.fixture
def box(world: World) -> Box:
    """Find a mailbox's settings by its id."""
    by_id = {each.mailbox.id: each for each in world.mailboxes}
    return by_id.__getitem__
