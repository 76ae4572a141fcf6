"""What is wrong with a server's certificate, in words that say what to do."""

import functools
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# OpenSSL's X509_V_ERR_* (x509_vfy.h), as SSLCertVerificationError.verify_code has them.
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = 18
_UNKNOWN_ISSUER = frozenset({2, 19, 20, 21})
_WRONG_NAME = frozenset({62, 64})
# X509_V_FLAG_NO_CHECK_TIME; the ssl module has no name for it.
_NO_CHECK_TIME = 0x200000

Peer = dict[str, Any]
"""A certificate as ``SSLSocket.getpeercert`` gives it."""


def worth_a_look(error: BaseException) -> bool:
    """True where a look at the certificate would say more: a date or a name is wrong."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in {
        _NOT_YET_VALID,
        _EXPIRED,
        *_WRONG_NAME,
    }


def has_expired(error: ssl.SSLCertVerificationError) -> bool:
    """True where only its date is against the certificate."""
    return error.verify_code == _EXPIRED


@functools.cache
def lenient(ca_file: Path | None) -> ssl.SSLContext:
    """A context to look at a refused certificate, never to talk over.

    The chain is verified, the dates and the name are not; Python shows a certificate only
    after a handshake that succeeded.
    """
    made = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    made.check_hostname = False
    made.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return made


def not_after(peer: Peer | None) -> float | None:
    """The end of the certificate's life, seconds since 1970."""
    return ssl.cert_time_to_seconds(peer["notAfter"]) if peer and "notAfter" in peer else None


def failure(host: str, port: int, error: ssl.SSLError, peer: Peer | None = None) -> str:
    """Say in one line what went wrong in a handshake, and what to do.

    ``peer`` is the certificate, if it could be looked at.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_failure(host, error, peer)
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}:
        return (
            f"{host} port {port} does not speak TLS from the first octet: "
            "check the port, or set tls: starttls"
        )
    what = (error.reason or str(error)).lower().replace("_", " ")
    return f"no TLS with {host} port {port}: {what}"


def _certificate_failure(host: str, error: ssl.SSLCertVerificationError, peer: Peer | None) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return (
            f"the certificate of {host} expired{_on(peer, 'notAfter')}: its operator must renew "
            "it (or a CA above it; or this machine's clock is wrong)"
        )
    if code == _NOT_YET_VALID:
        return (
            f"the certificate of {host} is not valid yet{_on(peer, 'notBefore', 'before')}: "
            "check this machine's clock"
        )
    if code in _WRONG_NAME:
        return (
            f"the certificate of {host} is for {_names(peer)}, not for {host}: "
            "check the host in the config"
        )
    if code == _SELF_SIGNED or code in _UNKNOWN_ISSUER:
        kind = "self-signed" if code == _SELF_SIGNED else "issued by an unknown authority"
        return f"the certificate of {host} is {kind}: if that is meant, name its CA in ca_file"
    return f"the certificate of {host} is refused: {error.verify_message}"


def _on(peer: Peer | None, key: str, word: str = "on") -> str:
    if not peer or key not in peer:
        return ""
    when = datetime.fromtimestamp(ssl.cert_time_to_seconds(peer[key]), UTC)
    return f" {word} {when:%Y-%m-%d}"


def _names(peer: Peer | None) -> str:
    names = [str(value) for _, value in (peer or {}).get("subjectAltName", ())]
    if not names:
        return "another name"
    more = ", …" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
