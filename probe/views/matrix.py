"""The matrix of providers: how mail between each two providers stands."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from probe.core.live import Live
from probe.core.mailbox import Mailbox, Route
from probe.core.outcome import Outcome
from probe.core.tally import Pair
from probe.views.recent import Mark, Recent

WINDOW = 86400.0
"""Seconds; what is older says nothing about today."""

MISSED_TURNS = 3
"""After so many intervals without a verdict the last one is no longer shown as the present."""


class Level(StrEnum):
    """How a thing stands, for colour and shape; in order of alarm."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARN = "warn"
    BAD = "bad"


LEVELS = {
    Outcome.DELIVERED: Level.OK,
    Outcome.DELAYED: Level.WARN,
    Outcome.JUNKED: Level.BAD,
    Outcome.REFUSED: Level.BAD,
    Outcome.BOUNCED: Level.BAD,
    Outcome.LOST: Level.BAD,
    Outcome.UNSENT: Level.BAD,
    Outcome.UNOBSERVED: Level.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One sender's provider to one recipient's provider."""

    pair: Pair
    level: Level
    word: str
    """The state in a word or three."""
    marks: tuple[Mark, ...] = ()
    """Oldest first."""

    @property
    def shares(self) -> dict[Outcome, int]:
        """How many probes came to each outcome; only those that occur, in a fixed order."""
        counts = Counter(mark.outcome for mark in self.marks)
        return {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}

    @property
    def delivery_times(self) -> list[float | None]:
        """Of each probe, oldest first; None where it did not arrive."""
        return [mark.delivery_seconds for mark in self.marks]

    @property
    def median(self) -> float | None:
        """The middle delivery time of those that arrived."""
        times = [time for time in self.delivery_times if time is not None]
        return median(times) if times else None


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells; a pair without a route has none."""

    senders: tuple[str, ...]
    recipients: tuple[str, ...]
    cells: dict[Pair, Cell]

    def level(self, *levels: Level) -> list[Cell]:
        """The cells that stand so."""
        return [cell for cell in self.cells.values() if cell.level in levels]


class Board:
    """Draws the matrix; remembers what depends on the config alone."""

    def __init__(self) -> None:
        self._routes: tuple[Route, ...] = ()
        self._mailboxes: tuple[Mailbox, ...] = ()
        self._patience: dict[Pair, float] = {}

    def matrix(self, live: Live, recent: Recent) -> Matrix:
        """The matrix as it stands now."""
        if live.routes is not self._routes or live.mailboxes is not self._mailboxes:
            self._routes, self._mailboxes = live.routes, live.mailboxes
            self._patience = patience(live)
        cells = {
            pair: cell(pair, recent.marks(pair, live.now - WINDOW), live.now - wait)
            for pair, wait in self._patience.items()
        }
        return Matrix(
            tuple(sorted({sender for sender, _ in cells})),
            tuple(sorted({recipient for _, recipient in cells})),
            cells,
        )


def patience(live: Live) -> dict[Pair, float]:
    """How old the newest probe between two providers may be, in seconds, by pair."""
    home = {box.id: box.provider for box in live.mailboxes}
    longest: dict[Pair, float] = {}
    for route in live.routes:
        pair = (home[route.sender], home[route.recipient])
        wait = MISSED_TURNS * route.interval + route.delayed_after
        longest[pair] = max(wait, longest.get(pair, 0.0))
    return dict(sorted(longest.items()))


def cell(pair: Pair, marks: list[Mark], fresh_after: float) -> Cell:
    """Judge by the last verdict of each route; the probes before it are history."""
    if not marks:
        return Cell(pair, Level.UNKNOWN, "no probe yet")
    if marks[-1].planned_at < fresh_after:
        return Cell(pair, Level.UNKNOWN, "no recent probe", tuple(marks))
    latest = {mark.route: mark.outcome for mark in marks}
    level, word = _state(Counter(latest.values()))
    return Cell(pair, level, word, tuple(marks))


def _state(outcomes: Counter[Outcome]) -> tuple[Level, str]:
    by_level = {level: Counter[Outcome]() for level in Level}
    for outcome, number in outcomes.items():
        by_level[LEVELS[outcome]][outcome] = number
    bad, late, good = (by_level[level] for level in (Level.BAD, Level.WARN, Level.OK))
    if bad:
        word = bad.most_common(1)[0][0].value
        return (Level.WARN, f"partly {word}") if good or late else (Level.BAD, word)
    if late:
        return Level.WARN, ("partly delayed" if good else "delayed")
    return (Level.OK, "delivered") if good else (Level.UNKNOWN, "unobserved")
