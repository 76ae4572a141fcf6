"""The message that a probe is: short, honest about what it is, and easy to find again."""

from datetime import UTC, datetime
from email.utils import format_datetime

from probe.core.mailbox import Mailbox

TOKEN_HEADER = "X-Mailprobe-Token"  # noqa: S105 - the name of a header field
SUBJECT_WORD = "mailprobe"
"""Every subject begins with it, so that a person can filter and a server can search."""

_BODY = """\
This is an automatic test of e-mail delivery. Nobody needs to read or answer it.

It was sent by mailprobe, which measures how long a message takes from
{sender} to {recipient}, and removes it again after a while.
"""


def compose(sender: Mailbox, recipient: Mailbox, token: str, sent_at: float) -> bytes:
    """The message as octets, CRLF line ends, ready for DATA (RFC 5322).

    The token stands in three places, because each is rewritten by some provider: Message-ID,
    a header field of its own, and the subject.
    """
    lines = [
        f"From: mailprobe <{sender.address}>",
        f"To: <{recipient.address}>",
        f"Subject: {SUBJECT_WORD} {token}",
        f"Date: {format_datetime(datetime.fromtimestamp(sent_at, UTC))}",
        f"Message-ID: <{token}@{_ascii(sender.domain)}>",
        f"{TOKEN_HEADER}: {token}",
        # RFC 3834 §5, and Exchange's own: no out-of-office reply to a machine.
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit"
        if _wide(sender, recipient)
        else "Content-Transfer-Encoding: 7bit",
        "",
        _BODY.format(sender=sender.address, recipient=recipient.address),
    ]
    return "\r\n".join(lines).replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _wide(*mailboxes: Mailbox) -> bool:
    return not all(mailbox.address.isascii() for mailbox in mailboxes)


def _ascii(domain: str) -> str:
    """A domain for a Message-ID, which stays ASCII even for an internationalised domain."""
    return domain.encode("idna").decode() if not domain.isascii() else domain
