"""Notifications of real servers are read; whatever else comes is None, and never an error."""

import base64
import quopri
import random
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.mail import dsn
from probe.mail.dsn import MAX_OCTETS, MAX_RECIPIENTS, Action, Dsn, DsnRecipient

FOLDER = Path(__file__).parent / "dsn"
NAMES = sorted(file.stem for file in FOLDER.glob("*.eml"))
SENT = "<one@probe.north.test>"

EXPECTED = {
    "postfix": Dsn(
        (
            DsnRecipient(
                "probe@blue.test",
                Action.FAILED,
                "5.1.1",
                "550 5.1.1 <probe@blue.test>: Recipient address rejected: User unknown; "
                "see https://help.blue.test/",
                "mx.blue.test",
            ),
        ),
        "mx.north.test",
        SENT,
    ),
    "exchange": Dsn(
        (
            DsnRecipient(
                "nobody@blue.test",
                Action.FAILED,
                "5.1.10",
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; "
                "Recipient not found by SMTP address lookup",
            ),
        ),
        "BLUEMB01.blue.test",
        SENT,
    ),
    "exim": Dsn(
        (
            DsnRecipient(
                "full@blue.test", Action.FAILED, "5.0.0", "552 5.2.2 Mailbox full", "mx.blue.test"
            ),
        ),
        "mail.north.test",
        SENT,
    ),
    "exim_plain": Dsn(
        (
            DsnRecipient("probe@blue.test", Action.FAILED),
            DsnRecipient("other@blue.test", Action.FAILED),
        )
    ),
    "qmail": Dsn(()),
    "delay": Dsn(
        (
            DsnRecipient(
                "probe@blue.test",
                Action.DELAYED,
                "4.4.1",
                "connect to mx.blue.test[192.0.2.25]:25: Connection timed out",
            ),
        ),
        "mx.north.test",
        SENT,
    ),
    "success": Dsn(
        (DsnRecipient("probe@blue.test", Action.DELIVERED, "2.0.0"),), "mx.blue.test", SENT
    ),
    "several": Dsn(
        (
            DsnRecipient("list@blue.test", Action.EXPANDED, "2.0.0"),
            DsnRecipient("slow@blue.test", Action.DELAYED, "4.2.2"),
            DsnRecipient(
                "gone@blue.test", Action.FAILED, "5.1.6", "550 gone away; ask the new address"
            ),
        ),
        "mail.blue.test",
    ),
    "global": Dsn(
        (
            DsnRecipient(
                "jürgen@blåbær.test",
                Action.FAILED,
                "5.6.7",
                "553 5.6.7 Adresse jürgen unbekannt",
            ),
        ),
        "mx.blue.test",
        SENT,
    ),
}


def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def headers(raw: bytes) -> Message:
    return BytesHeaderParser().parsebytes(raw)


def report(status: bytes, *fields: bytes) -> bytes:
    """A multipart/report with one status part of one's own."""
    return b"\n".join(
        (
            b"From: MAILER-DAEMON@mx.test",
            b'Content-Type: multipart/report; boundary="b"',
            b"",
            b"--b",
            b"Content-Type: message/delivery-status",
            *fields,
            b"",
            status,
            b"--b--",
        )
    )


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", NAMES)
def test_a_servers_notification_is_read(name: str, ending: bytes) -> None:
    raw = sample(name).replace(b"\n", ending)
    assert dsn.looks_like_report(headers(raw))
    assert dsn.read(raw) == EXPECTED[name]


def test_every_sample_has_its_expected_result() -> None:
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("postfix", Action.FAILED),
        ("qmail", Action.FAILED),
        ("delay", Action.DELAYED),
        ("success", Action.DELIVERED),
        ("several", Action.FAILED),
    ],
)
def test_the_worst_action_counts_and_none_is_a_failure(name: str, action: Action) -> None:
    found = dsn.read(sample(name))
    assert found is not None
    assert found.action is action


@pytest.mark.parametrize("name", ["postfix", "delay", "several", "global"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_status_part_is_decoded(name: str, encoding: str) -> None:
    """RFC 3464 §2.1 asks for 7bit; some servers encode it all the same."""
    assert dsn.read(encoded(sample(name), encoding)) == EXPECTED[name]


def encoded(raw: bytes, encoding: str) -> bytes:
    """The same message with its status part encoded."""
    mark = b"delivery-status"
    start = raw.rindex(mark) + len(mark)
    _, _, rest = raw[start:].partition(b"\n\n")
    end = rest.index(b"\n--")
    code = base64.encodebytes if encoding == "base64" else quopri.encodestring
    field = f"\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    return raw[:start] + field + code(rest[:end] + b"\n") + rest[end:]


ORDINARY = {
    "mail": b"From: a@b.test\nSubject: hello\n\nundeliverable, failed\n",
    "auto-reply": b"Return-Path: <>\nFrom: a@b.test\nAuto-Submitted: auto-replied\n"
    b"Subject: Out of office: probe\n\nI am away.\n",
    "postmaster's letter": b"From: postmaster@b.test\nSubject: Planned maintenance\n\nTonight.\n",
    "read receipt": b"From: a@b.test\nContent-Type: multipart/report;"
    b' report-type=disposition-notification; boundary="b"\n\n--b\n'
    b"Content-Type: message/disposition-notification\n\n"
    b"Final-Recipient: rfc822; a@b.test\nDisposition: manual-action; displayed\n\n--b--\n",
    "status without recipients": report(b"Reporting-MTA: dns; mx.test\n"),
    "status without fields": report(b"nothing to see here"),
    "empty status": report(b""),
    "nothing": b"",
    "blank": b"\n\n\n",
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("raw", ORDINARY.values(), ids=ORDINARY)
def test_what_is_no_notification_is_none(raw: bytes) -> None:
    assert dsn.read(raw) is None


@pytest.mark.parametrize(
    ("header", "looks"),
    [
        (b"Content-Type: multipart/report; boundary=b", True),
        (b"X-Failed-Recipients: a@b.test", True),
        (b"Return-Path: <>", True),
        (b"From: Mail Delivery Subsystem <mds@b.test>", True),
        (b"From: MAILER-DAEMON", True),
        (b"From: \xe9\xe8 <mailer-daemon@b.test>", True),
        (b"From: a@b.test\nReturn-Path: <a@b.test>", False),
        (b"From: \xff\xfe", False),
        (b"", False),
    ],
)
def test_a_header_tells_whether_the_body_is_worth_reading(header: bytes, looks: bool) -> None:
    assert dsn.looks_like_report(headers(header + b"\n\n")) is looks


@pytest.mark.parametrize(
    "subject",
    [
        "Undelivered Mail Returned to Sender",
        "Undeliverable: probe",
        "Delivery Status Notification (Failure)",
        "Delivery Notification: Delivery has failed",
        "Returned mail: see transcript for details",
        "failure notice",
        "Mail delivery failed: returning message to sender",
        "Your message couldn't be delivered",
    ],
)
def test_a_failure_in_plain_words_is_known_by_its_subject(subject: str) -> None:
    raw = f"From: MAILER-DAEMON@b.test\nSubject: {subject}\n\nSorry.\n".encode()
    assert dsn.read(raw) == Dsn(())
    assert dsn.read(raw.replace(b"MAILER-DAEMON", b"somebody")) is None


def test_raw_8_bit_in_any_field_is_read() -> None:
    raw = report(
        b"Reporting-MTA: dns; m\xfcx.test\n\nFinal-Recipient: rfc822; j\xfcrgen@b.test\n"
        b"Action: fail\xe9\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 f\xfcr \xff niemand\n"
    )
    found = dsn.read(raw.replace(b"From: ", b"Subject: \xe9\xff\nFrom: \xe4 "))
    assert found is not None
    (recipient,) = found.recipients
    assert recipient.recipient == "j\ufffdrgen@b.test"
    assert recipient.action is None
    assert recipient.diagnostic == "550 f\ufffdr \ufffd niemand"
    assert found.action is Action.FAILED


def test_one_block_for_everything_is_read() -> None:
    """Against RFC 3464 §2.1, but it happens."""
    found = dsn.read(report(b"Reporting-MTA: dns; mx.test\nOriginal-Recipient: a@b.test\n"))
    assert found == Dsn((DsnRecipient("a@b.test", None),), "mx.test")


def test_an_action_alone_makes_a_recipient() -> None:
    assert dsn.read(report(b"X: y\n\nAction: relayed\n")) == Dsn(
        (DsnRecipient("", Action.RELAYED),)
    )


def test_a_broken_status_part_leaves_the_plain_words() -> None:
    raw = report(b"nothing").replace(b"From: ", b"Subject: failure notice\nFrom: ")
    assert dsn.read(raw) == Dsn(())


def test_the_returned_original_is_found_also_when_it_is_encoded() -> None:
    token = "mp1" + "a" * 60
    original = base64.encodebytes(f"Subject: {token}\n".encode())
    raw = b'Content-Type: multipart/report; boundary="b"\n\n--b\n'
    raw += b"Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n"
    raw += original + b"--b--\n"
    assert token.encode() not in raw
    assert token in dsn.readable_text(raw)
    assert "one@probe.north.test" in dsn.readable_text(sample("qmail"))


def nested(depth: int) -> bytes:
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth)
    )
    return f"From: MAILER-DAEMON@b.test\nSubject: x\n{opened}\nend\n".encode()


def forwarded(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * depth + sample("postfix")


HOSTILE = {
    "3,000 nested multiparts": nested(3000),
    "3,000 nested messages": forwarded(3000),
    "10 MB of text": sample("postfix") + b"x" * 10_000_000,
    "10 MB of one header": b"Subject: " + b"y" * 10_000_000,
    "10 MB of line feeds": report(b"\n" * 10_000_000),
    "10 MB of blanks": report(b"a: b\n" + b" \t" * 5_000_000),
    "a million recipients": report(b"Final-Recipient: rfc822; a@b.test\n\n" * 1_000_000),
    "a million names": b"From: postmaster@b.test\nX-Failed-Recipients: " + b"a," * 1_000_000,
    "100,000 parts": b'Content-Type: multipart/report; boundary="b"\n\n' + b"--b\n\n" * 100_000,
    "as deep and long as is read": nested(dsn.MAX_NESTS) + b"x\n" * 9_800,
    "900 parts": b'Content-Type: multipart/report; boundary="b"\n\n' + b"--b\n\n" * 900,
    "unknown charset": b'Content-Type: text/plain; charset="\xff"\n'
    b"Content-Transfer-Encoding: base64\n\n=\xff=\n",
    "bad base64": report(b"!" * 101, b"Content-Transfer-Encoding: base64"),
    "uuencoded rubbish": report(b"begin 644 x\n\xff\n", b"Content-Transfer-Encoding: x-uuencode"),
    "encoded words without end": b"From: =?utf-8?q?=?= =?x?b?\xff?= postmaster\n\n",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_gives_a_bounded_result_or_none(raw: bytes) -> None:
    found = dsn.read(raw)
    assert found is None or len(found.recipients) <= MAX_RECIPIENTS
    # The text, and at most as much again from parts that were encoded.
    assert len(dsn.readable_text(raw)) <= 3 * MAX_OCTETS
    dsn.looks_like_report(headers(raw[:65536]))


@pytest.mark.parametrize("name", NAMES)
def test_a_notification_cut_anywhere_is_read_or_none(name: str) -> None:
    raw = sample(name)
    for end in range(0, len(raw), 10):
        found = dsn.read(raw[:end])
        # Only the last recipient may be cut.
        assert found is None or set(found.recipients[:-1]) <= set(EXPECTED[name].recipients)
        dsn.readable_text(raw[:end])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.binary(min_size=1, max_size=20))
def test_damaged_notifications_never_raise(name: str, seed: int, noise: bytes) -> None:
    raw = bytearray(sample(name))
    place = random.Random(seed).randrange(len(raw))
    raw[place : place + len(noise)] = noise
    dsn.read(bytes(raw))
    dsn.readable_text(bytes(raw))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500))
def test_any_octets_never_raise(noise: bytes) -> None:
    for raw in (noise, report(noise), b"From: postmaster\nSubject: failure notice\n" + noise):
        dsn.read(raw)
        dsn.readable_text(raw)
