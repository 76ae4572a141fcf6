"""The state of everything in one sentence. It says what is seen, not whose fault it is."""

from dataclasses import dataclass

from probe.core.live import Live
from probe.views.matrix import Cell, Level, Matrix
from probe.views.wording import count, duration, listed


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands at the head of the page."""

    level: Level
    sentence: str
    notes: tuple[str, ...] = ()
    """What else is wrong: with ourselves, mostly."""


def headline(live: Live, matrix: Matrix) -> Headline:
    """Say how it stands; our own troubles first, for they make the rest worth less."""
    notes = tuple(_own_troubles(live))
    stopped = [turn for turn in live.loops if turn.stopped(live.now)]
    if stopped:
        names = listed([turn.name for turn in stopped])
        silence = duration(max(live.now - turn.last_turn for turn in stopped))
        sentence = f"mailprobe itself has stopped working ({names}, for {silence})"
        return Headline(Level.BAD, sentence, notes)
    level, sentence = _mail(live, matrix)
    if notes and level is Level.OK:
        level = Level.WARN
    return Headline(level, sentence, notes)


def _mail(live: Live, matrix: Matrix) -> tuple[Level, str]:
    if not matrix.cells:
        return Level.UNKNOWN, "No routes are configured"
    if bad := matrix.level(Level.BAD):
        return Level.BAD, _failing(bad, matrix)
    if warn := matrix.level(Level.WARN):
        between = listed([f"{sender} to {recipient}" for sender, recipient in pairs(warn)])
        return Level.WARN, f"Mail is slow or partly failing from {between}"
    good = len(matrix.level(Level.OK))
    if not good:
        return Level.UNKNOWN, _nothing_known(live, matrix)
    if good < len(matrix.cells):
        return Level.OK, f"Mail arrives on {good} of {len(matrix.cells)} ways; the rest is unknown"
    return Level.OK, "All mail arrives"


def _nothing_known(live: Live, matrix: Matrix) -> str:
    if not live.ready:
        return "Starting: logging in"
    if any(cell.marks for cell in matrix.cells.values()):
        return "Nothing is known of the present: there are no recent verdicts"
    return "Waiting for the first verdict"


def _failing(bad: list[Cell], matrix: Matrix) -> str:
    failing = pairs(bad)
    into = [name for name in matrix.recipients if _all_fail(failing, pairs(_column(matrix, name)))]
    out_of = [name for name in matrix.senders if _all_fail(failing, pairs(_row(matrix, name)))]
    if len(into) == len(matrix.recipients):
        return "No mail arrives anywhere"
    if into and failing <= {pair for pair in failing if pair[1] in into}:
        return f"No mail arrives at {listed(into)}"
    if out_of and failing <= {pair for pair in failing if pair[0] in out_of}:
        return f"No mail from {listed(out_of)} arrives"
    between = listed([f"{sender} to {recipient}" for sender, recipient in sorted(failing)])
    return f"Mail fails from {between}"


def _column(matrix: Matrix, recipient: str) -> list[Cell]:
    return [cell for cell in matrix.cells.values() if cell.pair[1] == recipient]


def _row(matrix: Matrix, sender: str) -> list[Cell]:
    return [cell for cell in matrix.cells.values() if cell.pair[0] == sender]


def _all_fail(failing: set[tuple[str, str]], group: set[tuple[str, str]]) -> bool:
    """One failing pair says nothing about a whole provider; two or more do."""
    return len(group) > 1 and group <= failing


def pairs(cells: list[Cell]) -> set[tuple[str, str]]:
    """The pairs of these cells."""
    return {cell.pair for cell in cells}


def _own_troubles(live: Live) -> list[str]:
    troubles = []
    if blind := sorted({watch.mailbox for watch in live.watches if not watch.watched}):
        troubles.append(
            f"{count(len(blind), 'mailbox', 'mailboxes')} not watched: {listed(blind)}"
        )
    if not live.journal_writable:
        troubles.append("The journal cannot be written, so no probe is sent")
    if live.config_error:
        troubles.append("The last reload was refused, the config before it stays in force")
    return troubles
