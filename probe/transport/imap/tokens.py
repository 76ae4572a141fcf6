"""The tree of atoms, strings and lists in a response (RFC 9051 §4)."""

import re
from collections.abc import Iterator
from typing import Union

from probe.transport.imap.reader import ProtocolError, Response

MAX_DEPTH = 32
"""Lists within lists; a BODYSTRUCTURE of real mail has fewer than ten, and we ask for none."""

Node = Union[bytes, None, "list[Node]"]
"""An atom or string, NIL, or a list."""

# A section such as BODY[HEADER.FIELDS (A B)] is one token. Inside it neither bracket may come
# again, so that hostile text cannot make the search quadratic.
_TOKEN = re.compile(
    rb"[ \t]*(?:"
    rb"(?P<open>\()|(?P<close>\))"
    rb'|"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
    rb'|(?P<atom>(?:[^ \t()"\[]|\[[^\[\]]*\]|\[)+)'
    rb")"
)
_ESCAPED = re.compile(rb"\\(.)")


def tree(response: Response, start: int) -> list[Node]:
    """Everything after the first ``start`` octets of the response.

    Raises:
        ProtocolError: quotes or parentheses do not match, or nest too deep.
    """
    open_lists: list[list[Node]] = [[]]
    for kind, value in _tokens(response, start):
        if kind == "open":
            _open(open_lists)
        elif kind == "close":
            open_lists.pop()
            if not open_lists:
                raise ProtocolError("a parenthesis is closed that was not opened")
        else:
            open_lists[-1].append(value)
    if len(open_lists) > 1:
        raise ProtocolError("a parenthesis is not closed")
    return open_lists[0]


def _open(open_lists: list[list[Node]]) -> None:
    if len(open_lists) > MAX_DEPTH:
        raise ProtocolError(f"lists are nested deeper than {MAX_DEPTH}")
    opened: list[Node] = []
    open_lists[-1].append(opened)
    open_lists.append(opened)


def _tokens(response: Response, start: int) -> Iterator[tuple[str, bytes | None]]:
    yield from _scan(response[0], start)
    for place, part in enumerate(response[1:], 1):
        if place % 2:
            yield "literal", part
        else:
            yield from _scan(part, 0)


def _scan(text: bytes, position: int) -> Iterator[tuple[str, bytes | None]]:
    end = len(text.rstrip(b" \t"))
    while position < end:
        found = _TOKEN.match(text, position, end)
        if found is None:
            raise ProtocolError("a quoted string is not closed")
        position = found.end()
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "quoted":
            yield kind, _ESCAPED.sub(rb"\1", value)
        else:
            yield kind, None if value.upper() == b"NIL" else value
