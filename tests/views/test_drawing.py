"""Geometry of the small pictures."""

import re

import pytest

from probe.views.drawing import SPARK_HEIGHT, SPARK_WIDTH, bars, sparkline


def test_the_line_stays_inside_and_touches_its_top() -> None:
    line = sparkline([1.0, 4.0, 2.0])
    points = [tuple(map(float, p)) for p in re.findall(r"[ML]([\d.]+) ([\d.]+)h0", line.path)]
    assert len(points) == 3
    assert all(0 <= x <= SPARK_WIDTH and 0 <= y <= SPARK_HEIGHT for x, y in points)
    assert points[1][1] == min(y for _, y in points) == 2.0
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_the_line_is_broken_where_nothing_arrived() -> None:
    line = sparkline([1.0, 1.0, None, 1.0])
    assert re.findall("[ML]", line.path) == ["M", "L", "M"]
    assert len(line.misses) == 1


@pytest.mark.parametrize("times", [[], [None], [None, None]])
def test_nothing_arrived_draws_no_line(times: list[float | None]) -> None:
    line = sparkline(times)
    assert line.path == ""
    assert len(line.misses) == len(times)


def test_times_of_zero_lie_at_the_bottom() -> None:
    assert f" {SPARK_HEIGHT - 2:.1f}h0" in sparkline([0.0, 0.0]).path


def test_bars_lie_end_to_end_and_fill_the_scale() -> None:
    laid = bars({"a": 1.0, "b": 3.0})
    assert [(bar.start, bar.width) for bar in laid] == [(0.0, 25.0), (25.0, 75.0)]


def test_a_narrow_bar_can_still_be_seen() -> None:
    laid = bars({"a": 1, "b": 999}, narrowest=3)
    assert laid[0].width == pytest.approx(2.91, abs=0.01)
    assert laid[-1].start + laid[-1].width == pytest.approx(100, abs=0.02)


def test_nothing_has_no_bars() -> None:
    assert bars({}) == []
    assert bars({"a": 0.0}) == []
