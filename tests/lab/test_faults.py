"""Each fault of the lab does for real what its name says."""

import asyncio
import email
import email.policy
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message

import pytest

from tests.lab import addresses
from tests.lab.certs import Certificate, real_now
from tests.lab.clients import Reader, compose, submit
from tests.lab.dns import DnsFault
from tests.lab.proxy import Direction, TcpProxy
from tests.lab.world import Lab


def delivery_status(raw: bytes) -> Message:
    """Return the fields of the first recipient in a DSN (RFC 3464 §2.3)."""
    notice = email.message_from_bytes(raw, policy=email.policy.default)
    assert notice.get_content_type() == "multipart/report"
    report = next(p for p in notice.walk() if p.get_content_type() == "message/delivery-status")
    blocks = report.get_payload()
    assert isinstance(blocks, list)
    assert isinstance(blocks[1], EmailMessage)
    return blocks[1]


@contextmanager
def bounce_of(lab: Lab, ca: ssl.SSLContext, recipient: str) -> Iterator[Message]:
    """Send to this address, and see what comes back to the sender."""
    with Reader(lab.alpha.monitor, ca) as reader:
        submit(lab.alpha.monitor, recipient, "returns", ca)
        yield delivery_status(reader.wait_for("returns"))


def test_an_unknown_user_bounces(lab: Lab, ca: ssl.SSLContext) -> None:
    with bounce_of(lab, ca, "nobody@beta.test") as status:
        assert status["Action"] == "failed"
        assert status["Status"] == "5.1.1"
        assert "550 5.1.1" in status["Diagnostic-Code"]


def test_a_refusal_at_the_mx_bounces_with_its_words(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.refuse(at="beta", code=550, enhanced="5.7.26", text="Unauthenticated mail")
    with bounce_of(lab, ca, lab.beta.monitor.address) as status:
        assert status["Status"] == "5.7.26"
        assert "Unauthenticated mail" in status["Diagnostic-Code"]


def test_a_refusal_at_submission_is_an_answer(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.refuse(at="alpha", stage="submission", code=554, text="No more today")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        submit(lab.alpha.monitor, lab.beta.monitor.address, "refused", ca)
    code, text = refused.value.recipients[lab.beta.monitor.address]
    assert (code, b"No more today" in text) == (554, True)


def test_a_fault_can_be_for_one_time_and_one_recipient_only(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.refuse(at="alpha", stage="submission", recipient="^user1@", times=1)
    sender, hit = lab.alpha.monitor, lab.beta.account("user1").address
    submit(sender, lab.beta.account("user2").address, "other", ca)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        submit(sender, hit, "first", ca)
    submit(sender, hit, "second", ca)


def test_greylisted_mail_comes_later(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.greylist(at="beta", seconds=1.5)
    with Reader(lab.beta.monitor, ca) as reader:
        submit(lab.alpha.monitor, lab.beta.monitor.address, "grey", ca)
        reader.wait_for("grey")
    seen = [e for e in lab.faults.events("policy") if e["recipient"] == "monitor@beta.test"]
    answers = [e["action"] for e in seen if e["policy_context"] == "beta-mx"]
    assert answers[0].startswith("450 4.7.1")
    assert answers[-1] == "DUNNO"


def test_junk_is_filed_into_junk(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.junk(at="beta")
    with Reader(lab.beta.monitor, ca, "Junk") as junk, Reader(lab.beta.monitor, ca) as inbox:
        submit(lab.alpha.monitor, lab.beta.monitor.address, "spam", ca)
        assert b"X-Spam-Flag: YES" in junk.wait_for("spam")
        assert inbox.find("spam") == []
    (stored,) = lab.beta.maildir().holding("spam")
    assert stored.folder == "Junk"


def test_discarded_mail_is_accepted_and_never_comes(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.discard(at="beta", every=2)
    with Reader(lab.beta.monitor, ca) as reader:
        for token in ("kept-1", "gone-2", "kept-3"):
            assert "queued" in submit(lab.alpha.monitor, lab.beta.monitor.address, token, ca)
            if token.startswith("kept"):
                reader.wait_for(token)
    assert not lab.beta.maildir().holding("gone-2")
    assert not any("gone-2" in line for line in lab.alpha.smtp.queued())


def test_held_mail_waits_until_it_is_released(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.hold(at="alpha")
    with Reader(lab.beta.monitor, ca) as reader:
        submit(lab.alpha.monitor, lab.beta.monitor.address, "held", ca)
        assert '"queue_name": "hold"' in lab.alpha.smtp.queued()[0]
        lab.alpha.smtp.release_held()
        reader.wait_for("held")


def test_mail_waits_while_the_link_is_down(lab: Lab, ca: ssl.SSLContext) -> None:
    recipient = lab.beta.monitor.address
    with Reader(lab.beta.monitor, ca) as reader:  # so that Postfix remembers the good route
        submit(lab.alpha.monitor, recipient, "before", ca)
        reader.wait_for("before")
    with lab.faults.link_down(at="alpha", to="beta.test"):
        submit(lab.alpha.monitor, recipient, "waits", ca)
        while "Connection refused" not in "".join(lab.alpha.smtp.queued()):
            pass
        assert not lab.beta.maildir().holding("waits")
    with Reader(lab.beta.monitor, ca) as reader:
        reader.wait_for("waits")


def test_a_message_can_come_twice(lab: Lab, ca: ssl.SSLContext) -> None:
    message = compose(lab.alpha.monitor, lab.beta.monitor.address, "twice").as_bytes()
    for _ in range(2):
        lab.beta.imap.deliver(lab.beta.monitor.address, message)
    first, second = lab.beta.maildir().holding("twice")
    assert first.stored_at < second.stored_at


def test_a_full_mailbox_bounces(lab: Lab, ca: ssl.SSLContext) -> None:
    full = lab.beta.account("full").address
    with bounce_of(lab, ca, full) as status:
        assert status["Status"] == "5.2.2"


@pytest.mark.parametrize(("domain", "code"), [("nomail.test", "5.1.0"), ("nowhere.test", "5.4.4")])
def test_a_domain_that_takes_no_mail_bounces(
    lab: Lab, ca: ssl.SSLContext, domain: str, code: str
) -> None:
    with bounce_of(lab, ca, f"monitor@{domain}") as status:
        assert status["Status"] == code


def test_mail_comes_by_the_second_mx_when_the_first_is_dead(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.faults.records("beta.test", MX=["10 mx.dead.test", "20 mx.beta.test"])
    with Reader(lab.beta.monitor, ca) as reader:
        submit(lab.alpha.monitor, lab.beta.monitor.address, "second", ca)
        reader.wait_for("second")
    assert {"kind": "dns", "name": "mx.dead.test", "type": "A"} in lab.faults.events("dns")


def test_mail_waits_while_dns_fails(lab: Lab, ca: ssl.SSLContext) -> None:
    with Reader(lab.beta.monitor, ca) as reader:
        with lab.faults.dns("beta.test", DnsFault.SERVFAIL):
            submit(lab.alpha.monitor, lab.beta.monitor.address, "servfail", ca)
        reader.wait_for("servfail")


def test_too_many_logins_are_refused(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.alpha.smtp.throttle(logins=1)
    submit(lab.alpha.monitor, lab.beta.monitor.address, "first", ca)
    with pytest.raises(smtplib.SMTPException, match="too many AUTH commands"):
        submit(lab.alpha.monitor, lab.beta.monitor.address, "second", ca)


@pytest.mark.parametrize(
    ("shown", "complaint"),
    [
        (Certificate.EXPIRED, "certificate has expired"),
        (Certificate.WRONG_NAME, "IP address mismatch"),
        (Certificate.FOREIGN, "unable to get local issuer"),
    ],
)
def test_a_bad_certificate_is_shown_by_both_servers(
    lab: Lab, ca: ssl.SSLContext, shown: Certificate, complaint: str
) -> None:
    lab.beta.show_certificate(shown)
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        Reader(lab.beta.monitor, ca)
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        submit(lab.beta.monitor, lab.alpha.monitor.address, "never", ca)


def test_a_certificate_that_expires_soon_is_still_good(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.beta.show_certificate(Certificate.EXPIRES_SOON)
    with Reader(lab.beta.monitor, ca) as reader:
        ends = ssl.cert_time_to_seconds(str(reader.certificate()["notAfter"]))
    now = real_now().timestamp()
    assert now < ends < now + 6 * 86_400


def test_a_kicked_session_hears_bye(lab: Lab, ca: ssl.SSLContext) -> None:
    with Reader(lab.beta.monitor, ca) as reader:
        reader.idle()
        lab.beta.imap.kick(lab.beta.monitor.address)
        assert reader.hear().startswith(b"* BYE")


def test_a_killed_session_ends_without_a_word(lab: Lab, ca: ssl.SSLContext) -> None:
    with Reader(lab.beta.monitor, ca) as reader:
        reader.idle()
        lab.beta.imap.kill_sessions()
        with pytest.raises((EOFError, OSError)):
            reader.hear()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_imap_goes_away_and_comes_back(lab: Lab, ca: ssl.SSLContext, end: str) -> None:
    getattr(lab.beta.imap, end)()
    with pytest.raises(ConnectionRefusedError):
        Reader(lab.beta.monitor, ca)
    lab.beta.imap.start()
    Reader(lab.beta.monitor, ca).close()


def test_a_frozen_server_is_silent_and_then_goes_on(lab: Lab, ca: ssl.SSLContext) -> None:
    with Reader(lab.beta.monitor, ca) as reader:
        lab.beta.imap.freeze()
        reader.patience(0.2)
        with pytest.raises(TimeoutError):
            reader.find("anything")
    lab.beta.imap.thaw()
    Reader(lab.beta.monitor, ca).close()


def test_whatever_a_test_leaves_broken_is_mended_for_the_next(
    lab: Lab, ca: ssl.SSLContext
) -> None:
    lab.faults.discard(at="beta")
    lab.alpha.smtp.throttle(logins=1)
    lab.alpha.imap.freeze()
    lab.beta.imap.kill()
    lab.beta.smtp.stop()
    lab.gamma.show_certificate(Certificate.EXPIRED)
    lab.reset()
    for _ in range(2):
        submit(lab.alpha.monitor, lab.beta.monitor.address, "mended", ca)
    for owner in (lab.alpha.monitor, lab.gamma.monitor):
        Reader(owner, ca).close()
    with Reader(lab.beta.monitor, ca) as reader:
        reader.wait_for("mended")


def test_nobody_listens_at_the_dead_mx() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((addresses.NOBODY_LISTENS, addresses.SMTP), 5)


async def idle_in_plain_text(lab: Lab, proxy: TcpProxy) -> asyncio.StreamWriter:
    """Wait for news through the proxy, on port 143 without TLS, so that it can read along."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    monitor = lab.beta.monitor
    for command in (f"LOGIN {monitor.address} {monitor.password}", "SELECT INBOX", "IDLE"):
        writer.write(f"t {command}\r\n".encode())
        if command != "IDLE":
            assert await reader.readuntil(b"t OK")
    return writer


async def test_the_push_is_seen_on_the_wire_after_the_message_was_stored(lab: Lab) -> None:
    async with TcpProxy(lab.beta.address, addresses.IMAP) as proxy:
        ready, pushed = proxy.watch(rb"^\+ "), proxy.watch(rb"^\* 1 EXISTS")
        received = proxy.watch(rb"IDLE", Direction.TO_SERVER)
        streams = await idle_in_plain_text(lab, proxy)
        await ready.wait()
        message = compose(lab.alpha.monitor, lab.beta.monitor.address, "pushed").as_bytes()
        lab.beta.imap.deliver(lab.beta.monitor.address, message)
        (push,) = await pushed.wait()
        streams.transport.abort()
    (stored,) = lab.beta.maildir().holding("pushed")
    assert received.crossings[0].at < stored.stored_at < push.at


async def test_a_message_can_be_accepted_without_the_sender_hearing_it(lab: Lab) -> None:
    async with TcpProxy(lab.alpha.address, addresses.SUBMISSION_PLAIN) as proxy:
        proxy.cut_before(b"queued as", Direction.TO_CLIENT)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await asyncio.to_thread(submit_in_plain_text, lab, proxy, "unheard")
    with Reader(lab.beta.monitor, ssl.create_default_context(cafile=lab.ca)) as reader:
        await asyncio.to_thread(reader.wait_for, "unheard")
    assert len(lab.beta.maildir().holding("unheard")) == 1


def submit_in_plain_text(lab: Lab, proxy: TcpProxy, token: str) -> None:
    sender, recipient = lab.alpha.monitor, lab.beta.monitor.address
    with smtplib.SMTP(proxy.host, proxy.port, timeout=20) as smtp:
        smtp.login(sender.address, sender.password)
        smtp.send_message(compose(sender, recipient, token))


def test_too_many_messages_are_refused(lab: Lab, ca: ssl.SSLContext) -> None:
    lab.alpha.smtp.throttle(messages=1)
    submit(lab.alpha.monitor, lab.beta.monitor.address, "first", ca)
    with pytest.raises(smtplib.SMTPResponseException, match="too much mail"):
        submit(lab.alpha.monitor, lab.beta.monitor.address, "second", ca)
