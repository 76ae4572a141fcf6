"""Times, durations and strangers' text."""

import pytest

from probe.views.wording import clock, count, duration, listed, rfc3339, visible


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (0.9996, "1.0 s"),
        (1.249, "1.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3599.7, "1 h"),
        (3661, "1 h 1 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_duration_is_written_in_the_units_that_matter(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_are_utc() -> None:
    assert rfc3339(1780000000.125) == "2026-05-28T20:26:40.125Z"
    assert clock(1780000000.9) == "2026-05-28 20:26:40"


def test_numbers_have_their_noun() -> None:
    assert count(1, "probe") == "1 probe"
    assert count(2, "mailbox", "mailboxes") == "2 mailboxes"
    assert count(12345, "probe") == "12\N{NARROW NO-BREAK SPACE}345 probes"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_a_list_reads_as_a_sentence(names: list[str], text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff"]
)
def test_controls_are_shown_and_not_obeyed(character: str) -> None:
    assert visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


def test_lines_tabs_and_other_scripts_stay() -> None:
    assert visible("a\r\n\tb ünï 漢字 עברית") == "a\n\tb ünï 漢字 עברית"


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * 10, 4) == "xxxx … (6 more characters)"
