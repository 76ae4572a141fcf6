"""A password that a server quotes is not written down."""

import base64
from dataclasses import replace

from probe.config.secret import Secret
from probe.config.settings import Endpoint, ImapSettings, MailboxSettings, SmtpSettings, Tls
from probe.core.event import Notified, Sighted
from probe.core.mailbox import Folder, Mailbox
from probe.daemon.masking import Masking
from probe.mail.dsn import Action, Dsn, DsnRecipient

SECRET = "a planted one"
ENDPOINT = Endpoint("mx.example", 465, Tls.IMPLICIT, "me@a.example", Secret(SECRET))


def masking(secret: str = SECRET) -> Masking:
    endpoint = replace(ENDPOINT, password=Secret(secret))
    box = Mailbox("a", "me@a.example", "A")
    return Masking.of(
        MailboxSettings(box, SmtpSettings(endpoint), ImapSettings(endpoint), sends_per_day=1)
    )


def test_the_password_is_masked_in_every_field_of_a_bounce() -> None:
    sasl = base64.b64encode(f"\0me@a.example\0{SECRET}".encode()).decode()
    recipient = DsnRecipient(
        f"x-{SECRET}@b.example", Action.FAILED, "5.7.1", f"550 not with {SECRET}", SECRET
    )
    event = Notified(1.0, Dsn((recipient,), SECRET, "id@a.example"), f"text {sasl} {SECRET}.")
    found = masking().notified(event)
    assert SECRET not in repr(found)
    assert found.raw == "text ** **."
    assert found.dsn.recipients[0].diagnostic == "550 not with **"
    assert found.dsn.original_message_id == "id@a.example"


def test_nothing_else_is_touched() -> None:
    event = Notified(1.0, Dsn((DsnRecipient("x@b.example", None),), None), "plain")
    assert masking().notified(event) == event
    sighted = Sighted(1.0, Folder.INBOX, None, header=f"Subject: {SECRET}\r\n")
    assert masking().sighted(sighted) == replace(sighted, header="Subject: **\r\n")


def test_a_short_password_does_not_eat_ordinary_words() -> None:
    assert masking("subject").text("subject: mailprobe") == "subject: mailprobe"


def test_the_forms_do_not_print() -> None:
    assert SECRET not in repr(masking())
