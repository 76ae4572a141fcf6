"""Events as rows: the kind is the class's name, the fact is JSON."""

import functools
from typing import Any

from pydantic import TypeAdapter

from probe.core.event import (
    Accepted,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Unconfirmed,
    Unsent,
)

KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in (Accepted, Refused, Unsent, Unconfirmed, Sighted, Notified, Expired)
}


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def encode(event: Event) -> tuple[str, float, str]:
    """Kind, time and fact of an event."""
    kind = type(event).__name__.lower()
    # A lone surrogate can stand in text from the wire, and not in UTF-8.
    fact = _adapter(kind).dump_json(event, exclude_defaults=True)
    return kind, event.at, fact.decode()


def decode(kind: str, fact: str) -> Event:
    """The event of a row."""
    event: Event = _adapter(kind).validate_json(fact)
    return event
