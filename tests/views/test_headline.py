"""Everything in one sentence."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from probe.core.live import Live, LoopTurn
from probe.core.outcome import Outcome
from probe.views.headline import headline
from probe.views.matrix import Cell, Level, Matrix
from probe.views.recent import Mark
from tests.views.world import LIVE, NOW, WATCHES

NAMES = ("A", "B", "C")
PAIRS = {(a, b) for a in NAMES for b in NAMES if a != b}
INTO_B = {(a, b) for a, b in PAIRS if b == "B"}
OUT_OF_B = {(a, b) for a, b in PAIRS if a == "B"}


def matrix(bad: Iterable[tuple[str, str]] = (), **others: Iterable[tuple[str, str]]) -> Matrix:
    levels = dict.fromkeys(bad, Level.BAD)
    for level, pairs in others.items():
        levels |= dict.fromkeys(pairs, Level(level))
    cells = {pair: Cell(pair, levels.get(pair, Level.OK), "") for pair in sorted(PAIRS)}
    return Matrix(NAMES, NAMES, cells)


@pytest.mark.parametrize(
    ("drawn", "level", "sentence"),
    [
        (matrix(), Level.OK, "All mail arrives"),
        (matrix(PAIRS), Level.BAD, "No mail arrives anywhere"),
        (matrix(INTO_B), Level.BAD, "No mail arrives at B"),
        (matrix(OUT_OF_B), Level.BAD, "No mail from B arrives"),
        (matrix({("A", "B")}), Level.BAD, "Mail fails from A to B"),
        (matrix({("A", "B"), ("B", "C")}), Level.BAD, "Mail fails from A to B and B to C"),
        (
            matrix(INTO_B | {("B", "C")}),
            Level.BAD,
            "Mail fails from A to B, B to C and C to B",
        ),
        (
            matrix(warn={("A", "B")}),
            Level.WARN,
            "Mail is slow or partly failing from A to B",
        ),
        (
            matrix(unknown={("A", "B")}),
            Level.OK,
            "Mail arrives on 5 of 6 ways; the rest is unknown",
        ),
        (matrix(unknown=PAIRS), Level.UNKNOWN, "Waiting for the first verdict"),
        (Matrix((), (), {}), Level.UNKNOWN, "No routes are configured"),
    ],
)
def test_the_mail_in_one_sentence(drawn: Matrix, level: Level, sentence: str) -> None:
    found = headline(LIVE, drawn)
    assert (found.level, found.sentence, found.notes) == (level, sentence, ())


def test_a_pair_that_fails_beside_one_that_warns_is_what_is_told() -> None:
    found = headline(LIVE, matrix({("A", "B")}, warn={("B", "C")}))
    assert found.sentence == "Mail fails from A to B"


def test_a_single_pair_of_providers_is_not_told_as_a_whole_provider() -> None:
    pair = ("A", "B")
    other = ("B", "A")
    cells = {pair: Cell(pair, Level.BAD, ""), other: Cell(other, Level.OK, "")}
    found = headline(LIVE, Matrix(("A", "B"), ("A", "B"), cells))
    assert found.sentence == "Mail fails from A to B"


def test_at_the_start_it_says_so() -> None:
    found = headline(replace(LIVE, ready=False), matrix(unknown=PAIRS))
    assert found.sentence == "Starting: logging in"


def test_old_verdicts_alone_are_not_the_present() -> None:
    mark = Mark(("a", "b"), NOW - 9999, Outcome.DELIVERED, 1.0)
    drawn = matrix(unknown=PAIRS)
    cells = {pair: replace(cell, marks=(mark,)) for pair, cell in drawn.cells.items()}
    found = headline(LIVE, replace(drawn, cells=cells))
    assert found.level is Level.UNKNOWN
    assert found.sentence == "Nothing is known of the present: there are no recent verdicts"


def test_a_stopped_loop_goes_before_everything() -> None:
    live = replace(LIVE, loops=(LoopTurn("scheduler", NOW - 120, 30),))
    found = headline(live, matrix(INTO_B))
    assert found.level is Level.BAD
    assert found.sentence == "mailprobe itself has stopped working (scheduler, for 2 min)"


@pytest.mark.parametrize(
    ("live", "note"),
    [
        (
            replace(LIVE, watches=(replace(WATCHES[0], watched=False), *WATCHES[1:])),
            "1 mailbox not watched: north-1",
        ),
        (
            replace(LIVE, journal_writable=False),
            "The journal cannot be written, so no probe is sent",
        ),
        (
            replace(LIVE, config_error="x"),
            "The last reload was refused, the config before it stays in force",
        ),
    ],
)
def test_our_own_troubles_are_told_and_make_ok_a_warning(live: Live, note: str) -> None:
    found = headline(live, matrix())
    assert (found.level, found.notes) == (Level.WARN, (note,))
    assert headline(live, matrix(INTO_B)).level is Level.BAD


def test_a_mailbox_blind_in_two_folders_is_one_mailbox() -> None:
    blind = tuple(replace(watch, watched=False) for watch in WATCHES)
    (note,) = headline(replace(LIVE, watches=blind), matrix()).notes
    assert note == "4 mailboxes not watched: north-1, north-2, reef-1 and tern-1"
