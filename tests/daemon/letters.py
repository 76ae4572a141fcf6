"""Mail that is not a probe: bounces, answers, forgeries."""

from probe.core.match import Signer
from probe.mail.token import SigningKey
from tests.makers import a_probe, a_token

STRANGER = Signer("deadbeef", SigningKey(b"the key of another installation."))


def a_bounce(token: str) -> bytes:
    """A delivery status notification (RFC 3464) that returns our header."""
    return _octets(f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.north.test>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

Your message could not be delivered.
--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.north.test

Final-Recipient: rfc822; probe@blue.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--cut
Content-Type: text/rfc822-headers

X-Mailprobe-Token: {token}

--cut--
""")


def an_auto_reply(token: str) -> bytes:
    return _octets(f"""\
From: probe@blue.test
Subject: Automatic reply: mailprobe {token}
Message-ID: <away@blue.test>
In-Reply-To: <{token}@north.test>
Auto-Submitted: auto-replied

I am away.
""")


def a_forgery(token: str) -> bytes:
    """Our instance, and one character of the signature is another."""
    last = "a" if token[-5] != "a" else "b"
    return _octets(f"X-Mailprobe-Token: {token[:-5]}{last}{token[-4:]}\n\n")


def a_strangers() -> bytes:
    """The probe of another mailprobe."""
    return _octets(f"X-Mailprobe-Token: {a_token(a_probe(), STRANGER)}\n\n")


def _octets(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
