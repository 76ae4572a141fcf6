"""Trace fields follow RFC 5321 §4.4, each vendor in its own way."""

import datetime as dt
import re
from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from probe.demo import trace
from probe.demo.trace import ReceivedStyle, Stamp, Verdict

NOON = dt.datetime(2026, 3, 4, 12, 0, 30, tzinfo=dt.UTC)
STAMP = Stamp(
    by="mx.harbor.test",
    at=NOON,
    queue_id="9PQR",
    recipient="a@harbor.test",
    protocol="ESMTPS",
    from_name="out.northmail.test",
    from_address="192.0.2.25",
)
STYLES = [trace.classic, trace.cloud, trace.office]

# RFC 5321 §4.4: From-domain By-domain [Via] [With] [ID] [For] ";" date-time, comments between.
_COMMENT = r"(?: \([^()]*(?:\([^()]*\)[^()]*)*\))*"
GRAMMAR = re.compile(
    rf"Received:(?: from \S+{_COMMENT})? by \S+{_COMMENT}(?: via TCP{_COMMENT})?"
    rf" with (?:ESMTP|ESMTPS|ESMTPSA|LMTPS){_COMMENT} id \S+?{_COMMENT}"
    rf"(?: for <[^<>\s]+>{_COMMENT})?; (?P<date>.+)"
)


def unfolded(field: str) -> str:
    """RFC 5322 §2.2.3: remove the line ends that white space follows."""
    assert not re.search(r"\r\n(?![ \t])", field), "a line that is not a continuation"
    return re.sub(r"\s+", " ", field)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("protocol", ["ESMTP", "ESMTPS", "ESMTPSA", "LMTPS"])
@pytest.mark.parametrize("source", ["out.northmail.test", ""])
def test_each_style_keeps_the_grammar_and_the_moment(
    style: ReceivedStyle, protocol: str, source: str
) -> None:
    field = style(replace(STAMP, protocol=protocol, from_name=source))
    found = GRAMMAR.fullmatch(unfolded(field))
    assert found, field
    assert parsedate_to_datetime(found["date"]) == NOON
    assert ("from out.northmail.test" in field) == bool(source)
    assert "9PQR" in field
    assert max(map(len, field.split("\r\n"))) <= 78, "RFC 5322 §2.1.1"


def test_one_vendor_writes_the_time_of_its_own_coast() -> None:
    assert trace.cloud(STAMP).endswith("Wed, 04 Mar 2026 04:00:30 -0800 (PST)")


def test_results_name_the_domain_that_was_checked() -> None:
    verdict = Verdict("mx.harbor.test", "a@northmail.test", "192.0.2.25")
    for style in (trace.standard_results, trace.office_results):
        field = unfolded(style(verdict))
        assert "spf=pass (sender IP is 192.0.2.25) smtp.mailfrom=northmail.test" in field
        assert "dkim=none" in field
        assert re.search(r"dmarc=pass (action=none )?header\.from=northmail\.test", field)


def test_a_notice_has_no_domain_to_check() -> None:
    verdict = Verdict("mx.harbor.test", "", "192.0.2.25")
    assert trace.standard_results(verdict) == "Authentication-Results: mx.harbor.test; none"
    assert "spf=none" in trace.office_results(verdict)


def test_a_field_goes_on_top() -> None:
    assert trace.prepend("A: 1", b"B: 2\r\n\r\n") == b"A: 1\r\nB: 2\r\n\r\n"
