"""The Received chain of a message (RFC 5321 §4.4): where it went, and where it waited."""

import email
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise

MAX_HOPS = 100
"""RFC 5321 §6.3 takes a hundred hops for a loop."""

# The clauses of a Received field may hold comments, and those may hold the words of clauses;
# so comments are taken off first, except that "from" keeps its own (the address is in it).
_COMMENT = re.compile(r"\([^()]*\)")
_CLAUSE = re.compile(r"(?:^|\s)(from|by|via|with|id|for)\s+(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received field: one server took the message from another."""

    by: str
    from_: str
    with_: str
    id: str
    at: float | None
    """The server's own clock, seconds since 1970; None: unreadable."""
    delay: float | None
    """Seconds since the hop before, never negative; None: unknown."""
    skewed: bool
    """It claims to have happened before the hop before it: two clocks disagree."""
    raw: str


def parse(header_text: str) -> tuple[Hop, ...]:
    """The hops of a message, oldest first, at most MAX_HOPS (the newest are kept)."""
    message = email.message_from_string(header_text)
    fields = [_unfold(str(value)) for value in message.get_all("Received", [])][:MAX_HOPS]
    hops = [_hop(field) for field in reversed(fields)]
    return (*hops[:1], *(_after(before, hop) for before, hop in pairwise(hops)))


def _hop(field: str) -> Hop:
    clauses_text, _, date_text = field.rpartition(";")
    bare = clauses_text or field
    while (stripped := _COMMENT.sub(" ", bare)) != bare:
        bare = stripped
    clauses: dict[str, str] = {}
    for name, value in _CLAUSE.findall(bare):
        clauses.setdefault(name.lower(), value.strip("<>;"))
    return Hop(
        by=clauses.get("by", ""),
        from_=clauses.get("from", ""),
        with_=clauses.get("with", ""),
        id=clauses.get("id", ""),
        at=_time(date_text),
        delay=None,
        skewed=False,
        raw=field,
    )


def _after(before: Hop, hop: Hop) -> Hop:
    if before.at is None or hop.at is None:
        return hop
    gap = hop.at - before.at
    return Hop(
        hop.by, hop.from_, hop.with_, hop.id, hop.at, max(0.0, gap), skewed=gap < 0, raw=hop.raw
    )


def _time(text: str) -> float | None:
    """RFC 5322 §3.3 date-time; a missing zone is taken for UTC."""
    try:
        moment = parsedate_to_datetime(_COMMENT.sub("", text).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unfold(value: str) -> str:
    return re.sub(r"\s+", " ", value).strip()
