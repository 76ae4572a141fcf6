"""Received chains as real servers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.mail.trace import MAX_HOPS, parse

CHAIN = """\
Received: from mx.blue.test (mx.blue.test [192.0.2.9])
\tby store3.blue.test (Dovecot) with LMTP id kJ8xAJq3
\tfor <probe@blue.test>; Sat, 21 Nov 2026 20:00:09 +0000
Received: from out.north.test (out.north.test. [198.51.100.7])
        by mx.blue.test with ESMTPS id d2e1a72fcca58-7f0b
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Sat, 21 Nov 2026 12:00:05 -0800 (PST)
Received: from [127.0.0.1] (unknown [203.0.113.5]) (Authenticated sender: probe@north.test)
\tby out.north.test (Postfix) with ESMTPSA id 4F2B81C0DE; Sat, 21 Nov 2026 21:00:02 +0100 (CET)
Subject: x
"""


def test_hops_are_read_oldest_first() -> None:
    hops = parse(CHAIN)

    assert [hop.by for hop in hops] == ["out.north.test", "mx.blue.test", "store3.blue.test"]
    assert [hop.id for hop in hops] == ["4F2B81C0DE", "d2e1a72fcca58-7f0b", "kJ8xAJq3"]
    assert [hop.with_ for hop in hops] == ["ESMTPSA", "ESMTPS", "LMTP"]
    assert hops[1].from_ == "out.north.test"


def test_delays_are_counted_from_hop_to_hop_over_time_zones() -> None:
    assert [hop.delay for hop in parse(CHAIN)] == [None, 3.0, 4.0]


def test_a_clock_that_runs_ahead_is_flagged_and_never_negative() -> None:
    skewed = CHAIN.replace("20:00:09 +0000", "20:00:01 +0000")
    last = parse(skewed)[-1]

    assert (last.delay, last.skewed) == (0.0, True)


@pytest.mark.parametrize(
    "date",
    ["", "not a date", "Sat, 99 Nov 2026 20:00:09 +0000", "Sat, 21 Nov 2026 25:61:09 +0000"],
)
def test_an_unreadable_date_leaves_the_hop_and_its_neighbours(date: str) -> None:
    hops = parse(CHAIN.replace("Sat, 21 Nov 2026 12:00:05 -0800 (PST)", date))

    assert len(hops) == 3
    assert hops[1].at is None
    assert hops[1].delay is None
    assert hops[2].delay is None


def test_a_missing_zone_is_utc() -> None:
    (hop,) = parse("Received: by a.test; Sat, 21 Nov 2026 20:00:09\n")

    assert hop.at == 1795291209.0


def test_words_of_clauses_inside_comments_are_not_clauses() -> None:
    (hop,) = parse("Received: from a (helo by (nested) with) by b with SMTP; x\n")

    assert (hop.from_, hop.by, hop.with_) == ("a", "b", "SMTP")


def test_a_loop_of_hops_is_cut() -> None:
    assert len(parse("Received: by a; x\n" * 500)) == MAX_HOPS


def test_no_header_has_no_hops() -> None:
    assert parse("") == ()


@given(st.text(max_size=400))
def test_no_header_makes_it_raise(text: str) -> None:
    parse(f"Received: {text}\nReceived: by b; {text}\n")
