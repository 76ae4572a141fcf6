"""Problems as lines, and their order."""

import pytest

from probe.config import syntax
from probe.config.problem import ConfigError, Problem
from probe.config.report import Report


@pytest.fixture
def report() -> Report:
    document, problems = syntax.read("a:\n  b: 1\nc: 2\n", "c.yml")
    return Report(document, problems)


def test_a_problem_is_one_line_that_an_editor_can_jump_to() -> None:
    problem = Problem("c.yml", 8, 21, "mailboxes.1.imap.port", "99999 is not a port (1 to 65535)")
    assert str(problem) == "c.yml:8:21: mailboxes.1.imap.port: 99999 is not a port (1 to 65535)"
    assert str(Problem("c.yml", 3, 1, "", "not YAML")) == "c.yml:3:1: not YAML"
    assert str(Problem("c.yml", 0, 0, "", "not there")) == "c.yml: not there"


def test_problems_come_in_the_order_of_the_file(report: Report) -> None:
    report.problem(("c",), "second")
    report.problem(("a", "b"), "first")
    with pytest.raises(ConfigError) as caught:
        report.raise_if_any()
    assert str(caught.value) == "c.yml:2:6: a.b: first\nc.yml:3:4: c: second"
    assert [problem.key for problem in caught.value.problems] == ["a.b", "c"]


def test_only_the_first_problem_of_a_key_is_kept(report: Report) -> None:
    report.problem(("c",), "cause")
    report.key_problem(("c",), "consequence")
    assert [problem.message for problem in report.problems] == ["cause"]


def test_warnings_do_not_stop_the_load(report: Report) -> None:
    report.warning(("c",), "look at this")
    report.raise_if_any()
    assert report.warning_lines() == ("c.yml:3:4: c: look at this",)


def test_a_section_is_blamed_for_what_is_in_it(report: Report) -> None:
    report.problem(("a", "b"), "x")
    assert report.blames(("a",))
    assert report.blames(("a", "b"))
    assert not report.blames(("a", "b", "c"))
    assert not report.blames(("c",))
