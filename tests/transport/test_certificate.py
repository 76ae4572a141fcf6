"""The words for a failed handshake; the handshakes themselves are in smtp/test_channel.py."""

import ssl

import pytest

from probe.transport import certificate

PEER = {
    "notBefore": "Jan  1 00:00:00 2026 GMT",
    "notAfter": "Nov  1 12:00:00 2026 GMT",
    "subjectAltName": tuple(("DNS", f"mx{number}.test") for number in range(5)),
}


def refused(code: int, words: str = "some words") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, words)
    error.verify_code, error.verify_message = code, words
    return error


def said(error: ssl.SSLError, peer: certificate.Peer | None = None) -> str:
    return certificate.failure("mx.test", 465, error, peer)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (10, "the certificate of mx.test expired on 2026-11-01: its operator must renew it"),
        (9, "the certificate of mx.test is not valid yet before 2026-01-01: check this machine"),
        (62, "is for mx0.test, mx1.test, mx2.test, …, not for mx.test: check the host"),
        (64, "is for mx0.test, mx1.test, mx2.test, …, not for mx.test: check the host"),
        (
            18,
            "the certificate of mx.test is self-signed: if that is meant, name its CA in ca_file",
        ),
        (19, "the certificate of mx.test is issued by an unknown authority"),
        (20, "the certificate of mx.test is issued by an unknown authority"),
        (23, "the certificate of mx.test is refused: some words"),
    ],
)
def test_each_fault_of_a_certificate_has_its_sentence(code: int, sentence: str) -> None:
    assert sentence in said(refused(code), PEER)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(10, "expired: "), (9, "not valid yet: "), (62, "is for another name, not for mx.test")],
)
def test_without_a_look_at_it_the_sentence_still_holds(code: int, sentence: str) -> None:
    assert sentence in said(refused(code))


def test_other_failures_are_told_in_openssls_own_words() -> None:
    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert")
    error.reason = "TLSV1_ALERT_PROTOCOL_VERSION"
    assert said(error) == "no TLS with mx.test port 465: tlsv1 alert protocol version"


@pytest.mark.parametrize(("code", "worth"), [(9, True), (10, True), (62, True), (20, False)])
def test_only_a_date_or_a_name_is_worth_a_look(code: int, worth: bool) -> None:
    assert certificate.worth_a_look(refused(code)) is worth


def test_the_end_of_life_is_seconds_since_1970() -> None:
    assert certificate.not_after(PEER) == 1793534400
    assert certificate.not_after({}) is None
    assert certificate.not_after(None) is None
