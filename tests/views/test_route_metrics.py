"""The gauges of routes."""

from dataclasses import replace

import pytest

from probe.core.event import Expired, Sighted
from probe.core.mailbox import Folder, Mailbox, Route
from probe.core.outcome import Outcome
from tests.views.scrape import PAIR, ROUTE, delivered, refused, samples, text_of, unobserved, value
from tests.views.world import (
    MAILBOXES,
    NOW,
    ROUTES,
    TIMINGS,
    World,
    accepted,
    make_probe,
)


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
