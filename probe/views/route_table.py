"""The three gauges of each route, written once and rewritten when a verdict changes them.

One thread at a time works on a table: the one that renders.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probe.core.live import Live
from probe.core.outcome import Outcome
from probe.views.exposition import PREFIX, head, labels, number

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
        clients = {box.id: box.client for box in live.mailboxes}
        self._labels: dict[Pair, str] = {}
        for route in live.routes:
            client = clients.get(route.recipient) or clients.get(route.sender, "")
            self._labels[route.pair] = labels(
                sender=route.sender, recipient=route.recipient, client=client
            )
        self._index = {pair: number for number, pair in enumerate(self._labels)}
        self._lines = [[b""] * len(self._labels) for _ in _FAMILIES]
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
        seen = state.outcome is not Outcome.UNOBSERVED
        values = (
            int(state.outcome in UP) if seen else None,
            state.delivery_seconds,
            state.at,
        )
        for (name, _), lines, value in zip(_FAMILIES, self._lines, values, strict=True):
            lines[index] = (
                b"" if value is None else f"{PREFIX}{name}{label_set} {number(value)}\n".encode()
            )
