"""Counters, the cache, and the text as a whole."""

import asyncio
import re
import shutil

import pytest
from prometheus_client.parser import text_string_to_metric_families

from probe.core.event import Expired, Sighted
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.core.tally import DELIVERY_BUCKETS
from probe.views import metrics as module
from tests.views.scrape import PAIR, ROUTE, delivered, refused, samples, text_of, value
from tests.views.world import (
    NOW,
    TIMINGS,
    Client,
    World,
    accepted,
    make_probe,
)


async def test_all_label_sets_of_the_configured_pairs_exist_from_the_start(world: World) -> None:
    found = await samples(world, "probes_total")
    assert len(found) == 6 * len(Outcome)
    assert {sample.value for sample in found} == {0.0}
    assert len(await samples(world, "delivery_seconds_count")) == 6


async def test_each_probe_is_counted_once_under_its_outcome(world: World) -> None:
    await delivered(world, 1, 2.0)
    await refused(world, 2)
    await refused(world, 3)
    assert await value(world, "probes_total", **PAIR, outcome="delivered") == 1
    assert await value(world, "probes_total", **PAIR, outcome="refused") == 2
    assert sum(s.value for s in await samples(world, "probes_total")) == 3


async def test_a_late_arrival_is_a_revision_and_not_a_second_probe(world: World) -> None:
    probe = make_probe(1)
    await world.tell(probe, accepted(NOW), Expired(NOW + 3600, watched=True), now=NOW + 3601)
    await world.more(probe, Sighted(NOW + 4000, Folder.INBOX, NOW + 3999.9))
    assert await value(world, "probes_total", **PAIR, outcome="lost") == 1
    assert await value(world, "probes_total", **PAIR, outcome="delayed") == 0
    assert await value(world, "probes_revised_total", **PAIR, was="lost", outcome="delayed") == 1


async def test_the_histogram_counts_exactly_the_exact_arrivals(world: World) -> None:
    times = [0.4, 0.5, 3.0, 45.0, 200.0]
    for number, seconds in enumerate(times):
        await delivered(world, number, seconds)
    await refused(world, 98)
    estimated = Sighted(NOW + 900, Folder.INBOX, NOW - 10, internal_date=NOW + 3, clock_offset=0)
    await world.tell(make_probe(99), accepted(NOW), estimated)
    assert await value(world, "delivery_seconds_count", **PAIR) == len(times)
    total = await value(world, "delivery_seconds_sum", **PAIR)
    assert total == pytest.approx(sum(times))
    for bound in DELIVERY_BUCKETS:
        reached = await value(world, "delivery_seconds_bucket", **PAIR, le=repr(float(bound)))
        assert reached == sum(seconds <= bound + 1e-6 for seconds in times)
    assert await value(world, "delivery_seconds_bucket", **PAIR, le="+Inf") == len(times)


async def test_a_restart_continues_counters_histogram_and_routes(world: World) -> None:
    await delivered(world, 1, 2.0)
    before = [line for line in (await text_of(world)).splitlines() if "process_" not in line]
    world.start()
    after = [line for line in (await text_of(world)).splitlines() if "process_" not in line]
    assert after == before


async def test_the_counts_are_a_copy_that_the_giver_may_go_on_using(world: World) -> None:
    await delivered(world, 1, 2.0)
    tallies = world.metrics._tallies
    other = module.Metrics(lambda: world.live, tallies, ())
    await delivered(world, 2, 2.0)
    assert other._tallies.delivery["North", "Reef"].total_seconds == pytest.approx(2.0)


async def test_every_family_has_help_and_type_once_and_no_created_series(world: World) -> None:
    await delivered(world, 1, 2.0)
    world.metrics.submitted("North", TIMINGS)
    text = await text_of(world)
    helps = re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE)
    types = re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)
    assert helps == types
    assert len(set(helps)) == len(helps)
    assert "_created" not in text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert all(name.startswith(("mailprobe_", "process_")) for name in names)


async def test_no_address_is_in_the_metrics(world: World) -> None:
    await delivered(world, 1, 2.0)
    assert "@" not in await text_of(world)


async def test_scrapes_within_a_moment_share_one_rendering(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE_SECONDS", 3600.0)
    calls = 0
    given = world.metrics._live

    def counted() -> object:
        nonlocal calls
        calls += 1
        return given()

    monkeypatch.setattr(world.metrics, "_live", counted)
    answers = await asyncio.gather(*(world.metrics.exposition() for _ in range(20)))
    assert calls == 1
    assert all(answer is answers[0] for answer in answers)
    await delivered(world, 1, 2.0)
    assert await world.metrics.exposition() is answers[0]


async def test_a_scrape_given_up_does_not_spoil_the_next(world: World) -> None:
    await delivered(world, 1, 2.0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.metrics.exposition())
        await asyncio.sleep(0)  # it runs until it waits for its thread
        assert world.metrics._rendering.locked()
        task.cancel()
    await refused(world, 2, planned_at=NOW + 60)
    assert await value(world, "route_up", **ROUTE) == 0


async def test_verdicts_during_a_rendering_are_in_the_next(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.metrics.exposition())
        await asyncio.sleep(0)  # it runs until it waits for its thread
        assert world.metrics._rendering.locked()
        await delivered(world, 1, 2.0)
        await task
    assert await value(world, "route_up", **ROUTE) == 1


async def test_the_web_answer_is_the_text_format_with_its_length(client: Client) -> None:
    response, text = await client.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert int(response.headers["Content-Length"]) == len(text.encode())
    head, nothing = await client.ask("HEAD", "/metrics")
    assert head.status == 200
    assert nothing == ""
    again, _ = await client.get("/metrics")
    assert again.status == 200


async def test_promtool_finds_nothing_to_complain_of(world: World) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    await delivered(world, 1, 2.0)
    world.metrics.submitted("North", TIMINGS)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        promtool, "check", "metrics", stdin=pipe, stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(30):
        out, complaints = await process.communicate((await text_of(world)).encode())
    assert (process.returncode, out, complaints) == (0, b"", b"")
