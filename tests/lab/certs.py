"""The lab's certificate authority, and the good and bad certificates of each provider."""

import ipaddress
import smtplib
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab.addresses import SUBMISSION
from tests.lab.process import LabError

RELOAD_SECONDS = 10.0
"""A reload takes some 15 ms; the rest is for a loaded machine."""

TIMES_IN_A_ROW = 3


class Certificate(StrEnum):
    """What a server shows: the file's name in a provider's certificate directory."""

    VALID = "valid"
    EXPIRED = "expired"
    EXPIRES_SOON = "expires-soon"
    WRONG_NAME = "wrong-name"
    FOREIGN = "foreign"


VALIDITY = {
    Certificate.VALID: (timedelta(days=-1), timedelta(days=365)),
    Certificate.EXPIRED: (timedelta(days=-60), timedelta(days=-30)),
    Certificate.EXPIRES_SOON: (timedelta(days=-360), timedelta(days=5)),
    Certificate.WRONG_NAME: (timedelta(days=-1), timedelta(days=365)),
    Certificate.FOREIGN: (timedelta(days=-1), timedelta(days=365)),
}


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its key and its own certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, name: str, now: datetime) -> "Authority":
        """Make an authority that nobody trusts yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.not_valid_before(now - timedelta(days=366))
        builder = builder.not_valid_after(now + timedelta(days=366))
        return cls(key, builder.sign(key, hashes.SHA256()))

    def issue(
        self,
        names: Iterable[str],
        validity: tuple[datetime, datetime],
        key: ec.EllipticCurvePrivateKey,
    ) -> x509.Certificate:
        """Sign a server certificate for these names and addresses."""
        listed = list(names)
        return (
            _builder(_name(listed[0]), self.certificate.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName([_general(n) for n in listed]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .not_valid_before(validity[0])
            .not_valid_after(validity[1])
            .sign(self.key, hashes.SHA256())
        )


def write_certificates(authority: Authority, directory: Path, names: list[str]) -> None:
    """Write each kind of certificate for a server of these names: KIND.pem and KIND.key."""
    directory.mkdir(parents=True, exist_ok=True)
    now = real_now()
    for kind, (begins, ends) in VALIDITY.items():
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = Authority.create("nobody's CA", now) if kind is Certificate.FOREIGN else authority
        shown = ["other.example"] if kind is Certificate.WRONG_NAME else names
        certificate = issuer.issue(shown, (now + begins, now + ends), key)
        (directory / f"{kind}.pem").write_bytes(_pem(certificate))
        _write_private(directory / f"{kind}.key", key)


def wait_shown(host: str, port: int, certificate: str) -> None:
    """Return when a server shows this certificate (PEM), which a reload takes a moment to do.

    Old and new processes share the port in between, so it must be seen some times in a row.
    """
    wanted, shown = ssl.PEM_cert_to_DER_cert(certificate), 0
    give_up = time.monotonic() + RELOAD_SECONDS
    while shown < TIMES_IN_A_ROW:
        if time.monotonic() > give_up:
            raise LabError(f"{host}:{port} does not show its new certificate")
        with suppress(OSError, smtplib.SMTPException):
            shown = shown + 1 if _certificate_of(host, port) == wanted else 0


def _certificate_of(host: str, port: int) -> bytes | None:
    anything = ssl.create_default_context()
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    if port == SUBMISSION:
        with smtplib.SMTP(host, port, timeout=RELOAD_SECONDS) as smtp:
            smtp.starttls(context=anything)
            assert isinstance(smtp.sock, ssl.SSLSocket)
            return smtp.sock.getpeercert(binary_form=True)
    with (
        socket.create_connection((host, port), RELOAD_SECONDS) as plain,
        anything.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True)


def real_now() -> datetime:
    """Return the true time: servers compare a certificate with nothing else."""
    return datetime.now(UTC)  # noqa: TID251 - certificates live on the real clock


def write_authority(authority: Authority, path: Path) -> None:
    """Write the certificate that a client of the lab trusts."""
    path.write_bytes(_pem(authority.certificate))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
