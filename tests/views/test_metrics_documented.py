"""docs/metrics.md and /metrics name the same metrics, with the same types and labels."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from probe.core.event import Expired, Sighted
from probe.core.mailbox import Folder
from tests.views.world import NOW, TIMINGS, Client, World, accepted, make_probe

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(mailprobe_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
SUFFIXES = ("_bucket", "_sum", "_count")


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    return {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(PAGE.read_text())
    }


async def exported(world: World, client: Client) -> dict[str, tuple[str, frozenset[str]]]:
    found: dict[str, tuple[str, frozenset[str]]] = {}
    _, text = await client.get("/metrics")
    for family in text_string_to_metric_families(text):
        total = "_total" if family.type == "counter" else ""
        labels = {label for sample in family.samples for label in sample.labels}
        found[family.name + total] = (family.type, frozenset(labels - {"le"}))
    return found


async def with_every_series(world: World) -> None:
    """Make one series of every family, so that its labels can be seen."""
    probe = make_probe(1)
    await world.tell(probe, accepted(NOW - 50), Sighted(NOW - 49, Folder.JUNK, NOW - 49.1))
    late = make_probe(2)
    await world.tell(late, accepted(NOW), Expired(NOW + 3600, watched=True), now=NOW + 3601)
    await world.more(late, Sighted(NOW + 4000, Folder.INBOX, NOW + 3999.9))
    world.metrics.submitted("North", TIMINGS)
    world.metrics.certificate("mx.north.example", "smtp", NOW)


async def test_every_exported_metric_is_documented_with_its_type_and_labels(
    world: World, client: Client
) -> None:
    await with_every_series(world)
    table = documented()
    for name, (kind, labels) in (await exported(world, client)).items():
        if name.startswith("process_"):
            assert f"`{name}`" in PAGE.read_text()
            continue
        assert name in table, f"{name} is exported and not documented"
        assert table[name][0] == kind, name
        assert table[name][1] == labels, name


async def test_every_documented_metric_is_exported(world: World, client: Client) -> None:
    await with_every_series(world)
    assert set(documented()) <= set(await exported(world, client))


async def test_the_examples_name_only_metrics_that_exist() -> None:
    examples = "".join(re.findall(r"```promql\n(.*?)```", PAGE.read_text(), re.DOTALL))
    names = set(re.findall(r"mailprobe_\w+", examples))
    known = set(documented()) | {name + suffix for name in documented() for suffix in SUFFIXES}
    assert names
    assert names <= known
