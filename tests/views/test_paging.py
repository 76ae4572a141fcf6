"""Query strings and cursors."""

import pytest

from probe.core.outcome import Outcome
from probe.journal.records import Cursor, Standing
from probe.views.paging import (
    LARGEST_PAGE,
    PAGE,
    ProbeQuery,
    QueryError,
    next_cursor,
    place,
    probe_query,
)
from tests.views.world import NOW, World, accepted, make_probe


def test_nothing_asked_for_is_the_first_page() -> None:
    assert probe_query({}) == ProbeQuery(limit=PAGE)
    assert probe_query({"outcome": "", "since": "", "cursor": ""}) == ProbeQuery(limit=PAGE)


def test_everything_can_be_asked_for_at_once() -> None:
    assert probe_query(
        {
            "limit": "7",
            "cursor": "1780000000.125_ABC_D",
            "since": "2026-05-28T20:26:40Z",
            "sender": "a",
            "recipient": "b",
            "sender_provider": "c",
            "recipient_provider": "d",
            "outcome": "junked",
        }
    ) == ProbeQuery(
        7, Cursor(1780000000.125, "ABC_D"), 1780000000.0, "a", "b", "c", "d", Outcome.JUNKED
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-05-28T20:26:40Z", 1780000000),
        ("2026-05-28T22:26:40+02:00", 1780000000),
        ("2026-05-28T20:26:40.250Z", 1780000000.25),
        ("2026-05-28 20:26:40", 1780000000),
    ],
)
def test_times_are_read_with_any_zone(text: str, seconds: float) -> None:
    assert probe_query({"since": text}).since == seconds


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ({"limit": "0"}, "limit: "),
        ({"limit": str(LARGEST_PAGE + 1)}, "limit: "),
        ({"limit": "-1"}, "limit: "),
        ({"limit": "٣"}, "limit: "),
        ({"limit": "1e2"}, "limit: "),
        ({"since": "yesterday"}, "since: "),
        ({"since": "9999-99-99"}, "since: "),
        ({"cursor": "x"}, "cursor: "),
        ({"cursor": "nan_A"}, "cursor: "),
        ({"cursor": "inf_A"}, "cursor: "),
        ({"cursor": "1.0_"}, "cursor: "),
        ({"outcome": "failed"}, "outcome: one of delivered, "),
        ({"colour": "red"}, "unknown parameter 'colour': use cursor, limit, "),
        ({"sender": "x" * 257}, "sender: longer than 256"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_can(query: dict[str, str], start: str) -> None:
    with pytest.raises(QueryError) as caught:
        probe_query(query)
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 10])
def test_a_cursor_into_a_list_is_a_place(text: str) -> None:
    assert place({}) == 0
    assert place({"cursor": "40"}) == 40
    with pytest.raises(QueryError):
        place({"cursor": text})


async def test_pages_joined_are_the_whole_list_without_doubles(world: World) -> None:
    for number in range(11):
        at = NOW + number // 3 + 0.1  # several planned at the same moment
        await world.tell(make_probe(number, planned_at=at), accepted(at))
    seen: list[Standing] = []
    cursor: str | None = ""
    archive = world.sources().archive
    while cursor is not None:
        page = await archive.ask(probe_query({"limit": "4", "cursor": cursor}).ask)
        seen += page
        cursor = next_cursor(page, 4)
    await archive.close()
    assert [standing.probe.id for standing in seen] == [
        f"PROBE{number:011d}" for number in reversed(range(11))
    ]
