"""How the web server is protected, as the web config file says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from probe.config.secret import Secret


class ClientAuth(StrEnum):
    """Whether a client shows a certificate, in the words of Go's crypto/tls.

    Its two kinds that ask for a certificate and do not verify it are left out: they look like a
    lock, and are none.
    """

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """TLS 1.0 and 1.1 must not be used any more (RFC 8996)."""

    TLS12 = "TLS12"
    TLS13 = "TLS13"


@dataclass(frozen=True, slots=True)
class ServerTls:
    """TLS of our own server."""

    cert_file: Path
    key_file: Path
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca_file: Path | None = None
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion = TlsVersion.TLS13

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it is made from."""
        given = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(file for file in given if file is not None)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket for all requests together."""

    interval: float
    """Seconds in which one token is added."""
    burst: int


@dataclass(frozen=True, slots=True)
class Protection:
    """Everything; the default is none."""

    tls: ServerTls | None = None
    users: Mapping[str, Secret] = field(default_factory=dict)
    """Bcrypt hashes by user."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every answer, before our own."""
    rate_limit: RateLimit | None = None

    @property
    def closed(self) -> bool:
        """Whether a stranger is kept out."""
        verified = self.tls is not None and self.tls.client_auth is ClientAuth.REQUIRED
        return verified or bool(self.users)
