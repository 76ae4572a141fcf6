"""Notices are read back by the standard library, whatever was returned in them."""

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime

import pytest

from probe.demo import notices
from probe.demo.letter import Letter
from probe.demo.notices import Report
from probe.demo.provider import Provider
from probe.demo.vendors import BLUEPOST, HARBOR, NORTHMAIL, VENDORS, Vendor
from probe.demo.world import World
from probe.mail.dsn import Action
from probe.mail.reply import Reply

NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=dt.UTC)
ORIGINAL = (
    b"Received: from [127.0.0.1] by smtp.northmail.test with ESMTPSA; "
    b"Wed, 4 Mar 2026 11:59:59 +0000\r\n"
    b"From: <a@northmail.test>\r\nTo: <a@harbor.test>\r\nSubject: A probe [token]\r\n"
    b"Message-ID: <one@tests.example>\r\nX-Probe: token\r\n\r\nGood day.\r\n"
)


@pytest.fixture
def origin(world: World) -> Provider:
    return world.northmail


def letter(
    origin: Provider, content: bytes = ORIGINAL, message_id: str = "<one@tests.example>"
) -> Letter:
    return Letter(
        origin=origin,
        sender="a@northmail.test",
        recipient="a@harbor.test",
        content=content,
        queue_id="QUEUE1",
        message_id=message_id,
        accepted_at=NOON,
    )


def report(
    action: Action = Action.FAILED, reply: str = "5.1.1 unknown", code: int = 550
) -> Report:
    return Report(
        action=action,
        reply=Reply(code, reply),
        remote_host="mx.harbor.test",
        notice_id="NOTICE1",
        written_at=NOON + dt.timedelta(seconds=1),
        retry_until=NOON + dt.timedelta(hours=1),
    )


def parts(notice: bytes) -> tuple[EmailMessage, list[EmailMessage]]:
    parsed = message_from_bytes(notice, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not [part.defects for part in parsed.walk() if part.defects]
    return parsed, [part for part in parsed.iter_parts() if isinstance(part, EmailMessage)]


def blocks(part: EmailMessage) -> list[Message]:
    return [block for block in part.get_payload() if isinstance(block, Message)]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_a_notice_is_a_report_of_three_parts(origin: Provider, vendor: Vendor) -> None:
    notice, (text, status, returned) = parts(notices.write(vendor, letter(origin), report()))
    assert notice.get_content_type() == "multipart/report"
    assert notice.get_param("report-type") == "delivery-status"
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["To"] == "a@northmail.test"
    assert notice["X-Failed-Recipients"] == "a@harbor.test"
    assert parsedate_to_datetime(notice["Date"]) == NOON + dt.timedelta(seconds=1)
    assert "5.1.1 unknown" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    assert returned.get_content_type() in {"text/rfc822-headers", "message/rfc822"}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_the_status_part_has_the_fields_of_rfc_3464(origin: Provider, vendor: Vendor) -> None:
    _, (_, status, _) = parts(notices.write(vendor, letter(origin), report()))
    per_message, per_recipient = blocks(status)
    assert dict(per_message) == {
        "Reporting-MTA": f"dns; out.{vendor.id}.test",
        f"X-{vendor.title}-Queue-ID": "QUEUE1",
        "Arrival-Date": "Wed, 04 Mar 2026 12:00:00 +0000",
    }
    assert dict(per_recipient) == {
        "Final-Recipient": "rfc822; a@harbor.test",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.harbor.test",
        "Diagnostic-Code": "smtp; 550 5.1.1 unknown",
        "Last-Attempt-Date": "Wed, 04 Mar 2026 12:00:01 +0000",
    }


def test_a_delay_notice_says_until_when_it_is_tried(origin: Provider) -> None:
    delayed = report(Action.DELAYED, "4.7.1 later", 451)
    notice, (text, status, _) = parts(notices.write(NORTHMAIL, letter(origin), delayed))
    per_recipient = blocks(status)[1]
    assert notice["Subject"] == "Delayed Mail (still being retried)"
    assert notice["X-Failed-Recipients"] is None
    assert "will be tried again" in text.get_content()
    assert per_recipient["Action"] == "delayed"
    assert per_recipient["Will-Retry-Until"] == "Wed, 04 Mar 2026 13:00:00 +0000"


def test_a_reply_without_an_enhanced_code_still_gives_a_status(origin: Provider) -> None:
    _, (_, status, _) = parts(notices.write(HARBOR, letter(origin), report(reply="no")))
    assert blocks(status)[1]["Status"] == "5.0.0"


def test_two_vendors_return_the_header_octet_by_octet(origin: Provider) -> None:
    for vendor in (NORTHMAIL, HARBOR):
        _, (_, _, returned) = parts(notices.write(vendor, letter(origin), report()))
        header = ORIGINAL.partition(b"\r\n\r\n")[0] + b"\r\n"
        assert returned.get_payload(decode=True) == header


def test_one_vendor_returns_the_whole_message(origin: Provider) -> None:
    assert ORIGINAL in notices.write(BLUEPOST, letter(origin), report())
    _, (_, _, returned) = parts(notices.write(BLUEPOST, letter(origin), report()))
    inner = returned.get_payload(0)
    assert isinstance(inner, EmailMessage)
    assert inner["Message-ID"] == "<one@tests.example>"
    assert inner["X-Probe"] == "token"
    assert inner.get_content() == "Good day.\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no header at all",
        b"Subject: \xff\xfe raw octets\r\n\r\n\xff\r\n",
        b"Subject: " + b"x" * 5_000 + b"\r\n\r\nlong\r\n",
        b"Subject: folded\r\n onto {two} lines\r\n\r\nbody\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 3_000,
        b"Subject: it ends here --=_NOTICE1\r\n\r\n--=_NOTICE1\r\n",
    ],
)
@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_strange_originals_are_returned_like_any_other(
    origin: Provider, vendor: Vendor, content: bytes
) -> None:
    notice = notices.write(vendor, letter(origin, content, message_id=""), report())
    parsed = message_from_bytes(notice, policy=policy.compat32)
    payload = parsed.get_payload()
    assert isinstance(payload, list)
    assert len(payload) == 3
    assert all(len(line) <= 998 for line in notice.partition(b"\r\n\r\n")[0].split(b"\r\n"))
    assert parsed["In-Reply-To"] is None
    assert content.partition(b"\r\n\r\n")[0] in notice
