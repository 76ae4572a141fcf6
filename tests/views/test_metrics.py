"""/metrics, read back with the client library's own parser."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from probe.core.event import Expired, Refused, Sighted
from probe.core.live import LoopTurn, Oddities
from probe.core.mailbox import Folder, Mailbox, Route
from probe.core.outcome import Outcome
from probe.core.tally import DELIVERY_BUCKETS
from probe.mail.reply import Reply, Stage
from probe.views import metrics as module
from tests.views.world import (
    LIVE,
    MAILBOXES,
    NOW,
    ROUTES,
    TIMINGS,
    Client,
    World,
    accepted,
    make_probe,
)

PAIR = {"sender_provider": "North", "recipient_provider": "Reef"}
ROUTE = {"sender": "north-1", "recipient": "reef-1", "client": "Acme"}


async def text_of(world: World) -> str:
    """A scrape that no cache answers."""
    world.metrics._cached_until = 0.0
    return b"".join(await world.metrics.exposition()).decode()


async def samples(world: World, name: str, **labels: str) -> list[Sample]:
    found: Iterator[Sample] = (
        sample
        for family in text_string_to_metric_families(await text_of(world))
        for sample in family.samples
    )
    return [
        s for s in found if s.name == "mailprobe_" + name and labels.items() <= s.labels.items()
    ]


async def value(world: World, name: str, **labels: str) -> float | None:
    """The one sample with these labels; None if there is none."""
    found = await samples(world, name, **labels)
    assert len(found) < 2
    return found[0].value if found else None


async def delivered(world: World, number: int, seconds: float, planned_at: float = NOW) -> None:
    at = planned_at + 1
    await world.tell(
        make_probe(number, planned_at=planned_at),
        accepted(at),
        Sighted(at + seconds, Folder.INBOX, at + seconds - 0.1),
    )


async def refused(world: World, number: int, planned_at: float = NOW) -> None:
    reply = Reply(550, "5.1.1 no such user")
    event = Refused(planned_at + 1, Stage.ENVELOPE, reply)
    await world.tell(make_probe(number, planned_at=planned_at), event)


async def unobserved(world: World, number: int, planned_at: float = NOW) -> None:
    lost_at = planned_at + 3601
    await world.tell(
        make_probe(number, planned_at=planned_at),
        accepted(planned_at + 1),
        Expired(lost_at, watched=False, detail="not watched"),
        now=lost_at,
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


async def test_a_route_never_judged_has_no_series(world: World) -> None:
    for name in ("up", "last_delivery_seconds", "last_verdict_timestamp_seconds"):
        assert await samples(world, f"route_{name}") == []


async def test_a_route_is_up_when_its_last_probe_came_to_the_inbox(world: World) -> None:
    await delivered(world, 1, 2.5)
    assert await value(world, "route_up", **ROUTE) == 1
    assert await value(world, "route_last_delivery_seconds", **ROUTE) == pytest.approx(2.5)
    at = await value(world, "route_last_verdict_timestamp_seconds", **ROUTE)
    assert at == pytest.approx(NOW + 3.5)


async def test_a_route_whose_probe_came_late_is_up(world: World) -> None:
    await delivered(world, 1, 400.0)
    assert await value(world, "probes_total", **PAIR, outcome="delayed") == 1
    assert await value(world, "route_up", **ROUTE) == 1


async def test_an_overdue_probe_alone_does_not_change_the_route(world: World) -> None:
    await delivered(world, 1, 2.0)
    probe = make_probe(2, planned_at=NOW + 60)
    await world.tell(probe, accepted(NOW + 61))
    change = await world.store.rejudge(probe.id, NOW + 400)
    assert change is not None
    assert change.after.outcome is Outcome.DELAYED
    world.listen(change)
    assert await value(world, "route_up", **ROUTE) == 1


async def test_a_route_is_down_when_its_last_probe_was_refused(world: World) -> None:
    await delivered(world, 1, 2.0)
    await refused(world, 2, planned_at=NOW + 60)
    assert await value(world, "route_up", **ROUTE) == 0
    assert await value(world, "route_last_delivery_seconds", **ROUTE) is None


async def test_a_route_into_junk_is_down_and_has_a_delivery_time(world: World) -> None:
    await world.tell(make_probe(1), accepted(NOW), Sighted(NOW + 2, Folder.JUNK, NOW + 1.9))
    assert await value(world, "route_up", **ROUTE) == 0
    assert await value(world, "route_last_delivery_seconds", **ROUTE) == pytest.approx(2.0)


async def test_an_unobserved_route_is_neither_up_nor_down(world: World) -> None:
    await delivered(world, 1, 2.0)
    await unobserved(world, 2, planned_at=NOW + 60)
    assert await samples(world, "route_up") == []
    assert await value(world, "probes_total", **PAIR, outcome="unobserved") == 1


async def test_an_older_probe_judged_late_does_not_overwrite_a_newer_one(world: World) -> None:
    old = make_probe(1, planned_at=NOW - 3600)
    await world.tell(old, accepted(NOW - 3599))
    await delivered(world, 2, 2.0)
    await world.more(old, Expired(NOW + 5, watched=True))
    assert await value(world, "probes_total", **PAIR, outcome="lost") == 1
    assert await value(world, "route_up", **ROUTE) == 1


async def test_series_of_a_removed_route_vanish(world: World) -> None:
    await delivered(world, 1, 2.0)
    await world.tell(
        make_probe(2, "tern-1", "reef-1"), accepted(NOW), Sighted(NOW + 1, Folder.INBOX, NOW)
    )
    assert len(await samples(world, "route_up")) == 2
    world.now(
        routes=tuple(route for route in ROUTES if route.sender != "tern-1"),
        mailboxes=MAILBOXES,
    )
    assert [s.labels["sender"] for s in await samples(world, "route_up")] == ["north-1"]
    assert await samples(world, "probes_total", sender_provider="Tern") == []
    assert await samples(world, "delivery_seconds_count", sender_provider="Tern") == []
    assert await value(world, "probes_total", **PAIR, outcome="delivered") == 1


async def test_a_route_that_comes_back_after_a_reload_starts_unjudged(world: World) -> None:
    await delivered(world, 1, 2.0)
    world.now(routes=tuple(route for route in ROUTES if route.pair != ("north-1", "reef-1")))
    world.metrics.reconfigured(set())
    assert await samples(world, "route_up") == []
    world.now(routes=ROUTES)
    world.metrics.reconfigured(set())
    assert await samples(world, "route_up") == []


async def test_a_changed_client_changes_the_label(world: World) -> None:
    await delivered(world, 1, 2.0)
    await text_of(world)
    world.now(mailboxes=(replace(MAILBOXES[0], client="Borealis"), *MAILBOXES[1:]))
    assert [s.labels["client"] for s in await samples(world, "route_up")] == ["Borealis"]


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


async def test_label_values_are_escaped(world: World) -> None:
    nasty = 'a"b\\c\nd{e="f"}'
    box = Mailbox(nasty, "x@y.example", nasty, nasty)
    world.now(
        mailboxes=(*MAILBOXES, box),
        routes=(*ROUTES, Route(nasty, "reef-1", 60, 300, 3600)),
    )
    probe = replace(make_probe(1), sender=nasty, sender_provider=nasty)
    await world.tell(probe, accepted(NOW), Sighted(NOW + 1, Folder.INBOX, NOW + 0.9))
    world.metrics.submitted(nasty, TIMINGS)
    (route,) = await samples(world, "route_up")
    assert route.labels == {"sender": nasty, "recipient": "reef-1", "client": nasty}
    labels = {"sender_provider": nasty, "recipient_provider": "Reef"}
    assert await value(world, "probes_total", **labels, outcome="delivered") == 1
    assert await value(world, "delivery_seconds_count", **labels) == 1


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
