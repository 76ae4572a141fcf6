"""Delivery status notifications (RFC 3464, RFC 6533), read from raw messages.

stdlib ``email`` under ``compat32`` does the MIME work; hostile input gives a result or None.
"""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.errors import MessageError
from email.message import Message
from enum import StrEnum

MAX_OCTETS = 256 * 1024
"""Read no more of a message than this: a notification with its returned headers is a tenth."""

MAX_PARTS = 64
"""A notification has three parts; what has more is not one, or is hostile."""

MAX_RECIPIENTS = 100
"""RFC 5321 §4.5.3.1.8 asks servers to take a hundred; our probes have one."""

MAX_NESTS = 32
"""Parts that may hold parts. The stdlib parser asks every one of them about every line."""

MAX_BOUNDARIES = 1000
"""Lines that may part a message: the stdlib parser takes ten seconds for forty thousand."""

MAX_LINES = 10_000
"""In 256 KiB: lines of 26 octets. At full nesting the stdlib parser takes 0.1 s for them."""

# The stdlib parser gives up in these ways on broken fields.
_UNREADABLE = (RecursionError, ValueError, LookupError, AttributeError, TypeError, MessageError)

# Left alone, the stdlib takes these parts for messages: it makes an object of every blank line
# (40 seconds for a hostile 256 KiB), does not undo base64 (against RFC 3464 §2.1, but it comes),
# and does not split the internationalised kind (RFC 6533 §4). As text they are read by us.
_STATUS = re.compile(rb"message/(?:global-)?delivery-status", re.IGNORECASE)
_STATUS_AS_TEXT = "text/x-delivery-status"
_NESTS = re.compile(rb"multipart/|message/", re.IGNORECASE)

# RFC 3464 §2.1.2: an atom, so that a semicolon in a server's prose is not taken for the mark.
_TYPE = re.compile(r"[\w.+-]+ ?; ?")

# Notices without a machine-readable part, told by who sends them and what they are called.
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery (?:sub)?system", re.IGNORECASE)
_FAILURE = re.compile(
    r"undeliver|delivery (?:status notification |has )?\(?fail|returned (?:to sender|mail)"
    r"|failure notice|delivery failure|could ?n.t be delivered|mail delivery failed",
    re.IGNORECASE,
)


class Action(StrEnum):
    """RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class DsnRecipient:
    """The per-recipient fields, RFC 3464 §2.3, addresses and MTA names without their type."""

    recipient: str
    action: Action | None
    status: str | None = None
    diagnostic: str | None = None
    remote_mta: str | None = None


@dataclass(frozen=True, slots=True)
class Dsn:
    """A delivery status notification."""

    recipients: tuple[DsnRecipient, ...]
    reporting_mta: str | None = None
    original_message_id: str | None = None

    @property
    def action(self) -> Action:
        """The worst of the recipients' actions; ``failed`` where none is given."""
        order = list(Action)
        given = [r.action for r in self.recipients if r.action]
        return min(given, key=order.index) if given else Action.FAILED


def looks_like_report(header: Message) -> bool:
    """Whether a message, by its header, may be a notification, so that its body is worth reading.

    A null return path (RFC 5321 §4.5.5) alone is enough: auto-replies have it too, and the body
    tells them apart.
    """
    if header.get_content_type() == "multipart/report" or "X-Failed-Recipients" in header:
        return True
    if _text(header, "Return-Path").strip() == "<>":
        return True
    return bool(_DAEMON.search(_text(header, "From")))


def read(raw: bytes) -> Dsn | None:
    """Read a message as a notification; None if it is not one. Never raises."""
    try:
        return _read(_parse(raw))
    except _UNREADABLE:
        return None


def readable_text(raw: bytes) -> str:
    """All text in a message with its transfer encodings undone, parts in order, bounded.

    Where our token may be quoted: returned originals, their headers, and plain text.
    """
    texts = [raw[:MAX_OCTETS].decode("utf-8", "replace")]
    try:
        parts = _parts(_parse(raw))
        texts.extend(_payload(part) for part in parts if "Content-Transfer-Encoding" in part)
    except _UNREADABLE:
        pass  # the raw octets were searched already
    return "\n".join(texts)


def _parse(raw: bytes) -> Message:
    """The message, cut to what we read of it.

    Raises:
        ValueError: it would take too long; no notification is so knotty.
    """
    cut = raw[:MAX_OCTETS]
    boundaries, lines = cut.count(b"\n--"), cut.count(b"\n")
    nests = len(_NESTS.findall(cut))
    if nests > MAX_NESTS or boundaries > MAX_BOUNDARIES or lines > MAX_LINES:
        raise ValueError("too many parts")
    return email.message_from_bytes(_STATUS.sub(_STATUS_AS_TEXT.encode(), cut))


def _read(message: Message) -> Dsn | None:
    for part in _parts(message):
        if part.get_content_type() == _STATUS_AS_TEXT and (found := _from_fields(_blocks(part))):
            return replace(found, original_message_id=_original_id(message))
    if _plain_failure(message):
        return Dsn(recipients=_failed_recipients(message), original_message_id=None)
    return None


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            return
        yield part


def _blocks(part: Message) -> list[Message]:
    """The blocks of fields: per message first, then one per recipient (RFC 3464 §2.1)."""
    blocks = re.split(r"\n\s*\n", _payload(part).strip(), maxsplit=MAX_RECIPIENTS + 1)
    return [email.message_from_string(block) for block in blocks[: MAX_RECIPIENTS + 1]]


def _payload(part: Message) -> str:
    """The text of one part, transfer encoding undone; none of a part that has parts."""
    octets = part.get_payload(decode=True)
    text = octets.decode("utf-8", "replace") if isinstance(octets, bytes) else ""
    return text.replace("\r\n", "\n")


def _from_fields(blocks: list[Message]) -> Dsn | None:
    recipients = tuple(
        DsnRecipient(
            recipient=_typed(block, "Final-Recipient") or _typed(block, "Original-Recipient"),
            action=_action(_text(block, "Action")),
            status=_text(block, "Status").split(" ")[0] or None,
            diagnostic=_typed(block, "Diagnostic-Code") or None,
            remote_mta=_typed(block, "Remote-MTA") or None,
        )
        for block in blocks
        if "Final-Recipient" in block or "Original-Recipient" in block or "Action" in block
    )
    if not recipients:
        return None
    reporting = next((_typed(b, "Reporting-MTA") for b in blocks if "Reporting-MTA" in b), None)
    return Dsn(recipients[:MAX_RECIPIENTS], reporting or None)


def _action(text: str) -> Action | None:
    word = text.strip().lower().split(" ")[0]
    return Action(word) if word in set(Action) else None


def _typed(block: Message, name: str) -> str:
    """A field of the form ``type; value`` (RFC 3464 §2.1.2), without its type."""
    text = _text(block, name)
    kind = _TYPE.match(text)
    return text[kind.end() :] if kind else text


def _text(message: Message, name: str) -> str:
    """A header field, unfolded. ``str()`` because raw 8-bit makes it a ``Header`` object."""
    return re.sub(r"\s+", " ", str(message.get(name, ""))).strip()


def _original_id(message: Message) -> str | None:
    """The Message-ID of the returned original, or of its header (RFC 3462 §1, part three)."""
    for part in _parts(message):
        if part is message or part.get_content_type() == _STATUS_AS_TEXT:
            continue
        if part.get_content_type() == "text/rfc822-headers":
            found = email.message_from_string(_payload(part)).get("Message-ID")
        else:
            found = part.get("Message-ID")
        if found:
            return str(found).strip()
    return None


def _plain_failure(message: Message) -> bool:
    """A notice in plain words: from a mail system, and called a failure."""
    from_daemon = bool(_DAEMON.search(_text(message, "From")))
    called = bool(_FAILURE.search(_text(message, "Subject"))) or "X-Failed-Recipients" in message
    return from_daemon and called


def _failed_recipients(message: Message) -> tuple[DsnRecipient, ...]:
    names = _text(message, "X-Failed-Recipients").split(",", MAX_RECIPIENTS)[:MAX_RECIPIENTS]
    return tuple(
        DsnRecipient(recipient=name.strip(), action=Action.FAILED)
        for name in names
        if name.strip()
    )
