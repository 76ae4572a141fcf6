"""The three invented providers: their names, habits and words, as data."""

from dataclasses import dataclass

from probe.config.settings import Tls
from probe.demo import trace


@dataclass(frozen=True, slots=True)
class Words:
    """What a vendor's servers answer. Templates of ``str.format``."""

    accepted: str
    """The reply to DATA; with ``queue_id``, ``message_id``, ``seconds`` and ``host``."""
    refused: str
    wrong_password: str
    unknown: str
    """No such mailbox; with ``recipient``, as the two below."""
    full: str
    later: str


@dataclass(frozen=True, slots=True)
class NoticeStyle:
    """How a vendor words a delivery status notification."""

    author: str
    """Display name and local part of its From field."""
    failed: str
    """Subject; with ``subject`` and ``recipient``, as the two below."""
    delayed: str
    text: str
    """With ``host``, ``recipient``, ``reply`` and ``state``."""
    whole: bool
    """Returns the whole message instead of its header."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One provider."""

    id: str
    title: str
    submission_tls: Tls
    imap_tls: Tls
    junk: str
    sent: str
    keeps_sent: bool
    """Puts a copy of what is submitted into the sender's sent folder."""
    address: str
    """Where its mail comes from; of the ranges for documentation, RFC 5737."""
    hop_seconds: tuple[float, float]
    """Shortest and longest time at each of its servers."""
    received: trace.ReceivedStyle
    results: trace.AuthenticationStyle
    junk_field: str
    words: Words
    notice: NoticeStyle

    @property
    def domain(self) -> str:
        """Reserved for tests (RFC 2606 §2)."""
        return f"{self.id}.test"

    def host(self, role: str) -> str:
        """The name of one of its servers: smtp, out, mx, store or imap."""
        return f"{role}.{self.domain}"


NORTHMAIL = Vendor(
    id="northmail",
    title="Northmail",
    submission_tls=Tls.STARTTLS,
    imap_tls=Tls.IMPLICIT,
    junk="Junk",
    sent="Sent",
    keeps_sent=False,
    address="192.0.2.25",
    hop_seconds=(0.008, 0.04),
    received=trace.classic,
    results=trace.standard_results,
    junk_field="X-Spam-Flag: YES",
    words=Words(
        accepted="250 2.0.0 Ok: queued as {queue_id}",
        refused="554 5.7.1 Message rejected: suspicious content",
        wrong_password="535 5.7.8 Error: authentication failed: wrong user name or password",  # noqa: S106 - a reply
        unknown="550 5.1.1 <{recipient}>: Recipient address rejected: User unknown",
        full="552 5.2.2 <{recipient}>: Quota exceeded (mailbox for user is full)",
        later="450 4.7.1 <{recipient}>: Recipient address rejected: Greylisted, try again later",
    ),
    notice=NoticeStyle(
        author="Mail Delivery System <MAILER-DAEMON@{domain}>",
        failed="Undelivered Mail Returned to Sender",
        delayed="Delayed Mail (still being retried)",
        text=(
            "This is the mail system at host {host}.\r\n\r\n"
            "Your message {state}. The header of it is attached below.\r\n\r\n"
            "<{recipient}>: the other side said:\r\n    {reply}\r\n"
        ),
        whole=False,
    ),
)

BLUEPOST = Vendor(
    id="bluepost",
    title="Bluepost",
    submission_tls=Tls.IMPLICIT,
    imap_tls=Tls.IMPLICIT,
    junk="Spam",
    sent="Sent Mail",
    keeps_sent=True,
    address="198.51.100.25",
    hop_seconds=(0.015, 0.08),
    received=trace.cloud,
    results=trace.standard_results,
    junk_field="X-Bluepost-Labels: spam",
    words=Words(
        accepted="250 2.0.0 OK  {seconds} {queue_id}",
        refused="550 5.7.1 Our system has found that this message is likely unsolicited mail",
        wrong_password="535 5.7.8 Username and Password not accepted. Visit help.bluepost.test",  # noqa: S106 - a reply
        unknown="550 5.1.1 The email account that you tried to reach does not exist: {recipient}",
        full="552 5.2.2 The email account that you tried to reach is over quota: {recipient}",
        later="450 4.2.1 The user is receiving mail at a rate that prevents delivery, try later",
    ),
    notice=NoticeStyle(
        author="Mail Delivery Subsystem <mailer-daemon@{domain}>",
        failed="Delivery Status Notification (Failure)",
        delayed="Delivery Status Notification (Delay)",
        text=(
            "** Your message {state} **\r\n\r\n"
            "It was addressed to {recipient}.\r\n\r\nThe response was:\r\n\r\n{reply}\r\n"
        ),
        whole=True,
    ),
)

HARBOR = Vendor(
    id="harbor",
    title="Harbor",
    submission_tls=Tls.STARTTLS,
    imap_tls=Tls.STARTTLS,
    junk="Bulk Mail",
    sent="Sent Items",
    keeps_sent=False,
    address="203.0.113.25",
    hop_seconds=(0.03, 0.15),
    received=trace.office,
    results=trace.office_results,
    junk_field="X-Harbor-Antispam-Report: CIP:192.0.2.1;SCL:6;SFV:SPM;CAT:SPM",
    words=Words(
        accepted="250 2.0.0 OK <{message_id}> [Hostname={host}] Queued mail for delivery",
        refused="550 5.7.501 Access denied, spam abuse detected from this account",
        wrong_password="535 5.7.3 Authentication unsuccessful",  # noqa: S106 - a reply
        unknown="550 5.1.10 RESOLVER.ADR.RecipientNotFound; {recipient} not found",
        full="552 5.2.2 RESOLVER.QUOTA; the mailbox of {recipient} is full",
        later="451 4.7.500 Server busy. Please try again later",
    ),
    notice=NoticeStyle(
        author="Harbor Mail <postmaster@{domain}>",
        failed="Undeliverable: {subject}",
        delayed="Delivery delayed: {subject}",
        text=(
            "Your message to {recipient} {state}.\r\n\r\n"
            "Diagnostic information for administrators:\r\n\r\n"
            "Generating server: {host}\r\n\r\n{recipient}\r\nRemote server returned '{reply}'\r\n"
        ),
        whole=False,
    ),
)

VENDORS = (NORTHMAIL, BLUEPOST, HARBOR)
