"""The pages: / (how everything stands) and /probes/ID (one probe in full)."""

from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

import probe
from probe.core.event import Notified, Sighted, Submission
from probe.core.live import Live
from probe.core.outcome import Outcome
from probe.mail.trace import Hop, parse
from probe.views import drawing, paging, static, story, wording
from probe.views.headline import headline
from probe.views.matrix import LEVELS, Board
from probe.views.sources import SOURCES, Sources

SHOWN_WATCHES = 24
"""Folders listed by name; of more, only those that are blind, and a count."""

RAW_SHOWN = 64 * 1024
"""Characters of a bounce or header that a page shows."""

routes = web.RouteTableDef()


def _environment() -> Environment:
    pages = Environment(
        loader=PackageLoader("probe.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "clock": wording.clock,
        "rfc3339": wording.rfc3339,
        "duration": wording.duration,
        "visible": wording.visible,
        "count": wording.count,
    }
    pages.globals |= {
        "version": probe.__version__,
        "static_version": static.VERSION,
        "sparkline": drawing.sparkline,
        "bars": drawing.bars,
        "levels": LEVELS,
        "level_of": story.level,
        "spark_width": drawing.SPARK_WIDTH,
        "spark_height": drawing.SPARK_HEIGHT,
        "outcomes": tuple(Outcome),
        "raw_shown": RAW_SHOWN,
    }
    return pages


_PAGES = _environment()
BOARD = web.AppKey("board", Board)


@routes.get("/")
async def status(request: web.Request) -> web.Response:
    """Show how everything stands, and the last probes, filtered by the query string."""
    sources = request.app[SOURCES]
    query = paging.probe_query(request.query)
    standings = await sources.archive.ask(query.ask)
    live = sources.live()
    matrix = request.app[BOARD].matrix(live, sources.recent)
    following = paging.next_cursor(standings, query.limit)
    return _html(
        "status.html",
        sources,
        live,
        headline=headline(live, matrix),
        matrix=matrix,
        watches=_watches(live),
        standings=standings,
        filters=_filters(request),
        older=_link(request, cursor=following) if following else None,
    )


@routes.get("/probes/{id}")
async def one_probe(request: web.Request) -> web.Response:
    """Show one probe with everything that is known of it."""
    sources = request.app[SOURCES]
    probe_id = request.match_info["id"]
    history = await sources.archive.ask(lambda reader: reader.history(probe_id))
    if history is None:
        raise web.HTTPNotFound(
            text="no such probe: it was never planned, or is past its retention"
        )
    live = sources.live()
    return _html(
        "probe.html",
        sources,
        live,
        history=history,
        sentence=story.sentence(history.probe, history.verdict, live.now),
        timeline=story.timeline(history),
        exchanges=[e for e in history.events if isinstance(e, Submission)],
        ways=[_way(e) for e in history.events if isinstance(e, Sighted)],
        notifications=[e for e in history.events if isinstance(e, Notified)],
    )


def _way(sighting: Sighted) -> tuple[Sighted, tuple[Hop, ...], float]:
    """A sighting, the hops before it, and the scale to draw them to."""
    hops = parse(sighting.header)
    longest = max((hop.delay or 0.0 for hop in hops), default=0.0)
    return sighting, hops, max(longest, 1.0)  # servers write whole seconds


def _html(name: str, sources: Sources, live: Live, **values: object) -> web.Response:
    text = _PAGES.get_template(name).render(msp=sources.msp(), live=live, **values)
    return web.Response(text=text, content_type="text/html")


def _watches(live: Live) -> dict[str, object]:
    blind = [watch for watch in live.watches if not watch.watched]
    shown = live.watches if len(live.watches) <= SHOWN_WATCHES else blind[:SHOWN_WATCHES]
    return {
        "shown": sorted(shown, key=lambda watch: (watch.watched, watch.mailbox, watch.folder)),
        "total": len(live.watches),
        "blind": len(blind),
        "hidden": len(live.watches) - len(shown),
    }


def _filters(request: web.Request) -> dict[str, str]:
    """What the list of probes is narrowed to, for a person."""
    return {name: value for name, value in request.query.items() if value and name != "limit"}


def _link(request: web.Request, **more: str) -> str:
    return "/?" + urlencode({**request.query, **more}) + "#probes"
