"""Sets of message numbers (RFC 9051 §9, sequence-set)."""

from collections.abc import Iterable

from probe.transport.imap.reader import ProtocolError

MAX_NUMBER = 0xFFFFFFFF
"""RFC 9051 §9: a number is an unsigned 32-bit integer."""


def write(numbers: Iterable[int]) -> str:
    """``1:3,5``: exactly these numbers, neighbours joined."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def number(octets: bytes) -> int:
    """One number.

    Raises:
        ProtocolError: it is none, or too large for IMAP.
    """
    if not octets.isdigit() or len(octets) > 10 or int(octets) > MAX_NUMBER:
        raise ProtocolError("a number was expected")
    return int(octets)


def size(octets: bytes) -> int:
    """How many numbers a set names, counted without spelling it out.

    Raises:
        ProtocolError: it is not a set of numbers.
    """
    return sum(_length(item) for item in octets.split(b","))


def _length(item: bytes) -> int:
    first, colon, last = item.partition(b":")
    low = number(first)
    return abs(number(last) - low) + 1 if colon else 1
