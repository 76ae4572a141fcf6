"""Delivery status notifications as providers write them (RFC 3464, in the frame of RFC 6522)."""

import datetime as dt
import email.utils
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser

from probe.demo.vendors import Vendor
from probe.mail.dsn import Action
from probe.mail.reply import Reply

_STATES = {
    Action.FAILED: "could not be delivered",
    Action.DELAYED: "has not been delivered yet; delivery will be tried again",
}


@dataclass(frozen=True, slots=True)
class Report:
    """The facts of one notification."""

    action: Action
    sender: str
    """Who is told."""
    recipient: str
    reply: Reply
    remote_host: str
    """Who gave that reply; empty where the reporting provider itself did."""
    queue_id: str
    notice_id: str
    arrived_at: dt.datetime
    written_at: dt.datetime
    retry_until: dt.datetime
    original: bytes
    """The message as it was accepted."""


def write(vendor: Vendor, report: Report) -> bytes:
    """The notification as a message, from a null sender, without trace fields."""
    original = BytesParser(policy=policy.compat32).parsebytes(report.original)
    message = MIMEMultipart("report", **{"report-type": "delivery-status"})
    _address(message, vendor, report, original)
    message.attach(MIMEText(_text(vendor, report), "plain", "us-ascii"))
    message.attach(_status(vendor, report))
    message.attach(MIMEMessage(original) if vendor.notice.whole else _header_only(original))
    return message.as_bytes(policy=policy.compat32.clone(linesep="\r\n", max_line_length=None))


def _address(message: Message, vendor: Vendor, report: Report, original: Message) -> None:
    style = vendor.notice
    subject = style.failed if report.action is Action.FAILED else style.delayed
    message["From"] = style.author.format(domain=vendor.domain)
    message["To"] = report.sender
    message["Subject"] = subject.format(subject=_one_line(original["Subject"]))
    message["Date"] = email.utils.format_datetime(report.written_at)
    message["Message-ID"] = f"<{report.notice_id}@{vendor.host('out')}>"
    message["Auto-Submitted"] = "auto-replied"  # RFC 3834 §2: so that nobody answers it
    if original["Message-ID"]:
        message["In-Reply-To"] = message["References"] = _one_line(original["Message-ID"])
    if report.action is Action.FAILED:
        message["X-Failed-Recipients"] = report.recipient


def _one_line(value: object) -> str:
    return " ".join(str(value or "").split())


def _text(vendor: Vendor, report: Report) -> str:
    return vendor.notice.text.format(
        host=vendor.host("out"),
        recipient=report.recipient,
        reply=report.reply,
        state=_STATES[report.action],
    )


def _status(vendor: Vendor, report: Report) -> MIMEBase:
    part = MIMEBase("message", "delivery-status")
    part.attach(_per_message(vendor, report))
    part.attach(_per_recipient(report))
    return part


def _per_message(vendor: Vendor, report: Report) -> Message:
    """RFC 3464 §2.2."""
    fields = Message()
    fields["Reporting-MTA"] = f"dns; {vendor.host('out')}"
    fields[f"X-{vendor.title}-Queue-ID"] = report.queue_id
    fields["Arrival-Date"] = email.utils.format_datetime(report.arrived_at)
    return fields


def _per_recipient(report: Report) -> Message:
    """RFC 3464 §2.3."""
    fields = Message()
    fields["Final-Recipient"] = f"rfc822; {report.recipient}"
    fields["Action"] = report.action.value
    fields["Status"] = str(report.reply.enhanced or f"{report.reply.code // 100}.0.0")
    if report.remote_host:
        fields["Remote-MTA"] = f"dns; {report.remote_host}"
    fields["Diagnostic-Code"] = f"smtp; {report.reply}"
    fields["Last-Attempt-Date"] = email.utils.format_datetime(report.written_at)
    if report.action is Action.DELAYED:
        fields["Will-Retry-Until"] = email.utils.format_datetime(report.retry_until)
    return fields


def _header_only(original: Message) -> MIMEBase:
    """RFC 6522 §4: the header of the returned message, without its body."""
    part = MIMEBase("text", "rfc822-headers")
    raw = Message()
    raw._headers = list(original.items())  # type: ignore[attr-defined]
    part.set_payload(raw.as_string())
    return part
