"""Durations as people write them: ``30s``, ``5m``, ``1h30m``, ``90d``."""

import re
from functools import lru_cache

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
"""Milliseconds, so that the sum is exact."""

PATTERN = r"^(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"
"""Each unit at most once, from large to small: ``30m1h`` is a slip, not a style. Also the
pattern in the JSON schema."""

_SHAPE = re.compile(PATTERN, re.ASCII)
_HINT = "write it with its unit, as 30s, 5m, 1h30m or 90d"

_LONGEST = 3650 * 86_400_000
"""Ten years. Nothing here is meant to be longer, and more digits would overflow a timer."""

_DIGITS = 40
"""Longest text looked at, far above the longest sensible one."""


@lru_cache(maxsize=1024)
def parse(text: str) -> float:
    """Seconds; ValueError says in a sentence what is wrong."""
    match = _SHAPE.fullmatch(text) if len(text) <= _DIGITS else None
    if match is None:
        raise ValueError(f"{text[:_DIGITS]!r} is not a duration: {_HINT}")
    parts = (part for part in match.groups() if part)
    milliseconds = sum(_milliseconds(part) for part in parts)
    if milliseconds > _LONGEST:
        raise ValueError(f"{text} is longer than ten years (3650d)")
    return milliseconds / 1000


def from_value(value: object) -> float:
    """As ``parse``, for whatever stands in the file."""
    if value is None:
        raise ValueError(f"is empty: {_HINT}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"is not a duration: {_HINT}")  # noqa: TRY004 - pydantic collects these
    if isinstance(value, int):
        raise ValueError(f"{value} has no unit: {_HINT}")  # noqa: TRY004 - as above
    return parse(value)


def spell(seconds: float) -> str:
    """Text that ``parse`` reads as these seconds, to the millisecond; 30d and not 4w2d."""
    left = round(seconds * 1000)
    words = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            words.append(f"{count}{unit}")
    return "".join(words) or "0s"


def _milliseconds(part: str) -> int:
    digits = part.rstrip("wdhms")
    return int(digits) * _UNITS[part[len(digits) :]]
