"""Geometry of the small pictures; the templates write the SVG.

Only attributes, no styles: the page's content security policy allows no inline style.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPARK_WIDTH, SPARK_HEIGHT = 96, 24
_MARGIN = 2.0
"""Room for the line's own width and the last point."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line through delivery times, and ticks where nothing was delivered."""

    points: str
    """As the ``points`` of an SVG polyline."""
    last: tuple[float, float] | None
    misses: tuple[float, ...]
    """Horizontal places."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a whole, in percent."""

    name: str
    start: float
    width: float
    value: float


def sparkline(times: Sequence[float | None]) -> Sparkline:
    """Draw times from left to right; the highest one touches the top, zero is the bottom."""
    top = max((time for time in times if time is not None), default=0.0) or 1.0
    step = (SPARK_WIDTH - 2 * _MARGIN) / max(1, len(times) - 1)
    room = SPARK_HEIGHT - 2 * _MARGIN
    places = [(round(_MARGIN + number * step, 1), time) for number, time in enumerate(times)]
    points = [
        (x, round(SPARK_HEIGHT - _MARGIN - room * time / top, 1))
        for x, time in places
        if time is not None
    ]
    return Sparkline(
        points=" ".join(f"{x},{y}" for x, y in points),
        last=points[-1] if points else None,
        misses=tuple(x for x, time in places if time is None),
    )


def bars(values: Mapping[str, float], narrowest: float = 0.0) -> list[Bar]:
    """Lay values end to end on a scale of 100; none narrower than ``narrowest``."""
    total = sum(values.values())
    if not total:
        return []
    widths = {name: max(narrowest, 100 * value / total) for name, value in values.items()}
    scale = 100 / sum(widths.values())
    laid: list[Bar] = []
    start = 0.0
    for name, value in values.items():
        width = widths[name] * scale
        laid.append(Bar(name, round(start, 2), round(width, 2), value))
        start += width
    return laid
