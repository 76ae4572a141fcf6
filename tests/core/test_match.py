"""What a message is to us."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.match import Echo, Foreign, Ours, Report, Signer, looks_like_report, match, sent_at
from probe.core.message import compose
from probe.mail.dsn import Action
from probe.mail.token import SigningKey
from tests.makers import RECIPIENT, SENDER, SIGNER, START, a_probe, a_token

PROBE = a_probe()
TOKEN = a_token(PROBE)
MESSAGE = compose(SENDER, RECIPIENT, TOKEN, PROBE.planned_at)
HEADER = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
STRANGER = Signer("deadbeef", SigningKey(b"the key of another installation."))


def without(*names: bytes) -> bytes:
    lines = HEADER.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(names))


def test_a_probe_is_recognised() -> None:
    found = match(HEADER, None, SIGNER)

    assert isinstance(found, Ours)
    assert found.token.probe == PROBE.id


@pytest.mark.parametrize(
    "header",
    [
        without(b"x-mailprobe-token", b"message-id"),
        without(b"x-mailprobe-token", b"subject"),
        without(b"message-id", b"subject"),
        HEADER.replace(b"Subject: ", b"Subject: [EXTERNAL] ***SPAM*** "),
        without(b"x-mailprobe-token").replace(
            b"Subject: mailprobe " + TOKEN.encode(),
            b"Subject: =?utf-8?b?"
            + base64.b64encode(f"[Spam?] mailprobe {TOKEN}".encode())
            + b"?=",
        ),
    ],
    ids=[
        "only in the subject",
        "only in the message id",
        "only in its field",
        "tagged",
        "encoded",
    ],
)
def test_a_provider_may_rewrite_any_of_the_places(header: bytes) -> None:
    assert isinstance(match(header, None, SIGNER), Ours)


def test_a_reply_is_an_echo_and_no_sighting() -> None:
    reply = f"Subject: Re: mailprobe {TOKEN}\r\nIn-Reply-To: <{TOKEN}@north.test>\r\n\r\n".encode()

    assert isinstance(match(reply, None, SIGNER), Echo)


def test_an_out_of_office_answer_is_an_echo() -> None:
    answer = (
        f"From: x@blue.test\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied\r\n"
        f"Subject: Out of office: mailprobe {TOKEN}\r\n\r\nI am away.\r\n"
    ).encode()
    header = answer.partition(b"\r\n\r\n")[0]

    assert looks_like_report(header)
    assert isinstance(match(header, answer, SIGNER), Echo)


def test_a_forged_token_is_counted_and_is_nothing() -> None:
    forged = HEADER.replace(
        TOKEN.encode(), a_token(PROBE, Signer("0badcafe", STRANGER.key)).encode()
    )

    assert match(forged, None, SIGNER) == Foreign(forged=1)
    assert sent_at(forged, None, SIGNER) is None


def test_another_instances_probe_is_a_strangers() -> None:
    foreign = HEADER.replace(TOKEN.encode(), a_token(PROBE, STRANGER).encode())

    assert match(foreign, None, SIGNER) == Foreign(strangers=1)


def test_ordinary_mail_is_nothing() -> None:
    assert match(b"From: a@b.test\r\nSubject: lunch?\r\n\r\n", None, SIGNER) == Foreign()


def test_the_time_of_sending_is_known_of_ours_only() -> None:
    assert sent_at(HEADER, None, SIGNER) == pytest.approx(START - 1, abs=1e-5)
    assert sent_at(b"Subject: lunch?\r\n\r\n", None, SIGNER) is None


def report(returned: str, encoding: str = "7bit") -> bytes:
    payload = returned.encode()
    body = base64.encodebytes(payload).decode() if encoding == "base64" else returned
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@north.test>\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.north.test\r\n\r\n"
        "Final-Recipient: rfc822; probe@blue.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 recipient rejected\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
def test_a_bounce_with_our_returned_header_is_a_report(encoding: str) -> None:
    raw = report(HEADER.decode().strip(), encoding)
    header = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert looks_like_report(header)

    found = match(header, raw, SIGNER)

    assert isinstance(found, Report)
    assert found.token.probe == PROBE.id
    assert found.dsn.action is Action.FAILED
    assert found.dsn.recipients[0].status == "5.1.1"
    assert sent_at(header, raw, SIGNER) is not None


def test_a_bounce_about_somebody_elses_mail_is_nothing() -> None:
    raw = report("Message-ID: <1@elsewhere.test>\r\nSubject: lunch?")

    assert match(raw.partition(b"\r\n\r\n")[0], raw, SIGNER) == Foreign()


def test_the_message_tells_machines_not_to_answer() -> None:
    assert b"Auto-Submitted: auto-generated\r\n" in HEADER
    assert b"X-Auto-Response-Suppress: All\r\n" in HEADER


def test_every_line_of_the_message_ends_properly_and_is_short() -> None:
    assert MESSAGE.count(b"\n") == MESSAGE.count(b"\r\n")
    assert max(map(len, MESSAGE.split(b"\r\n"))) < 998  # RFC 5322 §2.1.1


def test_a_header_with_a_body_nested_without_end_behind_it_is_only_a_header() -> None:
    endless = b"Content-Type: message/rfc822\r\n\r\n" * 2000
    assert isinstance(match(HEADER[:-2] + endless, None, SIGNER), Ours)
    assert not looks_like_report(endless)


@given(st.binary(max_size=500), st.binary(max_size=500))
def test_no_octets_make_it_raise(header: bytes, body: bytes) -> None:
    looks_like_report(header)
    match(header, body, SIGNER)
    match(HEADER[:-2] + header, HEADER + body, SIGNER)


@pytest.mark.parametrize(
    "subject", [b"=?utf-8?b?a?=", b"=?no-such-charset?q?a?=", b"=?utf-8?b?/w==?=", b"\xff\xfe"]
)
def test_a_subject_that_cannot_be_decoded_is_only_foreign(subject: bytes) -> None:
    assert match(b"Subject: " + subject + b"\r\n\r\n", None, SIGNER) == Foreign()


@given(st.text(alphabet="=?utf8bqa-_ \r\n\tZ/+<>@", max_size=60))
def test_no_subject_stops_the_reading_of_the_token_beside_it(subject: str) -> None:
    line = " ".join(f"Subject: {subject}".split())
    header = f"{line}\r\nX-Mailprobe-Token: {TOKEN}\r\n\r\n".encode()

    assert isinstance(match(header, None, SIGNER), Ours)
