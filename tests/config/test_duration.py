"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config import duration

TEN_YEARS_MS = 3650 * 86_400_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("90d", 7_776_000),
        ("2w", 1_209_600),
        ("1w2d3h4m5s6ms", 788_645.006),
        ("90m", 5400),
        ("007s", 7),
        ("3650d", 315_360_000),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert duration.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "s", "5 m", " 5m", "5m ", "5m\n", "-5m", "+5m", "1.5h", "1,5h", "5M", "5min"),
        *("1m1h", "1s1s", "1y", "PT5M", "12:30:45", "1e3s", "٣s", "\uff15m", "0x5s", "1_000s"),
        "9" * 5000 + "s",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: .*1h30m"):
        duration.parse(text)


def test_more_than_ten_years_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than ten years"):
        duration.parse("3650d1ms")


@pytest.mark.parametrize("value", [5, 0, -1])
def test_a_bare_number_is_told_to_take_a_unit(value: int) -> None:
    with pytest.raises(ValueError, match=f"{value} has no unit"):
        duration.from_value(value)


def test_nothing_is_empty() -> None:
    with pytest.raises(ValueError, match="is empty: write it with its unit"):
        duration.from_value(None)


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_other_kinds_of_values_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration.from_value(value)


@given(st.integers(min_value=0, max_value=TEN_YEARS_MS))
def test_what_is_spelled_reads_as_the_same_time(milliseconds: int) -> None:
    text = duration.spell(milliseconds / 1000)
    assert round(duration.parse(text) * 1000) == milliseconds


@given(st.text(alphabet="0123456789wdhms .-", max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        seconds = duration.parse(text)
    except ValueError:
        return
    assert 0 <= seconds <= TEN_YEARS_MS / 1000


def test_a_month_is_spelled_in_days() -> None:
    assert duration.spell(30 * 86400) == "30d"
