"""What a server's NO, BAD or BYE means for the watch. Decided on code and text together."""

import re

from probe.core.observation import WatchCause, WatchLost
from probe.transport.imap.parse import Status
from probe.transport.imap.words import words

# RFC 5530 §3, and RFC 9208 §4 (OVERQUOTA), which Gmail says of its bandwidth limits.
_TEMPORARY_CODES = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "THROTTLED"})

# As seen from Exchange Online, Gmail, Yahoo, Dovecot and others; the codes are often missing.
_TEMPORARY_TEXT = re.compile(
    r"throttl|too many|maximum number of connections|connection limit|rate limit"
    r"|exceeded command or bandwidth|server unavailable|temporar|try again (?:later|in )"
    r"|backend error",
    re.IGNORECASE,
)
_BACKOFF = re.compile(r"backoff time:? *(\d{1,9}) *(milliseconds|ms|seconds|s)\b", re.IGNORECASE)

# Exchange Online says this when the password or token is good and the mailbox is not reachable
# with it: a missing permission, or IMAP switched off.
_NOT_CONNECTED = "authenticated but not connected"


def refused(status: Status, *, doing: str) -> WatchLost:
    """The server would not do what it must."""
    return _throttled(status) or WatchLost(WatchCause.REFUSED, _say(status, doing))


def login_refused(status: Status) -> WatchLost:
    """The server said no to our login; credentials only if nothing speaks for another cause."""
    if throttled := _throttled(status):
        return throttled
    is_plain_no = status.kind == "NO" and _NOT_CONNECTED not in status.text.lower()
    doubtful = not is_plain_no or status.code in ("PRIVACYREQUIRED", "CONTACTADMIN", "SERVERBUG")
    cause = WatchCause.REFUSED if doubtful else WatchCause.CREDENTIALS
    return WatchLost(cause, _say(status, "login"))


def closed(status: Status) -> WatchLost:
    """The server said BYE."""
    return _throttled(status) or WatchLost(WatchCause.CLOSED, words(status.text) or "BYE")


def is_throttle(status: Status) -> bool:
    """Whether the server asks us to come back later, rather than not at all."""
    return status.code in _TEMPORARY_CODES or bool(_TEMPORARY_TEXT.search(status.text))


def _throttled(status: Status) -> WatchLost | None:
    if not is_throttle(status):
        return None
    return WatchLost(WatchCause.THROTTLED, words(status.text), retry_after=_backoff(status.text))


def _backoff(text: str) -> float | None:
    found = _BACKOFF.search(text)
    if found is None:
        return None
    return int(found[1]) / (1000 if found[2].lower().startswith("m") else 1)


def _say(status: Status, doing: str) -> str:
    return f"{doing}: {status.kind} {words(status.text)}".rstrip()
