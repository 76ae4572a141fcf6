"""The three gauges of each route, written once and rewritten when a verdict changes them.

One thread at a time works on a table: the one that renders.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probe.core.live import Live
from probe.core.outcome import Outcome
from probe.views.exposition import PREFIX, escape, head, number

Pair = tuple[str, str]
"""Sender and recipient, mailbox ids."""

UP = frozenset({Outcome.DELIVERED, Outcome.DELAYED})
"""Final outcomes of mail that came to the inbox."""

_FAMILIES = (
    (
        "route_up",
        "Whether the route's last judged probe came to the inbox; absent while unobserved",
    ),
    (
        "route_last_delivery_seconds",
        "Delivery time of the route's last judged probe; absent unless it arrived",
    ),
    (
        "route_last_verdict_timestamp_seconds",
        "When what decided the route's last judged probe happened",
    ),
)

_NAMES = tuple(PREFIX + name for name, _ in _FAMILIES)

CHUNK = 1000
"""Routes joined in one piece, about 100 kB: some tens of microseconds without letting others
run, and a size that a socket takes at once."""


@dataclass(frozen=True, slots=True)
class RouteState:
    """The last final verdict of a route."""

    planned_at: float
    """Of its probe: a verdict on an earlier probe does not replace one on a later."""
    outcome: Outcome
    at: float
    delivery_seconds: float | None


class RouteTable:
    """The lines of all configured routes."""

    def __init__(self, live: Live, states: Mapping[Pair, RouteState]) -> None:
        self._routes, self._mailboxes = live.routes, live.mailboxes
        self._labels = _label_sets(live)
        self._index = {pair: number for number, pair in enumerate(self._labels)}
        self._lines = [[b""] * len(self._labels) for _ in _FAMILIES]
        self.provider_pairs = _provider_pairs(live)
        self.apply(states)

    def fits(self, live: Live) -> bool:
        """Whether the configured routes are still the same."""
        return self._routes == live.routes and self._mailboxes == live.mailboxes

    def apply(self, states: Mapping[Pair, RouteState]) -> None:
        """Rewrite the lines of these routes; one that is not configured is passed over."""
        for pair, state in states.items():
            if (index := self._index.get(pair)) is not None:
                self._write(index, self._labels[pair], state)

    def chunks(self) -> Iterable[bytes]:
        """All three families, in pieces."""
        for (name, text), lines in zip(_FAMILIES, self._lines, strict=True):
            yield head(name, "gauge", text).encode()
            for start in range(0, len(lines), CHUNK):
                yield b"".join(lines[start : start + CHUNK])

    def _write(self, index: int, label_set: str, state: RouteState) -> None:
        outcome, took = state.outcome, state.delivery_seconds
        up = "" if outcome is Outcome.UNOBSERVED else "1" if outcome in UP else "0"
        values = (up, "" if took is None else number(took), number(state.at))
        for name, lines, value in zip(_NAMES, self._lines, values):  # noqa: B905 - hot, both are three
            lines[index] = f"{name}{label_set} {value}\n".encode() if value else b""


def _label_sets(live: Live) -> dict[Pair, str]:
    """Each route's labels; ids are escaped once per mailbox, not once per route."""
    sender = {box.id: f'{{sender="{escape(box.id)}",recipient="' for box in live.mailboxes}
    recipient = {box.id: f'{escape(box.id)}"' for box in live.mailboxes}
    client = {
        box.id: f',client="{escape(box.client)}"}}' if box.client else "" for box in live.mailboxes
    }
    return {
        (a, b): f"{sender[a]}{recipient[b]}{client[b] or client[a] or '}'}"
        for a, b in (route.pair for route in live.routes)
    }


def _provider_pairs(live: Live) -> list[Pair]:
    """Between which providers there are routes, sorted."""
    home = {box.id: box.provider for box in live.mailboxes}
    return sorted({(home[route.sender], home[route.recipient]) for route in live.routes})
