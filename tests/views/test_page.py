"""The pages, read as a browser reads them."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from probe.core.event import Cause, Expired, Notified, Refused, Sighted, Unsent
from probe.core.live import FolderWatch
from probe.core.mailbox import WATCHED, Folder, Mailbox
from probe.mail.dsn import Action, Dsn, DsnRecipient
from probe.mail.reply import Reply, Stage
from probe.views.page import SHOWN_WATCHES
from tests.views.world import LIVE, NOW, TIMINGS, TRANSCRIPT, Client, World, accepted, make_probe

SCRIPT = "<script>alert(1)</script>"
HOSTILE = f'{SCRIPT}"><img src=x onerror=alert(2)>\u202egnp.exe\x1b[2J' + "A" * 10_000
VOID = {"meta", "link", "img", "br", "input"}


class Reading(HTMLParser):
    """Collects the elements, the text, and what is not well formed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attrs for name, attrs in self.elements if name == tag)


async def page(client: Client, path: str = "/") -> Reading:
    response, text = await client.get(path)
    assert response.status == 200
    assert response.content_type == "text/html"
    reading = Reading(text)
    assert reading.open == []
    return reading


async def story(world: World) -> None:
    """One probe of each kind, with hostile words wherever a stranger can put some."""
    header = (
        f"Received: from {HOSTILE} by {SCRIPT} with SMTP; Thu, 28 May 2026 20:26:30 +0000\r\n"
        "Received: from a.example by b.example; Thu, 28 May 2026 20:26:10 +0000\r\n"
        f"Subject: {HOSTILE}\r\n"
    )
    dsn = Dsn((DsnRecipient(HOSTILE, Action.FAILED, "5.1.1", HOSTILE, HOSTILE),), HOSTILE)
    lines = (replace(TRANSCRIPT[1], text=HOSTILE), *TRANSCRIPT)
    await world.tell(
        make_probe(1),
        accepted(NOW, HOSTILE),
        Sighted(NOW + 1.25, Folder.INBOX, NOW + 1, header=header),
    )
    await world.tell(
        make_probe(2), Refused(NOW, Stage.ENVELOPE, Reply(550, HOSTILE), TIMINGS, lines)
    )
    await world.tell(make_probe(3), accepted(NOW), Notified(NOW + 9, dsn, HOSTILE))
    await world.tell(make_probe(4), Unsent(NOW, Stage.TLS, Cause.TLS, HOSTILE))
    await world.tell(
        make_probe(5),
        accepted(NOW),
        Expired(NOW + 3600, watched=False, detail=HOSTILE),
        now=NOW + 3600,
    )
    await world.tell(make_probe(6), accepted(NOW))


PATHS = ["/", *(f"/probes/PROBE{number:011d}" for number in range(1, 7))]


async def test_an_empty_world_says_what_it_waits_for(client: Client) -> None:
    reading = await page(client)
    assert "Waiting for the first verdict" in reading.text
    assert "No probes yet." in " ".join(reading.text.split())


@pytest.mark.parametrize("path", PATHS)
async def test_hostile_text_is_shown_and_never_markup(
    world: World, client: Client, path: str
) -> None:
    await story(world)
    blind = replace(LIVE.watches[0], watched=False, detail=HOSTILE)
    world.now(config_error=HOSTILE, watches=(blind, *LIVE.watches[1:]))
    reading = await page(client, path)
    assert all((attrs["src"] or "").startswith("/static/") for attrs in reading.all("script"))
    assert list(reading.all("img")) == []
    assert not [a for _, attrs in reading.elements for a in attrs if a.startswith("on")]
    assert not set(reading.text) & {"\u202e", "\x1b"}
    assert SCRIPT in reading.text or path.endswith("6")


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_inline_and_nothing_is_fetched_from_elsewhere(
    world: World, client: Client, path: str
) -> None:
    await story(world)
    reading = await page(client, path)
    for tag, attrs in reading.elements:
        assert tag != "style"
        assert "style" not in attrs
        for name in ("href", "src"):
            address = attrs.get(name) or "/"
            assert address.startswith(("/", "#", "data:image/svg+xml,"))
            assert not address.startswith("//")


@pytest.mark.parametrize("path", PATHS)
async def test_the_page_is_one_document_with_unique_ids(
    world: World, client: Client, path: str
) -> None:
    await story(world)
    reading = await page(client, path)
    ids = [attrs["id"] for _, attrs in reading.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(list(reading.all("h1"))) == 1
    assert next(reading.all("html"))["lang"] == "en"
    used = {attrs["href"] for attrs in reading.all("use")}
    assert {f"#{id_}" for id_ in ids} >= used


async def test_the_matrix_shows_state_time_and_counts(world: World, client: Client) -> None:
    await story(world)
    reading = await page(client)
    text = " ".join(reading.text.split())
    assert (
        "to Reef unobserved 1.2 s 1 delivered, 1 refused, 1 bounced, 1 unsent, 1 unobserved"
    ) in text
    links = [attrs["href"] for attrs in reading.all("a")]
    assert "/?sender_provider=North&recipient_provider=Reef#probes" in links
    fills = [attrs for attrs in reading.all("rect") if "fill" in (attrs.get("class") or "")]
    assert len(fills) == 5


async def test_every_probe_in_the_list_leads_to_its_page(world: World, client: Client) -> None:
    await story(world)
    reading = await page(client)
    links = [a["href"] for a in reading.all("a") if (a["href"] or "").startswith("/probes/")]
    assert len(links) == 6
    for link in links:
        assert link
        await page(client, link)


async def test_the_list_is_narrowed_and_says_so(world: World, client: Client) -> None:
    await story(world)
    reading = await page(client, "/?outcome=refused")
    assert [a for a in reading.all("a") if a["href"] == "/probes/PROBE00000000002"]
    assert not [a for a in reading.all("a") if a["href"] == "/probes/PROBE00000000001"]
    assert "outcome refused" in " ".join(reading.text.split())
    none = await page(client, "/?outcome=lost")
    assert "No probes match." in " ".join(none.text.split())


async def test_older_probes_are_a_link_that_keeps_the_filter(world: World, client: Client) -> None:
    for number in range(5):
        await world.tell(make_probe(number, planned_at=NOW + number), accepted(NOW + number))
    reading = await page(client, "/?sender_provider=North&limit=3")
    (older,) = (a["href"] for a in reading.all("a") if "cursor=" in (a["href"] or ""))
    assert older
    assert "sender_provider=North" in older
    rest = await page(client, older)
    assert len([a for a in rest.all("a") if (a["href"] or "").startswith("/probes/")]) == 2


async def test_a_blind_mailbox_is_listed_with_its_reason(world: World, client: Client) -> None:
    blind = replace(LIVE.watches[3], watched=False, detail="login refused: bad password")
    world.now(watches=(*LIVE.watches[:3], blind, *LIVE.watches[4:]))
    text = " ".join((await page(client)).text.split())
    assert "1 mailbox not watched: north-2" in text
    assert "not watched since 2026-05-28 20:16:40: login refused: bad password" in text
    assert "7 of 8" in text


async def test_of_very_many_folders_only_the_blind_are_named(world: World, client: Client) -> None:
    boxes = tuple(Mailbox(f"m{n}", f"m{n}@x.example", "X") for n in range(100))
    watches = [FolderWatch(b.id, f, watched=True, since=NOW) for b in boxes for f in WATCHED]
    for number in range(SHOWN_WATCHES + 6):
        watches[number] = replace(watches[number], watched=False, detail="away")
    world.now(watches=tuple(watches))
    text = " ".join((await page(client)).text.split())
    assert text.count(": away") == SHOWN_WATCHES
    assert f"{200 - SHOWN_WATCHES} further folders not shown." in text


async def test_a_probe_is_told_with_its_facts(world: World, client: Client) -> None:
    await story(world)
    text = " ".join((await page(client, "/probes/PROBE00000000001")).text.split())
    assert "Delivered. It arrived in the inbox after 1.2 s." in text
    assert "Accepted by the sender's server" in text
    assert "Submission 500 ms" in text
    assert "EHLO mailprobe.invalid" in text
    assert "b.example from a.example start" in text
    assert "with SMTP 20 s" in text
    assert "Header as it arrived" in text


async def test_a_bounce_is_shown_raw_and_folded(world: World, client: Client) -> None:
    await story(world)
    reading = await page(client, "/probes/PROBE00000000003")
    assert "Bounced. It was accepted, and later a bounce came back." in reading.text
    assert "A" * 10_000 in reading.text
    assert all("open" not in attrs for attrs in reading.all("details"))


async def test_an_endless_bounce_is_cut(world: World, client: Client) -> None:
    dsn = Dsn((DsnRecipient("x@y.example", Action.FAILED),))
    raw = "<&" * 130_000
    await world.tell(make_probe(1), accepted(NOW), Notified(NOW + 1, dsn, raw))
    _, text = await client.get("/probes/PROBE00000000001")
    assert len(html.unescape(text)) < 100_000
    assert "more characters)" in text


async def test_a_probe_that_nobody_knows_is_not_found(client: Client) -> None:
    response, text = await client.get("/probes/PROBE00000000009")
    assert response.status == 404
    assert "past its retention" in text


async def test_parts_that_refresh_have_an_id_to_be_found_by(world: World, client: Client) -> None:
    await story(world)
    reading = await page(client)
    live = [attrs for _, attrs in reading.elements if "data-live" in attrs]
    assert {attrs["id"] for attrs in live} == {"fresh", "headline", "matrix", "watches", "probes"}


async def test_without_javascript_the_page_reloads_itself(client: Client) -> None:
    _, text = await client.get("/")
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', text)


async def test_the_name_of_the_msp_is_text(world: World) -> None:
    sources = replace(world.sources(), msp=lambda: SCRIPT)
    assert sources.msp() == SCRIPT
    world.sources = lambda: sources  # type: ignore[method-assign]
    async with world.served() as client:
        reading = await page(client)
    assert SCRIPT in reading.text
