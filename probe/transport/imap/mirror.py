"""The server's sequence numbers, and when each message became visible.

IMAP tells of new mail by a number only: ``* 7 EXISTS`` (RFC 9051 §7.4.1). Which message that
is, a later FETCH says. Between the two others may be expunged and all numbers move, so this
keeps runs of numbers that became visible at the same moment, and shifts them.
"""

from bisect import bisect_right
from typing import NamedTuple

SETTLING = 0.4
"""A push this soon after IDLE began may be of a message that came just before it: the server
looks at the folder when IDLE begins. Only later ones are exact."""

MAX_RUNS = 256
"""Pushes between two reads of the folder; each push is read at once, so there are few."""


class Visible(NamedTuple):
    """When a message became visible."""

    at: float
    exact: bool
    """The push came in a live IDLE, so it was not there a moment before."""


class Mirror:
    """What we know of one open folder."""

    __slots__ = ("_seen", "_starts", "count")

    def __init__(self) -> None:
        self.count = 0
        self._starts: list[int] = []
        self._seen: list[Visible] = []

    def reset(self) -> None:
        """Another folder is being opened."""
        self.count = 0
        self._starts.clear()
        self._seen.clear()

    def exists(self, count: int, seen: Visible) -> None:
        """``EXISTS``: the numbers above the old count are new."""
        if count > self.count:
            self._starts.append(self.count + 1)
            self._seen.append(seen)
            if len(self._starts) > MAX_RUNS:  # forget the oldest: unknown is better than wrong
                del self._starts[0], self._seen[0]
        self.count = count
        self._trim()

    def expunge(self, number: int) -> None:
        """``EXPUNGE``: all numbers above it move down by one."""
        if not 1 <= number <= self.count:
            return  # nonsense changes nothing
        self.count -= 1
        self._starts = [start - (start > number) for start in self._starts]
        self._drop_empty()
        self._trim()

    def vanished(self, count: int) -> None:
        """``VANISHED``: told by UID, so it is no longer known which number is which."""
        self.reset_times()
        self.count = max(0, self.count - count)

    def reset_times(self) -> None:
        """Keep the count, forget when."""
        self._starts.clear()
        self._seen.clear()

    def seen(self, number: int) -> Visible | None:
        """When the message that now has this number became visible; None if not known."""
        place = bisect_right(self._starts, number) - 1
        return self._seen[place] if place >= 0 and number <= self.count else None

    def _drop_empty(self) -> None:
        for place in range(len(self._starts) - 2, -1, -1):
            if self._starts[place] == self._starts[place + 1]:
                del self._starts[place], self._seen[place]

    def _trim(self) -> None:
        while self._starts and self._starts[-1] > self.count:
            self._starts.pop()
            self._seen.pop()
