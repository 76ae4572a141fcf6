"""The JSON API, read only: /api/v1/routes, probes, probes/ID and providers."""

from aiohttp import web

from probe.journal.reader import Reader
from probe.journal.records import RouteStanding
from probe.views import paging
from probe.views.document import (
    Document,
    history_document,
    probe_document,
    provider_documents,
    route_documents,
)
from probe.views.sources import SOURCES

routes = web.RouteTableDef()

_PAGED = frozenset({"limit", "cursor"})


@routes.get("/api/v1/probes")
async def probes(request: web.Request) -> web.Response:
    """List probes, newest first."""
    query = paging.probe_query(request.query)
    page = await request.app[SOURCES].archive.ask(query.ask)
    return web.json_response(
        {
            "probes": [probe_document(standing) for standing in page],
            "next": paging.next_cursor(page, query.limit),
        }
    )


@routes.get("/api/v1/probes/{id}")
async def probe(request: web.Request) -> web.Response:
    """Show one probe with its facts."""
    probe_id = request.match_info["id"]
    history = await request.app[SOURCES].archive.ask(lambda reader: reader.history(probe_id))
    if history is None:
        raise web.HTTPNotFound(text="no such probe")
    return web.json_response(history_document(history))


@routes.get("/api/v1/routes")
async def list_routes(request: web.Request) -> web.Response:
    """List the configured routes, sorted by sender and recipient, with the last verdicts."""
    sources = request.app[SOURCES]
    given = paging.bounded(request.query, _PAGED | {"since"})
    live, since = sources.live(), paging.since(given)
    documents = await sources.archive.ask(
        lambda reader: route_documents(live, _standings(reader), since)
    )
    return _page("routes", documents, given)


@routes.get("/api/v1/providers")
async def list_providers(request: web.Request) -> web.Response:
    """List the providers, sorted, with what was counted for each."""
    sources = request.app[SOURCES]
    given = paging.bounded(request.query, _PAGED)
    tallies = await sources.archive.ask(Reader.tallies)
    return _page("providers", provider_documents(sources.live(), tallies), given)


def _standings(reader: Reader) -> dict[tuple[str, str], RouteStanding]:
    return {(standing.sender, standing.recipient): standing for standing in reader.routes()}


def _page(name: str, documents: list[Document], given: dict[str, str]) -> web.Response:
    """Cut a page out of a sorted list; its cursor is a place in that list."""
    size, start = paging.limit(given), paging.place(given)
    following = str(start + size) if start + size < len(documents) else None
    return web.json_response({name: documents[start : start + size], "next": following})
