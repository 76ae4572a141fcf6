"""The JSON API over loopback."""

from typing import Any

from probe.core.event import (
    Cause,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Unconfirmed,
    Unsent,
)
from probe.core.mailbox import Folder
from probe.core.outcome import Outcome
from probe.mail.dsn import Action, Dsn, DsnRecipient
from probe.mail.reply import Reply, Stage
from tests.views.world import NOW, ROUTES, TRANSCRIPT, Client, World, accepted, make_probe

KEYS = [
    "id",
    "sender",
    "recipient",
    "sender_provider",
    "recipient_provider",
    "submitted_at",
    "outcome",
    "final",
    "delivery_seconds",
    "estimated",
    "folder",
    "reason",
    "side",
    "confidence",
    "component",
    "confirming",
]


async def test_a_probe_has_exactly_the_agreed_keys(world: World, client: Client) -> None:
    await world.tell(make_probe(1), accepted(NOW), Sighted(NOW + 1.5, Folder.INBOX, NOW + 1.4))
    answer = await client.json("/api/v1/probes")
    assert answer["next"] is None
    (document,) = answer["probes"]
    assert list(document) == KEYS
    assert document == {
        "id": "PROBE00000000001",
        "sender": "north-1",
        "recipient": "reef-1",
        "sender_provider": "North",
        "recipient_provider": "Reef",
        "submitted_at": "2026-05-28T20:26:40.000Z",
        "outcome": "delivered",
        "final": True,
        "delivery_seconds": 1.5,
        "estimated": False,
        "folder": "inbox",
        "reason": None,
        "side": None,
        "confidence": None,
        "component": None,
        "confirming": None,
    }


async def test_what_is_not_known_yet_is_null(world: World, client: Client) -> None:
    await world.tell(make_probe(1))
    (document,) = (await client.json("/api/v1/probes"))["probes"]
    assert (document["submitted_at"], document["outcome"], document["folder"]) == (None,) * 3
    assert document["final"] is False


async def test_pages_follow_the_cursor_to_the_end(world: World, client: Client) -> None:
    for number in range(7):
        await world.tell(make_probe(number, planned_at=NOW + number), accepted(NOW + number))
    seen: list[str] = []
    path = "/api/v1/probes?limit=3"
    for expected in (3, 3, 1):
        answer = await client.json(path)
        assert len(answer["probes"]) == expected
        seen += [document["id"] for document in answer["probes"]]
        path = f"/api/v1/probes?limit=3&cursor={answer['next']}"
    assert answer["next"] is None
    assert seen == [f"PROBE{number:011d}" for number in reversed(range(7))]


async def test_probes_are_filtered(world: World, client: Client) -> None:
    await world.tell(make_probe(1), accepted(NOW), Sighted(NOW + 1, Folder.INBOX, NOW))
    await world.tell(
        make_probe(2, "tern-1", "north-2"), Refused(NOW, Stage.AUTH, Reply(535, "5.7.8 no"))
    )

    async def ids(query: str) -> list[str]:
        found = (await client.json(f"/api/v1/probes?{query}"))["probes"]
        return [document["id"][-1] for document in found]

    assert await ids("outcome=refused") == ["2"]
    assert await ids("sender=tern-1&recipient=north-2") == ["2"]
    assert await ids("sender_provider=North") == ["1"]
    assert await ids("recipient_provider=Reef&outcome=refused") == []
    assert await ids("since=2100-01-01T00:00:00Z") == []
    assert len(await ids("since=2000-01-01T00:00:00Z")) == 2


async def test_a_wrong_query_is_one_line(client: Client) -> None:
    for path in ("probes?outcome=bad", "routes?since=bad", "providers?since=2026-01-01"):
        response, _ = await client.get(f"/api/v1/{path}")
        assert response.status == 400
        assert list(await response.json()) == ["error"]


async def test_every_kind_of_fact_has_its_document(world: World, client: Client) -> None:
    dsn = Dsn(
        (
            DsnRecipient(
                "x@reef.example", Action.FAILED, "5.1.1", "no such user", "mx.reef.example"
            ),
        ),
        "mta.north.example",
    )
    header = (
        "Received: from a.example by b.example with ESMTPS id 7; Thu, 28 May 2026 20:26:41 +0000"
    )
    stories: list[list[Event]] = [
        [accepted(NOW), Sighted(NOW + 1, Folder.JUNK, None, NOW + 1, 0.5, header)],
        [accepted(NOW), Notified(NOW + 5, dsn, "raw")],
        [Refused(NOW, Stage.ENVELOPE, Reply(550, "5.1.1 no"), {}, TRANSCRIPT)],
        [Unsent(NOW, Stage.TLS, Cause.TLS, "certificate expired")],
        [Unconfirmed(NOW, Cause.DISCONNECTED, "connection lost")],
        [accepted(NOW), Expired(NOW + 3600, watched=False, detail="login refused")],
    ]
    found: dict[str, dict[str, Any]] = {}
    for number, events in enumerate(stories):
        await world.tell(make_probe(number), *events, now=NOW + 3601)
        document = await client.json(f"/api/v1/probes/PROBE{number:011d}")
        assert list(document)[: len(KEYS)] == KEYS
        found |= {event["event"]: event for event in document["events"]}
    assert found["accepted"]["reply"] == {
        "code": 250,
        "enhanced": "2.0.0",
        "text": "2.0.0 Ok: queued as 4F5A21",
    }
    assert found["accepted"]["queue_id"] == "4F5A21"
    assert found["accepted"]["timings"]["tls"] == 0.05
    assert found["refused"]["stage"] == "envelope"
    assert found["refused"]["transcript"][2] == {
        "offset": 0.06,
        "speaker": "C",
        "text": "EHLO mailprobe.invalid",
    }
    assert found["sighted"]["hops"][0]["by"] == "b.example"
    assert found["sighted"]["not_before"] is None
    assert found["notified"]["recipients"][0]["remote_mta"] == "mx.reef.example"
    assert found["unsent"]["cause"] == "tls"
    assert found["unconfirmed"]["detail"] == "connection lost"
    assert found["expired"]["watched"] is False


async def test_routes_are_listed_with_their_last_verdict(world: World, client: Client) -> None:
    await world.tell(make_probe(1), accepted(NOW), Sighted(NOW + 1, Folder.INBOX, NOW))
    answer = await client.json("/api/v1/routes")
    assert [(r["sender"], r["recipient"]) for r in answer["routes"]] == sorted(
        route.pair for route in ROUTES
    )
    judged = [route for route in answer["routes"] if route["outcome"]]
    assert judged == [
        {
            "sender": "north-1",
            "recipient": "reef-1",
            "sender_provider": "North",
            "recipient_provider": "Reef",
            "client": "Acme",
            "interval_seconds": 60.0,
            "delayed_after_seconds": 300.0,
            "lost_after_seconds": 3600.0,
            "outcome": "delivered",
            "verdict_at": "2026-05-28T20:26:41.000Z",
            "delivery_seconds": 1.0,
        }
    ]
    recent = await client.json("/api/v1/routes?since=2026-05-28T20:00:00Z")
    assert recent["routes"] == judged


async def test_routes_come_in_pages(client: Client) -> None:
    first = await client.json("/api/v1/routes?limit=8")
    second = await client.json(f"/api/v1/routes?limit=8&cursor={first['next']}")
    assert len(first["routes"]) == 8
    assert second["next"] is None
    assert len(first["routes"] + second["routes"]) == len(ROUTES)
    assert (await client.json("/api/v1/routes?cursor=999"))["routes"] == []


async def test_providers_are_listed_with_their_counts(world: World, client: Client) -> None:
    await world.tell(make_probe(1), accepted(NOW), Sighted(NOW + 1, Folder.INBOX, NOW))
    providers = {p["provider"]: p for p in (await client.json("/api/v1/providers"))["providers"]}
    assert list(providers) == ["North", "Reef", "Tern"]
    assert providers["North"]["mailboxes"] == 2
    assert providers["North"]["watched"] is True
    assert providers["North"]["sent"]["delivered"] == 1
    assert providers["North"]["received"]["delivered"] == 0
    assert providers["Reef"]["received"]["delivered"] == 1
    assert set(providers["Tern"]["sent"]) == set(Outcome)
