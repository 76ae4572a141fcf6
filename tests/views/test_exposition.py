"""The text format, line by line."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from probe.views.exposition import escape, family, histogram, labels, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (True, "1"),
        (3.0, "3"),
        (-2.0, "-2"),
        (0.25, "0.25"),
        (1780000000.125, "1780000000.125"),
        (1e300, "1e+300"),
        (1e-9, "1e-09"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_go_reads_them(value: float, text: str) -> None:
    assert number(value) == text
    assert number(float(text)) == text


@pytest.mark.parametrize("text", ['"', "\\", "\n", '\\"\n', "plain", "ünïcödé ✓", "\\n"])
def test_escaped_label_values_come_back_as_they_were(text: str) -> None:
    line = f'a{{b="{escape(text)}"}} 1\n'
    (found,) = text_string_to_metric_families(line)
    assert found.samples[0].labels == {"b": text}


def test_an_empty_value_is_no_label() -> None:
    assert labels(a="1", b="", c="3") == '{a="1",c="3"}'
    assert labels(a="") == ""


def test_a_family_without_samples_still_says_what_it_is() -> None:
    assert family("x", "gauge", "Help.", []) == (
        "# HELP mailprobe_x Help.\n# TYPE mailprobe_x gauge\n"
    )


def test_buckets_are_cumulative_and_end_in_all() -> None:
    text = histogram("h", "Help.", (0.5, 1), [('a="b"', [1, 0, 2], 12.5)])
    assert text.splitlines()[2:] == [
        'mailprobe_h_bucket{a="b",le="0.5"} 1',
        'mailprobe_h_bucket{a="b",le="1.0"} 1',
        'mailprobe_h_bucket{a="b",le="+Inf"} 3',
        'mailprobe_h_sum{a="b"} 12.5',
        'mailprobe_h_count{a="b"} 3',
    ]


def test_counts_that_do_not_fit_the_bounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        histogram("h", "Help.", (0.5, 1), [("", [1, 0], 1.0)])
