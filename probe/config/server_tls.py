"""A TLS context for our own web server, or the reason why there is none."""

import ssl
from pathlib import Path

from probe.config.protection import ClientAuth, ServerTls, TlsVersion

_VERSIONS = {TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2, TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3}
_MODES = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}


class UnusableTlsError(Exception):
    """Why; ``key`` is the key of the web config file to mend."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


def context(tls: ServerTls) -> ssl.SSLContext:
    """Read the files.

    Raises:
        UnusableTlsError: one of them is no good.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = _VERSIONS[tls.min_version]
    made.maximum_version = _VERSIONS[tls.max_version]
    made.options |= ssl.OP_NO_RENEGOTIATION  # a client could make us work without end
    made.set_alpn_protocols(["http/1.1"])
    _load_pair(made, tls)
    if tls.client_ca_file is not None:
        _load_ca(made, tls.client_ca_file)
    made.verify_mode = _MODES[tls.client_auth]
    return made


def _load_pair(made: ssl.SSLContext, tls: ServerTls) -> None:
    _must_hold("cert_file", tls.cert_file, b"-----BEGIN CERTIFICATE-----", "certificate")
    _must_hold("key_file", tls.key_file, b"PRIVATE KEY-----", "private key")
    try:
        made.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"{tls.key_file} does not belong to the certificate in {tls.cert_file}"
            raise UnusableTlsError("key_file", why) from None
        why = f"OpenSSL does not take {tls.cert_file} with {tls.key_file} ({error.reason})"
        raise UnusableTlsError("cert_file", why) from None
    except OSError as error:
        raise UnusableTlsError("cert_file", f"cannot be read: {error.strerror}") from None


def _no_password() -> str:
    """Else OpenSSL would ask at the terminal, and a daemon has none."""
    why = "the key is encrypted: write it without a passphrase, readable by mailprobe only"
    raise UnusableTlsError("key_file", why)


def _load_ca(made: ssl.SSLContext, file: Path) -> None:
    _must_hold("client_ca_file", file, b"-----BEGIN CERTIFICATE-----", "certificate")
    try:
        made.load_verify_locations(file)
    except ssl.SSLError as error:
        why = f"OpenSSL does not take {file} ({error.reason})"
        raise UnusableTlsError("client_ca_file", why) from None


_LARGEST = 1024 * 1024
"""Octets of a PEM file: a bundle of all public authorities has 200 kB."""


def _must_hold(key: str, file: Path, marker: bytes, what: str) -> None:
    """Say which file it is: OpenSSL does not."""
    try:
        if not file.is_file():  # a pipe could keep us waiting for ever
            raise UnusableTlsError(key, f"there is no file {file}")
        with file.open("rb") as handle:
            octets = handle.read(_LARGEST)
    except OSError as error:
        raise UnusableTlsError(key, f"cannot read {file}: {error.strerror}") from None
    if marker not in octets:
        raise UnusableTlsError(key, f"{file} holds no {what} in PEM form")
