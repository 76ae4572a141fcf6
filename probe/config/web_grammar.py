"""The web config file as it is written, in the format of Prometheus' exporter-toolkit.

Keys that we cannot follow are refused with a word and not ignored: each of them is a wish for
more protection.
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from probe.config import duration
from probe.config.fields import FileName
from probe.config.model import Section
from probe.config.protection import ClientAuth, TlsVersion

_HEADER_LIMIT = 2000
"""Characters: half of what we take in a header ourselves."""


def _refused(why: str) -> BeforeValidator:
    """A key of the format that must stay empty."""

    def check(value: object) -> None:
        if value not in (None, "", []):
            raise ValueError(why)

    return BeforeValidator(check)


def _header(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header is one line of ASCII")
    if len(value) > _HEADER_LIMIT:
        raise ValueError(f"is longer than {_HEADER_LIMIT} characters")
    return value


def _one_of(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if value and value.lower() not in allowed:
            raise ValueError(f"must be {' or '.join(allowed)}")
        return value

    return AfterValidator(check)


Header = Annotated[str, AfterValidator(_header)]
Interval = Annotated[float, BeforeValidator(duration.from_value)]

_BESIDE = "stands in a file of its own here: use {}_file"
_OPENSSL = "cannot be chosen here, OpenSSL's own safe list is used: remove it"
_SANS = "is not supported: let client_ca_file be a CA that signs only those clients"


class TlsServerConfig(Section):
    """TLS of the web server."""

    cert_file: FileName | None = Field(default=None, description="PEM file, the chain included.")
    key_file: FileName | None = Field(default=None, description="PEM file of the private key.")
    client_auth_type: Annotated[ClientAuth, Field(strict=False)] = ClientAuth.NONE
    client_ca_file: FileName | None = None
    min_version: Annotated[TlsVersion, Field(strict=False)] = TlsVersion.TLS12
    max_version: Annotated[TlsVersion, Field(strict=False)] = TlsVersion.TLS13
    prefer_server_cipher_suites: bool = True
    """Without effect where no list of cipher suites can be given."""
    cert: Annotated[None, _refused(_BESIDE.format("cert"))] = None
    key: Annotated[None, _refused(_BESIDE.format("key"))] = None
    client_ca: Annotated[None, _refused(_BESIDE.format("client_ca"))] = None
    cipher_suites: Annotated[None, _refused(_OPENSSL)] = None
    curve_preferences: Annotated[None, _refused(_OPENSSL)] = None
    client_allowed_sans: Annotated[None, _refused(_SANS)] = None


class Headers(Section):
    """Headers of every answer; empty leaves ours as it is."""

    csp: Header = Field(default="", alias="Content-Security-Policy")
    frame_options: Annotated[Header, _one_of("deny", "sameorigin")] = Field(
        default="", alias="X-Frame-Options"
    )
    content_type_options: Annotated[Header, _one_of("nosniff")] = Field(
        default="", alias="X-Content-Type-Options"
    )
    xss_protection: Header = Field(default="", alias="X-XSS-Protection")
    hsts: Header = Field(default="", alias="Strict-Transport-Security")


class HttpServerConfig(Section):
    """What the HTTP server does."""

    http2: bool = True
    """Without effect: we speak HTTP/1.1, which every client of HTTP/2 speaks too."""
    headers: Headers = Field(default_factory=Headers)


class RateLimitConfig(Section):
    """A token bucket for all requests together."""

    interval: Interval = 0.0
    burst: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class WebFile(Section):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = Field(default_factory=HttpServerConfig)
    basic_auth_users: dict[str, str] | None = None
    rate_limit: RateLimitConfig = Field(default_factory=RateLimitConfig)
