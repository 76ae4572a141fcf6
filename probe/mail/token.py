"""The signed token that makes a message ours.

Layout, 37 octets before base32 (lower case, no padding; 60 characters after the ``mp1`` mark):

====== ====== =======================================================================
octets  field  meaning
====== ====== =======================================================================
4       instance   which mailprobe sent it: two instances on one mailbox stay apart
4       route      digest of sender and recipient mailbox ids
10      probe      the probe's id, 80 random bits
7       sent_at    microseconds since 1970, so that a message found after everything
                   else was lost still tells its age
12      mac        HMAC-SHA256 over the rest, cut to 96 bits (RFC 2104 §5)
====== ====== =======================================================================

Base32 survives servers that fold case, subjects that are wrapped at 78, and fits the local
part of a Message-ID (64 octets, RFC 5321 §4.5.3.1.1).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "mp1"
_BODY_LENGTH = 60
_MAC_OCTETS = 12
_PAYLOAD_OCTETS = 25
_SHAPE = re.compile(rf"(?<![a-z0-9]){MARK}([a-z2-7]{{{_BODY_LENGTH}}})(?![a-z0-9])", re.IGNORECASE)

# A returned original may be quoted-printable: RFC 2045 §6.7 lets a soft break fall anywhere.
_SOFT_BREAK = re.compile(r"=\r?\n")

MAX_CANDIDATES = 64
"""Tokens looked at in one message; more than this is somebody playing with us."""


class SigningKey:
    """The HMAC key of this installation. It does not print."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) < 16:
            raise ValueError("a signing key has at least 16 octets")
        self._octets = octets

    def mac(self, payload: bytes) -> bytes:
        """The truncated HMAC of a payload."""
        return hmac.digest(self._octets, payload, hashlib.sha256)[:_MAC_OCTETS]

    def __repr__(self) -> str:
        return "SigningKey(**)"

    def __reduce__(self) -> str:
        raise TypeError("a signing key is not serialised")


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says. ``probe`` is the probe's id in base32, 16 characters."""

    instance: str
    """Eight hexadecimal digits."""
    route: bytes
    probe: str
    sent_at: float
    """Seconds since 1970, UTC, to the microsecond."""


@dataclass(frozen=True, slots=True)
class Forged:
    """It has the shape of a token and claims our instance, but the signature is not ours."""

    text: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A token of another instance: none of our business."""

    instance: str


def route_digest(sender: str, recipient: str) -> bytes:
    """Four octets that stand for a directed pair of mailbox ids."""
    return hashlib.sha256(f"{sender}\0{recipient}".encode()).digest()[:4]


def encode(token: Token, key: SigningKey) -> str:
    """The token as text: ``mp1`` and 60 characters of lower-case base32.

    Raises:
        ValueError: a field does not fit its place.
    """
    payload = (
        bytes.fromhex(token.instance)
        + token.route
        + _unbase32(token.probe)
        + round(token.sent_at * 1_000_000).to_bytes(7, "big")
    )
    if len(payload) != _PAYLOAD_OCTETS:
        raise ValueError(f"token fields take {len(payload)} octets instead of {_PAYLOAD_OCTETS}")
    return MARK + _base32(payload + key.mac(payload))


def decode(text: str, *, instance: str, key: SigningKey) -> Token | Forged | Stranger:
    """Read one token's text.

    The instance is looked at before the signature: a foreign token cannot be checked, since
    its key is not ours.
    """
    octets = _unbase32(text[len(MARK) :])
    if _base32(octets) != text[len(MARK) :]:  # bits beyond the last octet: not our writing
        return Forged(text)
    payload, mac = octets[:_PAYLOAD_OCTETS], octets[_PAYLOAD_OCTETS:]
    claimed = payload[:4].hex()
    if claimed != instance:
        return Stranger(claimed)
    if not hmac.compare_digest(mac, key.mac(payload)):
        return Forged(text)
    return Token(
        instance=claimed,
        route=payload[4:8],
        probe=_base32(payload[8:18]),
        sent_at=int.from_bytes(payload[18:25], "big") / 1_000_000,
    )


def candidates(text: str) -> Iterator[str]:
    """Everything in a text that has the shape of a token, each once, at most MAX_CANDIDATES."""
    seen: set[str] = set()
    for source in (text, _SOFT_BREAK.sub("", text)):
        for found in _SHAPE.finditer(source):
            token = found[0].lower()
            if token not in seen:
                seen.add(token)
                yield token
            if len(seen) >= MAX_CANDIDATES:
                return


def probe_id(octets: bytes) -> str:
    """The id of a probe from ten random octets: 16 characters of base32."""
    if len(octets) != 10:
        raise ValueError("a probe id is made of ten octets")
    return _base32(octets)


def _base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    padding = "=" * (-len(text) % 8)
    try:
        return base64.b32decode(text.upper() + padding)
    except binascii.Error as error:
        raise ValueError(f"not base32: {text!r}") from error
