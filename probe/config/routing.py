"""The routes of a config: meshed, listed, and whether they make sense."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from probe.config.draft import Draft
from probe.config.duration import spell
from probe.config.explain import closest
from probe.config.model import Defaults, Mailbox, Mesh, RouteEntry
from probe.config.problem import KeyPath
from probe.config.report import Report
from probe.core import mesh
from probe.core.mailbox import Mailbox as Place
from probe.core.mailbox import Route

ROUTE_LIMIT = 100_000
"""Four times what a large installation has; more is a mesh that nobody meant."""

DAY = 86_400.0

Listed = Mapping[tuple[str, str], int]
"""Where in ``routes.list`` a route stands, by its pair."""


def routes(draft: Draft, places: Sequence[Place], report: Report) -> tuple[Route, ...]:
    """Every directed pair once; what is wrong with any of them goes into the report."""
    defaults = draft.defaults or Defaults()
    listed = _listed(draft, report)
    pairs = dict.fromkeys([*_meshed(draft, places, report), *listed])
    entries = {pair: draft.entries[i] for pair, i in listed.items()}
    found = tuple(_route(pair, entries.get(pair), defaults) for pair in pairs)
    if draft.whole and not report.problems and not found:
        report.problem(("routes",), _no_route(draft.mesh))
    if draft.defaults is not None:  # else nobody knows yet what most routes are to do
        _check_thresholds(draft.defaults, entries, listed, report)
        _check_mailboxes(draft, found, report)
    return found


def _meshed(draft: Draft, places: Sequence[Place], report: Report) -> Iterator[mesh.Pair]:
    if draft.mesh is Mesh.ALL:
        count, pairs = mesh.count_all(places), mesh.all_pairs(places)
    elif draft.mesh is Mesh.PROVIDERS:
        count, pairs = mesh.count_by_provider(places), mesh.by_provider(places)
    else:
        return iter(())
    if count <= ROUTE_LIMIT:
        return pairs
    message = f"this mesh makes {count} routes, more than {ROUTE_LIMIT}: list the routes you need"
    report.problem(("routes", "mesh"), message)
    return iter(())


def _listed(draft: Draft, report: Report) -> Listed:
    listed: dict[tuple[str, str], int] = {}
    for i, entry in draft.entries.items():
        path: KeyPath = ("routes", "list", i)
        pair = (entry.sender, entry.recipient)
        known = [_check_end(name, key, path, draft, report) for key, name in _ends(entry)]
        if entry.sender == entry.recipient:
            report.problem(path, f"goes from {entry.sender} to itself: name two mailboxes")
        elif pair in listed:
            report.problem(path, f"is the same route as routes.list.{listed[pair]}: keep one")
        elif all(known):
            listed[pair] = i
    return listed


def _ends(entry: RouteEntry) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("from", entry.sender), ("to", entry.recipient)


def _check_end(name: str, key: str, path: KeyPath, draft: Draft, report: Report) -> bool:
    if name in draft.claimed:
        return True
    report.problem((*path, key), f"no mailbox has the id {name}{closest(name, draft.claimed)}")
    return False


def _route(pair: tuple[str, str], entry: RouteEntry | None, defaults: Defaults) -> Route:
    if entry is None:
        return Route(*pair, defaults.interval, defaults.delayed_after, defaults.lost_after)
    return Route(
        *pair,
        interval=defaults.interval if entry.interval is None else entry.interval,
        delayed_after=_or(entry.delayed_after, defaults.delayed_after),
        lost_after=_or(entry.lost_after, defaults.lost_after),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _no_route(mesh_kind: Mesh | None) -> str:
    if mesh_kind is Mesh.PROVIDERS:
        return (
            "no route at all: every mailbox is at the same provider; "
            "set mesh: all, or add a mailbox elsewhere"
        )
    return "no route at all: set mesh: providers or all, or list routes"


def _check_thresholds(
    defaults: Defaults,
    entries: Mapping[tuple[str, str], RouteEntry],
    listed: Listed,
    report: Report,
) -> None:
    """A probe must be late before it is lost."""
    sections: list[tuple[KeyPath, Defaults | Route]] = [(("defaults",), defaults)]
    for pair, entry in entries.items():
        if entry.delayed_after is not None or entry.lost_after is not None:
            path: KeyPath = ("routes", "list", listed[pair])
            sections.append((path, _route(pair, entry, defaults)))
    for path, times in sections:
        if times.delayed_after >= times.lost_after:
            delayed, lost = spell(times.delayed_after), spell(times.lost_after)
            message = f"delayed_after ({delayed}) must be shorter than lost_after ({lost})"
            report.problem(path, message)


def _check_mailboxes(draft: Draft, found: Sequence[Route], report: Report) -> None:
    out, into = defaultdict(list), defaultdict(list)
    for route in found:
        out[route.sender].append(route)
        into[route.recipient].append(route)
    for i, mailbox in draft.mailboxes.items():
        _check_budget(mailbox, out[mailbox.id], ("mailboxes", i), report)
        _check_poll(mailbox, into[mailbox.id], ("mailboxes", i), report)


def _check_budget(mailbox: Mailbox, out: Sequence[Route], path: KeyPath, report: Report) -> None:
    """The provider's patience is spent by all routes of a mailbox together."""
    planned = ceil(sum(DAY / route.interval for route in out))
    if planned <= mailbox.sends_per_day:
        return
    fitting = spell(ceil(len(out) * DAY / mailbox.sends_per_day))
    plural = "s" if len(out) > 1 else ""
    report.problem(
        (*path, "sends_per_day"),
        f"{mailbox.id} would send {planned} messages a day over {len(out)} route{plural}, more "
        f"than its {mailbox.sends_per_day}: an interval of {fitting} or longer would fit",
    )


def _check_poll(mailbox: Mailbox, into: Sequence[Route], path: KeyPath, report: Report) -> None:
    """Else whatever a push missed would look late, for no fault but ours."""
    strictest = min(into, key=lambda route: route.delayed_after, default=None)
    if strictest is None or mailbox.imap.poll < strictest.delayed_after:
        return
    report.problem(
        (*path, "imap", "poll"),
        f"poll ({spell(mailbox.imap.poll)}) must be shorter than the delayed_after "
        f"({spell(strictest.delayed_after)}) of the route from {strictest.sender}: else a "
        "message found by polling always looks late",
    )
