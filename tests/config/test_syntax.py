"""YAML without its surprises, its bombs and its depths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config import syntax
from probe.config.document import Plain
from probe.config.problem import ConfigError, Mark, Problem


def plain(text: str) -> Plain:
    document, problems = syntax.read(text, "c.yml")
    assert problems == []
    return document.root.plain()


@pytest.mark.parametrize(
    "scalar",
    ["no", "off", "12:30:45", "010", "0x1F", "1e3", "1_000", "2026-11-21", "1.5", "=", "y"],
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(scalar: str) -> None:
    assert plain(f"a: {scalar}") == {"a": scalar}


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("465", 465),
        ("0", 0),
        ("-1", -1),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
    ],
)
def test_numbers_truth_and_nothing_are_themselves(scalar: str, value: object) -> None:
    assert plain(f"a: {scalar}") == {"a": value}


@pytest.mark.parametrize("scalar", ["'465'", '"465"', "!!str 465", "|-\n  465"])
def test_a_quoted_number_is_text(scalar: str) -> None:
    assert plain(f"a: {scalar}") == {"a": "465"}


def test_a_number_of_five_thousand_digits_stays_text() -> None:
    assert plain(f"a: {'9' * 5000}") == {"a": "9" * 5000}


def test_numbers_as_keys_are_text() -> None:
    assert plain("1: a\nyes: b") == {"1": "a", "yes": "b"}


def test_every_place_is_known() -> None:
    document, _ = syntax.read("a:\n  - b: 1\n    c:   2\n", "c.yml")
    assert document.mark(("a", 0, "c")) == Mark(3, 10)
    assert document.key_mark(("a", 0, "c")) == Mark(3, 5)


def test_the_place_of_what_is_missing_is_its_parents() -> None:
    document, _ = syntax.read("a:\n  - b: 1\n", "c.yml")
    assert document.mark(("a", 0, "x", "y")) == Mark(2, 5)
    assert document.mark(("a", 7)) == Mark(2, 3)
    assert document.mark(("z",)) == Mark(1, 1)


def test_all_duplicate_keys_are_found_and_the_first_value_stands() -> None:
    document, problems = syntax.read("a: 1\nb: {c: 1, c: 2}\na: 3\n", "c.yml")
    assert [(p.line, p.column, p.key) for p in problems] == [(2, 11, "b.c"), (3, 1, "a")]
    assert document.root.plain() == {"a": 1, "b": {"c": 1}}


def test_duplicates_before_a_syntax_error_are_told_with_it() -> None:
    with pytest.raises(ConfigError) as caught:
        syntax.read("a: 1\na: 2\nb: [\n", "c.yml")
    assert len(caught.value.problems) == 2


def test_an_alias_bomb_costs_nothing() -> None:
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 30))
    _, problems = syntax.read(f"l0: &l0 x\n{levels}", "c.yml")
    assert len(problems) == 30 + 29 * 9


def test_an_alias_that_contains_itself_is_refused() -> None:
    _, problems = syntax.read("a: &a [*a]\n", "c.yml")
    assert [p.key for p in problems] == ["a", "a.0"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_hundred_thousand_levels_are_refused_and_not_climbed(opening: str) -> None:
    with pytest.raises(ConfigError, match=r"nested more than 32 deep|must be a word"):
        syntax.read(opening * 100_000, "c.yml")


@pytest.mark.parametrize(
    "line",
    ["password: hunter2: x", "password: 'hunter2", 'password: "hunter2\\q"', "- hunter2\nx"],
)
def test_a_syntax_error_does_not_quote_the_text(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        syntax.read(line, "c.yml")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def refusals(text: str) -> tuple[Problem, ...] | None:
    """What is wrong with a text that is no document."""
    try:
        document, _ = syntax.read(text, "c.yml")
    except ConfigError as exc:
        return exc.problems
    document.root.plain()
    return None


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    assert refusals(text) != ()


@given(st.text(alphabet="ab:- \n[]{}&*!|>'\"#%,?@\t", max_size=40))
def test_any_text_of_yaml_marks_is_a_document_or_a_config_error(text: str) -> None:
    assert refusals(text) != ()
