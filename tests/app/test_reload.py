"""A reload: a good config is taken up, a bad one changes nothing and says so."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from probe.app.installation import Installation
from probe.app.serve import one_at_a_time, reload
from probe.config.problem import ConfigError, Problem
from probe.config.settings import Settings, WebSettings
from probe.journal.reader import Reader
from probe.views.metrics import Metrics
from tests.daemon.house import ALONE, House, a_way, some_settings

GREENER = some_settings(a_way("south", "green", 10.0))


async def reloaded(house: House, load: Callable[[], Settings] | None) -> str:
    with Reader(house.journal) as reader:
        metrics = Metrics(house.engine.live, reader.tallies(), reader.routes())
    installation = Installation(house.engine, house.journal, house.store)
    return await reload(installation, metrics, load, _doors_that_open)


async def _doors_that_open(_: WebSettings) -> None:
    """What the web does with its settings has tests of its own (tests/views)."""


def refusing() -> Settings:
    raise ConfigError((Problem("config.yml", 3, 1, "msp", "is missing"),))


async def test_a_good_config_is_taken_up(house: House) -> None:
    await house.ready(ALONE)

    assert await reloaded(house, lambda: GREENER) == ""
    await house.passes(60)

    assert house.engine.settings is GREENER
    assert len(house.post.of("south", "green")) >= 5


async def test_a_bad_config_keeps_the_old_one_and_is_told(house: House) -> None:
    await house.ready(ALONE)

    refused = await reloaded(house, refusing)
    await house.passes(130)

    assert "config.yml:3:1" in refused
    assert house.engine.live().config_error == refused
    assert house.engine.settings is ALONE
    assert len(house.post.of("north", "blue")) >= 2


async def test_a_good_config_after_a_bad_one_ends_the_complaint(house: House) -> None:
    await house.ready(ALONE)
    await reloaded(house, refusing)

    assert await reloaded(house, lambda: GREENER) == ""

    assert house.engine.live().config_error == ""


@pytest.mark.parametrize(
    ("moved", "key"),
    [
        (replace(ALONE, journal=Path("elsewhere.db")), "journal.path"),
        (replace(ALONE, web=WebSettings(port=1)), "web.listen"),
    ],
)
async def test_what_cannot_move_while_running_is_refused_by_name(
    house: House, moved: Settings, key: str
) -> None:
    await house.ready(ALONE)

    refused = await reloaded(house, lambda: moved)

    assert refused == f"{key}: changed; this needs a restart"
    assert house.engine.settings is ALONE


async def test_without_a_file_there_is_nothing_to_reload(house: House) -> None:
    await house.ready(ALONE)

    assert await reloaded(house, None) != ""
    assert house.engine.live().config_error == ""


async def test_of_two_reloads_at_once_the_one_that_was_read_last_wins(house: House) -> None:
    await house.ready(ALONE)
    never = threading.Event()
    reads = iter([(0.2, ALONE), (0.0, GREENER)])

    def load() -> Settings:
        seconds, settings = next(reads)
        never.wait(seconds)  # a slow disk: the second could overtake the first
        return settings

    both = one_at_a_time(partial(reloaded, house, load))
    await asyncio.gather(both(), both())

    assert house.engine.settings is GREENER
