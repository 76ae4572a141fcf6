"""The lab's certificate authority, and the good and bad certificates of each provider."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


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
