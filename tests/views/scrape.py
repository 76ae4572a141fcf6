"""Reading metrics back with the client library's own parser, and making verdicts to read."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from probe.core.event import Expired, Refused, Sighted
from probe.core.mailbox import Folder
from probe.mail.reply import Reply, Stage
from tests.views.world import (
    NOW,
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
