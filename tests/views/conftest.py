"""A world for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.journal.store import Store
from tests.views.world import Client, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Three providers and an empty journal."""
    store = Store.open(tmp_path / "journal.db")
    yield World(store, tmp_path / "journal.db")
    await store.close()


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    """The application of that world, over loopback."""
    async with world.served() as client:
        yield client
