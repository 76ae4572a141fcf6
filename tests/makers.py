"""Makers of probes, routes and events with defaults: a test names only what matters to it."""

from probe.core.event import (
    Accepted,
    Cause,
    Expired,
    Notified,
    Refused,
    Sighted,
    Unconfirmed,
    Unsent,
)
from probe.core.mailbox import Folder, Mailbox, Route
from probe.core.match import Signer
from probe.core.probe import Probe
from probe.mail.dsn import Action, Dsn, DsnRecipient
from probe.mail.reply import Reply, Stage
from probe.mail.token import SigningKey, Token, encode, probe_id, route_digest

START = 1_750_000_000.0
"""When the makers' probes are accepted."""

PUSHED = -1.0
"""In place of ``not_before``: the message was pushed, and so was absent until it was seen."""

SIGNER = Signer("0badcafe", SigningKey(b"a key for tests, 32 octets long."))

SENDER = Mailbox("north", "probe@north.test", "northmail")
RECIPIENT = Mailbox("blue", "probe@blue.test", "bluepost", client="acme")


def a_route(sender: str = "north", recipient: str = "blue", interval: float = 60.0) -> Route:
    return Route(sender, recipient, interval, delayed_after=60.0, lost_after=600.0)


def a_probe(number: int = 1, **changes: object) -> Probe:
    fields: dict[str, object] = {
        "id": probe_id(number.to_bytes(10, "big")),
        "sender": SENDER.id,
        "recipient": RECIPIENT.id,
        "sender_provider": SENDER.provider,
        "recipient_provider": RECIPIENT.provider,
        "client": "acme",
        "planned_at": START - 1,
        "delayed_after": 60.0,
        "lost_after": 600.0,
    }
    return Probe(**(fields | changes))  # type: ignore[arg-type]


def a_token(probe: Probe, signer: Signer = SIGNER) -> str:
    digest = route_digest(probe.sender, probe.recipient)
    return encode(Token(signer.instance, digest, probe.id, probe.planned_at), signer.key)


def accepted(at: float = 0.0) -> Accepted:
    return Accepted(START + at, Reply(250, "2.0.0 Ok: queued as 4F2B81C0DE"))


def refused(at: float = 0.0, text: str = "5.1.1 recipient rejected") -> Refused:
    return Refused(START + at, Stage.ENVELOPE, Reply(550, text))


def unsent(at: float = 0.0) -> Unsent:
    return Unsent(START + at, Stage.CONNECT, Cause.CONNECT, "connection refused")


def unconfirmed(at: float = 0.0) -> Unconfirmed:
    return Unconfirmed(START + at, Cause.DISCONNECTED, "connection lost before the reply")


def seen(
    at: float = 2.0,
    folder: Folder = Folder.INBOX,
    *,
    not_before: float | None = PUSHED,
    internal_date: float | None = None,
    clock_offset: float | None = None,
) -> Sighted:
    """Pushed, and so exact, unless ``not_before`` (on the same scale as ``at``) is given."""
    gone = at if not_before == PUSHED else not_before
    absent = None if gone is None else START + gone
    return Sighted(START + at, folder, absent, internal_date, clock_offset)


def bounce(at: float = 5.0, action: Action = Action.FAILED) -> Notified:
    recipient = DsnRecipient(RECIPIENT.address, action, "5.1.1", "550 5.1.1 no such user")
    return Notified(START + at, Dsn((recipient,), "mx.north.test"))


def expired(at: float = 601.0, *, watched: bool = True) -> Expired:
    return Expired(START + at, watched, "" if watched else "connection refused")
