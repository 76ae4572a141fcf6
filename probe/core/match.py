"""Is this message ours? Read from raw octets; only a token that we signed counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

from probe.core.message import TOKEN_HEADER
from probe.mail import dsn
from probe.mail.dsn import Dsn
from probe.mail.token import Forged, SigningKey, Stranger, Token, candidates, decode

# A server may send more than the header that it was asked for, nested without end.
_HEADER_ONLY = BytesHeaderParser()


@dataclass(frozen=True, slots=True)
class Signer:
    """Who we are, for telling our tokens from others'."""

    instance: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Ours:
    """The probe itself."""

    token: Token


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery status notification about one of our probes."""

    token: Token
    dsn: Dsn


@dataclass(frozen=True, slots=True)
class Echo:
    """An answer to one of our probes that says nothing of its delivery, such as an auto-reply.

    It is ours to tidy away and changes nothing.
    """

    token: Token


@dataclass(frozen=True, slots=True)
class Foreign:
    """None of ours. What looked like it is counted."""

    forged: int = 0
    strangers: int = 0


Match = Ours | Report | Echo | Foreign


def match(header: bytes, body: bytes | None, signer: Signer) -> Match:
    """What a message is to us.

    Args:
        header: its header section, as fetched.
        body: the whole message where it looks like a report, else None.
        signer: our instance and key.
    """
    fields = _HEADER_ONLY.parsebytes(header)
    own = _read_tokens("\n".join(_carrying(fields)), signer)
    if body is not None and (report := _report(body, own, signer)):
        return report
    if own.ours:
        token = own.ours[0]
        return Echo(token) if _answers(fields) else Ours(token)
    return Foreign(forged=own.forged, strangers=own.strangers)


def looks_like_report(header: bytes) -> bool:
    """Whether the body is worth fetching."""
    return dsn.looks_like_report(_HEADER_ONLY.parsebytes(header))


def sent_at(header: bytes, body: bytes | None, signer: Signer) -> float | None:
    """When the probe was sent that this message is, or is about; None: not ours.

    Asked again of the freshly fetched message before anything is removed.
    """
    found = match(header, body, signer)
    return None if isinstance(found, Foreign) else found.token.sent_at


@dataclass(frozen=True, slots=True)
class _Tokens:
    ours: tuple[Token, ...]
    forged: int
    strangers: int


def _read_tokens(text: str, signer: Signer) -> _Tokens:
    read = [decode(t, instance=signer.instance, key=signer.key) for t in candidates(text)]
    return _Tokens(
        tuple(token for token in read if isinstance(token, Token)),
        sum(isinstance(token, Forged) for token in read),
        sum(isinstance(token, Stranger) for token in read),
    )


def _carrying(fields: Message) -> Iterator[str]:
    """The three places in which ``compose`` writes the token."""
    for name in (TOKEN_HEADER, "Message-ID", "Subject"):
        value = fields.get(name)
        if value is not None:
            yield _decoded(str(value))


def _decoded(value: str) -> str:
    """A field with its encoded words undone (RFC 2047); as it is where that fails."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, ValueError, LookupError):
        return value


def _answers(fields: Message) -> bool:
    """Whether it answers a probe instead of being one.

    An answer quotes our subject, but has a Message-ID of its own and names ours as its parent
    (RFC 5322 §3.6.4), or says that it is automatic (RFC 3834 §5).
    """
    if next(candidates(str(fields.get(TOKEN_HEADER, ""))), None):
        return False
    if next(candidates(str(fields.get("Message-ID", ""))), None):
        return False
    named = f"{fields.get('In-Reply-To', '')} {fields.get('References', '')}"
    replied = str(fields.get("Auto-Submitted", "")).strip().lower().startswith("auto-replied")
    return replied or next(candidates(named), None) is not None


def _report(body: bytes, own: _Tokens, signer: Signer) -> Report | Echo | None:
    found = own.ours or _read_tokens(dsn.readable_text(body), signer).ours
    if not found:
        return None
    notice = dsn.read(body)
    return Report(found[0], notice) if notice else None if own.ours else Echo(found[0])
