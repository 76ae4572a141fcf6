"""How mail between two providers is judged."""

from dataclasses import replace

import pytest

from probe.core.outcome import Outcome
from probe.views.matrix import LEVELS, WINDOW, Board, Cell, Level, cell, patience
from probe.views.recent import Mark, Recent
from tests.views.world import LIVE, NOW, ROUTES, World

PAIR = ("North", "Reef")
FRESH = NOW - 480


def mark(outcome: Outcome, route: int = 1, at: float = NOW, seconds: float | None = None) -> Mark:
    return Mark((f"a{route}", "b"), at, outcome, seconds)


def judged(*marks: Mark) -> tuple[Level, str]:
    found = cell(PAIR, list(marks), FRESH)
    return found.level, found.word


@pytest.mark.parametrize("outcome", Outcome)
def test_one_route_stands_as_its_last_verdict(outcome: Outcome) -> None:
    assert judged(mark(outcome)) == (LEVELS[outcome], outcome.value)


def test_what_was_before_the_last_verdict_of_a_route_is_history() -> None:
    bad, good = mark(Outcome.REFUSED, at=NOW - 60), mark(Outcome.DELIVERED)
    assert judged(bad, bad, good) == (Level.OK, "delivered")
    assert judged(good, replace(bad, planned_at=NOW + 1)) == (Level.BAD, "refused")


def test_some_bad_routes_are_a_warning_that_says_partly() -> None:
    assert judged(mark(Outcome.DELIVERED, 1), mark(Outcome.LOST, 2)) == (
        Level.WARN,
        "partly lost",
    )
    assert judged(mark(Outcome.DELAYED, 1), mark(Outcome.JUNKED, 2)) == (
        Level.WARN,
        "partly junked",
    )


def test_the_commonest_trouble_names_the_state() -> None:
    marks = [mark(Outcome.LOST, 1), mark(Outcome.REFUSED, 2), mark(Outcome.REFUSED, 3)]
    assert judged(*marks) == (Level.BAD, "refused")


def test_an_unobserved_route_makes_nothing_better_or_worse() -> None:
    blind = mark(Outcome.UNOBSERVED, 9)
    assert judged(blind, mark(Outcome.DELIVERED, 1)) == (Level.OK, "delivered")
    assert judged(blind, mark(Outcome.LOST, 1)) == (Level.BAD, "lost")


def test_late_mail_is_a_warning() -> None:
    late, good = mark(Outcome.DELAYED, 1), mark(Outcome.DELIVERED, 2)
    assert judged(late) == (Level.WARN, "delayed")
    assert judged(late, good) == (Level.WARN, "partly delayed")


def test_old_news_is_never_shown_as_the_present() -> None:
    assert judged() == (Level.UNKNOWN, "no probe yet")
    assert judged(mark(Outcome.DELIVERED, at=FRESH - 1)) == (Level.UNKNOWN, "no recent probe")


def test_shares_count_what_occurs_in_a_fixed_order() -> None:
    marks = (mark(Outcome.LOST), mark(Outcome.DELIVERED), mark(Outcome.DELIVERED))
    shares = Cell(PAIR, Level.OK, "", marks).shares
    assert list(shares.items()) == [(Outcome.DELIVERED, 2), (Outcome.LOST, 1)]


def test_the_median_is_of_those_that_arrived() -> None:
    marks = tuple(mark(Outcome.DELIVERED, seconds=s) for s in (1.0, 9.0, 2.0))
    assert Cell(PAIR, Level.OK, "", (*marks, mark(Outcome.LOST))).median == 2.0
    assert Cell(PAIR, Level.OK, "", (mark(Outcome.LOST),)).median is None


def test_patience_is_of_the_slowest_route_of_a_pair() -> None:
    slow = replace(ROUTES[0], interval=600.0)
    found = patience(replace(LIVE, routes=(slow, *ROUTES[1:])))
    assert found[PAIR] == 3 * 600 + 300
    assert found["Tern", "Reef"] == 3 * 60 + 300


def test_the_matrix_has_the_configured_pairs_and_follows_the_config(world: World) -> None:
    board = Board()
    matrix = board.matrix(world.live, world.recent)
    assert (matrix.senders, matrix.recipients) == (("North", "Reef", "Tern"),) * 2
    assert len(matrix.cells) == 6
    world.now(routes=ROUTES[:1])
    assert list(board.matrix(world.live, world.recent).cells) == [PAIR]


def test_what_is_older_than_a_day_is_not_drawn() -> None:
    recent = Recent()
    recent._marks[PAIR] = {"x": mark(Outcome.LOST, at=NOW - WINDOW - 1)}
    assert Board().matrix(LIVE, recent).cells[PAIR].marks == ()
