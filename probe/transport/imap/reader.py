"""Octets in, whole responses out: bounded, iterative, and pure."""

import re
from collections.abc import Iterator

MAX_LINE = 1 << 20
"""A SEARCH reply is one line, however long: this holds 100,000 UIDs."""

MAX_LITERAL = 1 << 20
"""We ask for 256 KiB at most; a server that knows no partial FETCH may send somewhat more."""

MAX_RESPONSE = 2 << 20
"""One response may hold several literals."""

Response = tuple[bytes, ...]
"""Text at even places, literals at odd ones; the ``{n}`` that announced them is cut off."""

_LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\Z")

# RFC 9051 §7.1: what follows these words is text for a person, where {5} is not a literal.
_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


class ProtocolError(ValueError):
    """What the server sent is not IMAP, or more of it than we take."""


class Reader:
    """Assembles responses from packets, wherever these were cut."""

    __slots__ = ("_line", "_literal", "_missing", "_parts", "_size")

    def __init__(self) -> None:
        self._line = bytearray()
        self._parts: list[bytes] = []
        self._literal = bytearray()
        self._missing = 0
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Response]:
        """Every response that these octets complete.

        Raises:
            ProtocolError: a limit was passed; the reader is of no further use.
        """
        position = 0
        while position < len(data):
            if self._missing:
                position += self._take_literal(data[position : position + self._missing])
                continue
            end = data.find(b"\n", position) + 1
            taken = data[position : end or len(data)]
            position += len(taken)
            self._take_text(taken)
            if end and (response := self._end_line()):
                yield response

    def _take_literal(self, octets: bytes) -> int:
        self._literal += octets
        self._missing -= len(octets)
        if not self._missing:
            self._parts.append(bytes(self._literal))
            self._literal.clear()
        return len(octets)

    def _take_text(self, octets: bytes) -> None:
        if len(self._line) + len(octets) > MAX_LINE:
            raise ProtocolError(f"a line is longer than {MAX_LINE} octets")
        self._line += octets

    def _end_line(self) -> Response | None:
        # RFC 9051 §2.2 wants CRLF; a bare LF is plain enough to be understood.
        line = bytes(self._line).removesuffix(b"\n").removesuffix(b"\r")
        self._line.clear()
        self._grow(len(line))
        announced = _LITERAL.search(line) if self._may_hold_literal(line) else None
        if announced is None:
            response = (*self._parts, line)
            self._parts.clear()
            self._size = 0
            return response
        self._begin_literal(line[: announced.start()], int(announced[1]))
        return None

    def _may_hold_literal(self, line: bytes) -> bool:
        first = self._parts[0] if self._parts else line
        return first.startswith(b"* ") and not _STATUS.match(first)

    def _begin_literal(self, text: bytes, size: int) -> None:
        if size > MAX_LITERAL:
            raise ProtocolError(f"a literal of {size} octets, more than {MAX_LITERAL}")
        self._grow(size)
        self._parts.append(text)
        self._missing = size
        if not size:
            self._parts.append(b"")

    def _grow(self, octets: int) -> None:
        self._size += octets
        if self._size > MAX_RESPONSE:
            raise ProtocolError(f"a response is longer than {MAX_RESPONSE} octets")
