"""What a query string asks for, and cursors: where a page ended, opaque to the client."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from probe.core.outcome import Outcome
from probe.journal.reader import Reader
from probe.journal.records import Cursor, Standing

PAGE = 50
LARGEST_PAGE = 500
"""A page of probes is about 200 kB of JSON then."""

LONGEST_VALUE = 256
"""No id or cursor of ours is as long."""


class QueryError(ValueError):
    """The query string asks for something that does not exist; one line for a person."""


@dataclass(frozen=True, slots=True)
class ProbeQuery:
    """Which probes, and which page of them."""

    limit: int = PAGE
    cursor: Cursor | None = None
    since: float | None = None
    sender: str | None = None
    recipient: str | None = None
    sender_provider: str | None = None
    recipient_provider: str | None = None
    outcome: Outcome | None = None

    def ask(self, reader: Reader) -> list[Standing]:
        """Read the page from the journal."""
        return reader.recent(
            limit=self.limit,
            before=self.cursor,
            since=self.since,
            sender=self.sender,
            recipient=self.recipient,
            sender_provider=self.sender_provider,
            recipient_provider=self.recipient_provider,
            outcome=self.outcome,
        )


_CURSOR_HELP = 'cursor: take it unchanged from "next" of the page before'
_TEXTS = ("sender", "recipient", "sender_provider", "recipient_provider")
_KNOWN = frozenset({*_TEXTS, "limit", "cursor", "since", "outcome"})


def probe_query(query: Mapping[str, str]) -> ProbeQuery:
    """Read a query string for probes; an empty value is as none."""
    given = bounded(query, _KNOWN)
    return ProbeQuery(
        limit=limit(given),
        cursor=_cursor(given["cursor"]) if "cursor" in given else None,
        since=since(given),
        outcome=_outcome(given["outcome"]) if "outcome" in given else None,
        **{name: given.get(name) for name in _TEXTS},
    )


def bounded(query: Mapping[str, str], known: frozenset[str]) -> dict[str, str]:
    """Refuse unknown names and long values; drop empty ones."""
    if unknown := sorted(set(query) - known):
        raise QueryError(f"unknown parameter {unknown[0][:40]!r}: use {', '.join(sorted(known))}")
    for name, value in query.items():
        if len(value) > LONGEST_VALUE:
            raise QueryError(f"{name}: longer than {LONGEST_VALUE} characters")
    return {name: value for name, value in query.items() if value}


def limit(given: Mapping[str, str]) -> int:
    """Read the size of a page."""
    text = given.get("limit", str(PAGE))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_PAGE):
        raise QueryError(f"limit: a whole number from 1 to {LARGEST_PAGE}")
    return int(text)


def since(given: Mapping[str, str]) -> float | None:
    """Read an RFC 3339 time; one without a zone is UTC."""
    if "since" not in given:
        return None
    try:
        moment = datetime.fromisoformat(given["since"])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        message = "since: a time as in RFC 3339, such as 2026-05-31T08:00:00Z"
        raise QueryError(message) from error


def place(given: Mapping[str, str]) -> int:
    """Read the cursor of a list that is kept in memory."""
    text = given.get("cursor", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise QueryError(_CURSOR_HELP)
    return int(text)


def next_cursor(page: list[Standing], size: int) -> str | None:
    """Say where the next page begins; None after the last."""
    if len(page) < size:
        return None
    last = page[-1].probe
    return f"{last.planned_at!r}_{last.id}"


def _cursor(text: str) -> Cursor:
    planned, _, probe_id = text.partition("_")
    try:
        cursor = Cursor(float(planned), probe_id)
    except ValueError:
        cursor = Cursor(math.nan, "")
    if not (math.isfinite(cursor.planned_at) and cursor.id):
        raise QueryError(_CURSOR_HELP)
    return cursor


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError as error:
        raise QueryError(f"outcome: one of {', '.join(Outcome)}") from error
