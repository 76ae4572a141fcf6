"""The Prometheus text format, version 0.0.4: one family of samples after another.

prometheus_client writes about 100,000 samples a second; a scrape of 25,000 routes has 75,000.
So what is computed from a snapshot is written here, and what is observed (submission times, the
process) stays in a registry.
"""

import math
from collections.abc import Iterable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "mailprobe_"

_EXACT = 2**53
"""Beyond this a float is no longer exact to the unit."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(value: str) -> str:
    """Make text safe inside the quotes of a label value."""
    return value.translate(_ESCAPES)


def labels(**values: str) -> str:
    """Write a label set with its braces, in the order given; an empty value is no label."""
    inner = ",".join(f'{name}="{escape(value)}"' for name, value in values.items() if value)
    return f"{{{inner}}}" if inner else ""


def number(value: float) -> str:
    """Write a value as Go's ParseFloat reads it, whole numbers without a point."""
    if value % 1 == 0 and abs(value) < _EXACT:
        return str(int(value))
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def head(name: str, kind: str, text: str) -> str:
    """Write the two lines that begin a family; ``name`` without the prefix."""
    name = PREFIX + name
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> str:
    """Write one family; each sample is a label set as ``labels`` writes it, and a value."""
    full = PREFIX + name
    lines = [head(name, kind, text)]
    lines += [f"{full}{label_set} {number(value)}\n" for label_set, value in samples]
    return "".join(lines)


def histogram(
    name: str,
    text: str,
    bounds: tuple[float, ...],
    rows: Iterable[tuple[str, list[int], float]],
) -> str:
    """Write a histogram family.

    Each row: its labels without braces, its counts per bucket (not cumulative, the last beyond
    every bound), and the sum of what was observed.
    """
    full = PREFIX + name
    edges = [*(_edge(bound) for bound in bounds), "+Inf"]
    lines = [head(name, "histogram", text)]
    for inner, counts, total in rows:
        reached = 0
        for edge, count in zip(edges, counts, strict=True):
            reached += count
            lines.append(f'{full}_bucket{{{inner},le="{edge}"}} {reached}\n')
        lines.append(f"{full}_sum{{{inner}}} {number(total)}\n")
        lines.append(f"{full}_count{{{inner}}} {reached}\n")
    return "".join(lines)


def _edge(bound: float) -> str:
    return repr(float(bound))  # as prometheus_client and Go write it: "1.0"
