"""Delivery status notifications as providers write them (RFC 3464, in the frame of RFC 6522).

Put together from octets: what is returned is what was sent, octet by octet, and a message that
would confuse a parser is returned like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from probe.demo.letter import Letter, header, header_bytes
from probe.demo.vendors import Vendor
from probe.mail.dsn import Action
from probe.mail.reply import Reply

# RFC 5322 §2.1.1: a line is at most 998 characters, with the field's name.
_MAX_VALUE = 900

_STATES = {
    Action.FAILED: "could not be delivered",
    Action.DELAYED: "has not been delivered yet; delivery will be tried again",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a letter."""

    action: Action
    reply: Reply
    remote_host: str
    """Who gave that reply; empty where the reporting provider itself did."""
    notice_id: str
    written_at: datetime
    retry_until: datetime


def write(vendor: Vendor, letter: Letter, report: Report) -> bytes:
    """The notification to the letter's sender, without trace fields."""
    boundary = f"=_{report.notice_id}/{vendor.host('out')}"
    returned_type, returned = _returned(vendor, letter)
    parts = (
        ("text/plain; charset=us-ascii", _text(vendor, letter, report).encode("ascii")),
        ("message/delivery-status", _status(vendor, letter, report).encode("ascii")),
        (returned_type, returned),
    )
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode("ascii") + content + b"\r\n"
        for kind, content in parts
    )
    fields = "\r\n".join(_fields(vendor, letter, report, boundary))
    return f"{fields}\r\n\r\n".encode("ascii") + body + f"--{boundary}--\r\n".encode("ascii")


def _fields(vendor: Vendor, letter: Letter, report: Report, boundary: str) -> Iterator[str]:
    style, original = vendor.notice, header(letter.content)
    subject = style.failed if report.action is Action.FAILED else style.delayed
    yield f"From: {style.author.format(domain=vendor.domain)}"
    yield f"To: {letter.sender}"
    yield f"Subject: {subject.format(subject=_plain(original['Subject']))}"
    yield f"Date: {format_datetime(report.written_at)}"
    yield f"Message-ID: <{report.notice_id}@{vendor.host('out')}>"
    yield "Auto-Submitted: auto-replied"  # RFC 3834 §5: so that nobody answers it
    if letter.message_id:
        yield f"In-Reply-To: {_plain(letter.message_id)}"
        yield f"References: {_plain(letter.message_id)}"
    if report.action is Action.FAILED:
        yield f"X-Failed-Recipients: {letter.recipient}"
    yield "MIME-Version: 1.0"
    yield "Content-Type: multipart/report; report-type=delivery-status;"
    yield f'\tboundary="{boundary}"'


def _plain(value: object) -> str:
    """One line of ASCII, whatever the sender wrote."""
    line = " ".join(str(value or "").split())[:_MAX_VALUE]
    return line.encode("ascii", "replace").decode("ascii")


def _text(vendor: Vendor, letter: Letter, report: Report) -> str:
    return vendor.notice.text.format(
        host=vendor.host("out"),
        recipient=letter.recipient,
        reply=report.reply,
        state=_STATES[report.action],
    )


def _status(vendor: Vendor, letter: Letter, report: Report) -> str:
    blocks = (_per_message(vendor, letter), _per_recipient(letter, report))
    return "\r\n".join("".join(f"{line}\r\n" for line in block) for block in blocks)


def _per_message(vendor: Vendor, letter: Letter) -> Iterator[str]:
    """RFC 3464 §2.2."""
    yield f"Reporting-MTA: dns; {vendor.host('out')}"
    yield f"X-{vendor.title}-Queue-ID: {letter.queue_id}"
    yield f"Arrival-Date: {format_datetime(letter.accepted_at)}"


def _per_recipient(letter: Letter, report: Report) -> Iterator[str]:
    """RFC 3464 §2.3."""
    status = report.reply.enhanced or f"{report.reply.code // 100}.0.0"
    yield f"Final-Recipient: rfc822; {letter.recipient}"
    yield f"Action: {report.action}"
    yield f"Status: {status}"
    if report.remote_host:
        yield f"Remote-MTA: dns; {report.remote_host}"
    yield f"Diagnostic-Code: smtp; {report.reply}"
    yield f"Last-Attempt-Date: {format_datetime(report.written_at)}"
    if report.action is Action.DELAYED:
        yield f"Will-Retry-Until: {format_datetime(report.retry_until)}"


def _returned(vendor: Vendor, letter: Letter) -> tuple[str, bytes]:
    """The message, or its header section alone (RFC 6522 §4)."""
    if vendor.notice.whole:
        return "message/rfc822", letter.content
    return "text/rfc822-headers", header_bytes(letter.content)
