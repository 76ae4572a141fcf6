"""The metrics: counts pushed by verdicts, gauges read at a scrape, rendered off the event loop.

The names and what they mean: docs/metrics.md.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from probe.core.event import Timings
from probe.core.live import Live
from probe.core.tally import Change, Tallies, count
from probe.journal.records import RouteStanding
from probe.views.observed import Observed, Server
from probe.views.route_table import Pair, RouteState, RouteTable
from probe.views.snapshot import copied, live_families, pair_families

CACHE_SECONDS = 1.0
"""Two Prometheus servers, or a person beside one, share a rendering; no scrape interval in use
is as short."""

RENDER_TIMEOUT = 10.0
"""Prometheus's default scrape time-out: nobody waits for longer."""

Exposition = tuple[bytes, ...]
"""The text, in pieces."""


class Metrics:
    """All metrics of one process. To be called in the event loop."""

    def __init__(
        self, live: Callable[[], Live], tallies: Tallies, routes: Iterable[RouteStanding]
    ) -> None:
        self._live = live
        self._tallies = copied(tallies)
        self._states = {
            (r.sender, r.recipient): RouteState(r.at, r.outcome, r.at, r.delivery_seconds)
            for r in routes
        }
        self._changed: dict[Pair, RouteState] = {}
        self._table: RouteTable | None = None
        self._cached: Exposition = ()
        self._cached_until = 0.0
        self._rendering = asyncio.Lock()
        self._observed = Observed()

    def changed(self, change: Change) -> None:
        """Count a verdict; a listener of the correlator."""
        count(self._tallies, change)
        planned, verdict, route = change.probe.planned_at, change.after, change.probe.route
        if not verdict.final or verdict.outcome is None:
            return
        known = self._states.get(route)
        if known is None or planned >= known.planned_at:
            state = RouteState(planned, verdict.outcome, verdict.at, verdict.delivery_seconds)
            self._states[route] = self._changed[route] = state

    def submitted(self, provider: str, timings: Timings) -> None:
        """Observe a submission that a server accepted."""
        self._observed.submitted(provider, timings)

    def certificate(self, host: str, protocol: str, expires: float) -> None:
        """Remember when the certificate that a server showed expires."""
        self._observed.certificate((host, protocol), expires)

    def reconfigured(self, servers: Collection[Server]) -> None:
        """After a reload: forget what is gone. ``servers`` are those still used."""
        live = self._live()
        self._observed.keep_certificates(servers)
        self._observed.keep_providers({box.provider for box in live.mailboxes})
        configured = {route.pair for route in live.routes}
        self._states = {pair: s for pair, s in self._states.items() if pair in configured}
        self._cached_until = 0.0

    async def exposition(self) -> Exposition:
        """Render, or hand out what was rendered a moment ago; one rendering at a time."""
        async with asyncio.timeout(RENDER_TIMEOUT), self._rendering:
            if time.monotonic() >= self._cached_until:
                self._cached = await self._fresh()
                self._cached_until = time.monotonic() + CACHE_SECONDS
            return self._cached

    async def _fresh(self) -> Exposition:
        """Copy what the thread will read, and let it write.

        The table is the thread's while it works. If that fails, or we stop waiting, the table
        is lost and the next rendering makes one anew.
        """
        live, tallies = self._live(), copied(self._tallies)
        table, self._table = self._table, None
        changed, self._changed = self._changed, {}
        if table is None or not table.fits(live):
            table, changed = None, dict(self._states)
        self._table, written = await asyncio.to_thread(
            _write, live, tallies, table, changed, self._observed
        )
        return written


def _write(
    live: Live,
    tallies: Tallies,
    table: RouteTable | None,
    changed: Mapping[Pair, RouteState],
    observed: Observed,
) -> tuple[RouteTable, Exposition]:
    if table is None:
        table = RouteTable(live, changed)
    else:
        table.apply(changed)
    computed = (*live_families(live), *pair_families(table.provider_pairs, tallies))
    return table, (
        *(text.encode() for text in computed),
        *(chunk for chunk in table.chunks() if chunk),
        observed.render(),
    )
