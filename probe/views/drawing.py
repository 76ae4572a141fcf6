"""Geometry of the small pictures; the templates write the SVG.

Only attributes, no styles: the page's content security policy allows no inline style.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPARK_WIDTH, SPARK_HEIGHT = 120, 26
_MARGIN = 2.0
"""Room for half the line's width."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line through delivery times, broken where nothing arrived, and ticks in the gaps."""

    path: str
    """As ``d`` of an SVG path."""
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
    path: list[str] = []
    misses: list[float] = []
    pen = "M"
    for number, time in enumerate(times):
        x = round(_MARGIN + number * step, 1)
        if time is None:
            misses.append(x)
            pen = "M"
        else:
            path.append(f"{pen}{x} {SPARK_HEIGHT - _MARGIN - room * time / top:.1f}h0")
            pen = "L"
    return Sparkline("".join(path), tuple(misses))


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
