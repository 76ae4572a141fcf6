"""Every shape in which a secret could lie about."""

import base64
import html
import json
import urllib.parse
from collections.abc import Iterable, Iterator


def shapes(secret: str, user: str = "") -> Iterator[bytes]:
    """The secret as programs write it: as it is, escaped, quoted, encoded, in a SASL message."""
    octets = secret.encode()
    yield octets
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield repr(secret)[1:-1].encode()
    yield repr(octets)[2:-1].encode()
    yield html.escape(secret).encode()
    yield urllib.parse.quote(secret).encode()
    yield urllib.parse.quote_plus(secret).encode()
    yield secret.replace("\\", "\\\\").replace('"', '\\"').encode()  # IMAP's quoted string
    yield octets.hex().encode()
    for before in (b"", b"\0" + user.encode() + b"\0", b"\0\0", b"x", user.encode() + b":"):
        yield from _base64(before, octets)


def _base64(before: bytes, octets: bytes) -> Iterator[bytes]:
    """What of the encoded text depends on the secret alone, in both alphabets."""
    skip = -len(before) % 3
    whole = octets[skip : len(octets) - (len(octets) - skip) % 3]
    yield base64.b64encode(whole)
    yield base64.urlsafe_b64encode(whole)


def found(everything: bytes, secrets: Iterable[tuple[str, str]]) -> list[bytes]:
    """Which shapes of these (secret, user) occur."""
    return [
        shape for secret, user in secrets for shape in shapes(secret, user) if shape in everything
    ]
