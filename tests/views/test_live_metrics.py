"""What is read at the scrape, and what is observed one by one."""

from dataclasses import replace

import pytest

from probe.core.live import LoopTurn, Oddities
from probe.mail.reply import Stage
from tests.views.scrape import samples, value
from tests.views.world import (
    LIVE,
    NOW,
    TIMINGS,
    World,
)


async def test_a_reload_forgets_submissions_and_certificates_that_are_gone(world: World) -> None:
    world.metrics.submitted("North", TIMINGS)
    world.metrics.submitted("Gone", TIMINGS)
    world.metrics.certificate("mx.north.example", "smtp", NOW + 86400)
    world.metrics.certificate("mx.gone.example", "imap", NOW)
    assert len(await samples(world, "submission_seconds_count")) == 2
    world.metrics.reconfigured({("mx.north.example", "smtp")})
    assert [s.labels for s in await samples(world, "submission_seconds_count")] == [
        {"sender_provider": "North"}
    ]
    assert {
        s.labels["sender_provider"] for s in await samples(world, "submission_stage_seconds_sum")
    } == {"North"}
    (certificate,) = await samples(world, "tls_certificate_expiry_timestamp_seconds")
    assert certificate.labels == {"host": "mx.north.example", "protocol": "smtp"}
    assert certificate.value == NOW + 86400


async def test_a_submission_is_observed_as_a_whole_and_by_stage(world: World) -> None:
    world.metrics.submitted("North", TIMINGS)
    world.metrics.submitted("North", {Stage.DATA: 0.5})
    total = await value(world, "submission_seconds_sum", sender_provider="North")
    assert total == pytest.approx(sum(TIMINGS.values()) + 0.5)
    data = {"sender_provider": "North", "stage": "data"}
    assert await value(world, "submission_stage_seconds_count", **data) == 2
    assert await value(world, "submission_stage_seconds_sum", **data) == pytest.approx(0.83)
    tls = {"sender_provider": "North", "stage": "tls"}
    assert await value(world, "submission_stage_seconds_count", **tls) == 1


async def test_the_snapshot_is_read_at_the_scrape(world: World) -> None:
    world.now(
        in_flight=3,
        oldest_in_flight_at=NOW - 42,
        journal_writable=False,
        config_error="bad",
        oddities=Oddities(
            forged=1, strangers=2, unknown=3, misplaced=4, duplicates=5, kept=6, unfired=7
        ),
        watches=(
            replace(LIVE.watches[0], watched=False, unwatched_seconds=12.5),
            *LIVE.watches[1:],
        ),
    )
    inbox = {"mailbox": "north-1", "provider": "North", "folder": "inbox"}
    expected = {
        "in_flight": 3,
        "oldest_in_flight_seconds": 42,
        "journal_writable": 0,
        "config_last_reload_successful": 0,
        "config_last_reload_success_timestamp_seconds": LIVE.config_loaded_at,
        "forged_tokens_total": 1,
        "foreign_tokens_total": 2,
        "unknown_tokens_total": 3,
        "misplaced_messages_total": 4,
        "duplicate_messages_total": 5,
        "undeletable_messages_total": 6,
        "probes_not_fired_total": 7,
    }
    assert {name: await value(world, name) for name in expected} == expected
    assert await value(world, "mailbox_watched", **inbox) == 0
    assert await value(world, "mailbox_unwatched_seconds_total", **inbox) == 12.5
    assert sum(s.value for s in await samples(world, "mailbox_watched")) == 7


async def test_of_two_loops_with_one_name_the_one_longest_silent_is_exported(world: World) -> None:
    world.now(loops=(LoopTurn("watcher", NOW - 1, 30), LoopTurn("watcher", NOW - 9, 30)))
    (turn,) = await samples(world, "loop_last_turn_timestamp_seconds")
    assert turn.value == NOW - 9
