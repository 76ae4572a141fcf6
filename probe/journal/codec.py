"""Events as rows: the kind is the class's name, the fact is JSON."""

import functools
import json
import re
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

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

_SURROGATES = re.compile("[\ud800-\udfff]")


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def encode(event: Event) -> tuple[str, float, str]:
    """Kind, time and fact of an event.

    A lone surrogate cannot be written in UTF-8 (RFC 3629 §3); it becomes U+FFFD.
    """
    kind = type(event).__name__.lower()
    try:
        fact = _adapter(kind).dump_json(event, exclude_defaults=True).decode()
    except PydanticSerializationError:
        plain = _adapter(kind).dump_python(event, exclude_defaults=True)
        fact = _SURROGATES.sub("\ufffd", json.dumps(plain, ensure_ascii=False))
    return kind, event.at, fact


def decode(kind: str, fact: str) -> Event:
    """The event of a row."""
    event: Event = _adapter(kind).validate_json(fact)
    return event
