"""A real journal in a directory of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.journal.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "mailprobe.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """The journal, open."""
    opened = Store.open(path)
    yield opened
    await opened.close()
