"""Times and durations as people and machines read them, and text of strangers made visible."""

import re
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def rfc3339(at: float) -> str:
    """Write a time for machines, in UTC with milliseconds."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def clock(at: float) -> str:
    """Write a time for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """Write a duration in the two largest units that say something."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", 1, "s")
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def _two(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    count, rest = divmod(whole, large)
    return f"{count} {large_name}" + (f" {rest // small} {small_name}" if rest // small else "")


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(
        ",", "\N{NARROW NO-BREAK SPACE}"
    )


def listed(names: list[str], most: int = 4) -> str:
    """Write a list as a sentence does; a long one ends in a number."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


# Bidirectional and other invisible controls (Unicode TR 36 §2.6, TR 9) can make a line read as
# another one; C0 and C1 controls do worse in a terminal that the text is copied to.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def visible(text: str, most: int = 2000) -> str:
    """Show what strangers wrote: controls by number, cut at ``most`` characters."""
    text = text.replace("\r\n", "\n")
    cut = f" … ({len(text) - most} more characters)" if len(text) > most else ""
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text[:most]) + cut
