"""A response as a typed fact (RFC 9051 §7)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from probe.transport.imap import names, sequences
from probe.transport.imap.mirror import Visible
from probe.transport.imap.reader import ProtocolError, Response
from probe.transport.imap.tokens import Node, tree
from probe.transport.imap.words import words


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH, tagged or not."""

    kind: str
    code: str
    """The response code's name, upper case (RFC 5530); empty if there is none."""
    argument: str
    text: str
    """What is written for a person, code included."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """The end of a command."""

    tag: str
    status: Status


@dataclass(frozen=True, slots=True)
class Continuation:
    """``+``: the server waits for the rest of the command."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Exists:
    """The folder holds this many messages."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunge:
    """The message of this sequence number is gone; those after it move down."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """So many messages are gone, told by UID (RFC 7162)."""

    count: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a FETCH said of one message."""

    number: int
    items: dict[str, Node]
    visible: Visible | None = None
    """When the push that made it visible came; filled in by the connection."""

    @property
    def uid(self) -> int | None:
        """Its UID, if that was among the items."""
        value = self.items.get("UID")
        return sequences.number(value) if isinstance(value, bytes) else None

    @property
    def internal_date(self) -> float | None:
        """INTERNALDATE in seconds since 1970."""
        value = self.items.get("INTERNALDATE")
        return _moment(value) if isinstance(value, bytes) else None

    def section(self, name: str) -> bytes | None:
        """The octets of ``BODY[name]``."""
        value = self.items.get(f"BODY[{name}]")
        return value if isinstance(value, bytes) else None


@dataclass(frozen=True, slots=True)
class Search:
    """Numbers that a SEARCH found; the server may send several of these."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One folder."""

    flags: frozenset[str]
    """Attributes, lower case."""
    delimiter: str
    wire: str
    """The name as the server writes it, and wants it back."""

    @property
    def name(self) -> str:
        """The name for a person."""
        return names.decode(self.wire)


@dataclass(frozen=True, slots=True)
class Capability:
    """What the server can do, upper case."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Other:
    """Something that we have no use for."""

    word: str


Untagged = Status | Exists | Expunge | Vanished | Fetch | Search | Listed | Capability | Other

_STATUS = re.compile(r"\[([^\s\]]+)(?: ([^\]]*))?\]")
_TAGGED = re.compile(rb"([A-Za-z0-9.]{1,64}) (OK|NO|BAD)(?: (.*))?\Z", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(rb"\* (\d{1,10}) ([A-Za-z]+)(?= |\Z)")
_NAMED = re.compile(rb"\* ([A-Za-z][A-Za-z0-9.-]*)(?= |\Z)")
_PARTIAL = re.compile(r"<\d+>\Z")


def read(response: Response) -> Tagged | Continuation | Untagged:
    """What a response says.

    Raises:
        ProtocolError: it is not an IMAP response.
    """
    line = response[0]
    if line[:1] == b"+":
        return Continuation(line[1:].strip())
    if found := _NUMBERED.match(line):
        return _numbered(response, found)
    if found := _NAMED.match(line):
        return _named(response, found)
    if found := _TAGGED.match(line):
        return Tagged(found[1].decode(), status(found[2], found[3] or b""))
    raise ProtocolError(f"not an IMAP response: {words(line)}")


def status(kind: bytes, rest: bytes) -> Status:
    """OK, NO, BAD, BYE or PREAUTH and what follows it."""
    text = rest.decode("utf-8", "replace").strip()
    code = _STATUS.match(text)
    return Status(
        kind=kind.decode().upper(),
        code=code[1].upper() if code else "",
        argument=(code[2] or "") if code else "",
        text=text,
    )


def capabilities(text: str) -> frozenset[str]:
    """Names in a CAPABILITY response or code; their case carries no meaning."""
    return frozenset(text.upper().split())


def _numbered(response: Response, found: re.Match[bytes]) -> Untagged:
    number, word = sequences.number(found[1]), found[2].upper()
    if word == b"EXISTS":
        return Exists(number)
    if word == b"EXPUNGE":
        return Expunge(number)
    if word == b"FETCH":
        return Fetch(number, _items(tree(response, found.end())))
    return Other(word.decode())


def _named(response: Response, found: re.Match[bytes]) -> Untagged:
    word = found[1].upper()
    if word in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
        return status(word, response[0][found.end() :])
    reader = _READERS.get(word)
    return reader(response, found.end()) if reader else Other(word.decode())


def _items(nodes: list[Node]) -> dict[str, Node]:
    inner = nodes[0] if len(nodes) == 1 else None
    if not isinstance(inner, list) or len(inner) % 2:
        raise ProtocolError("a FETCH response is not a list of pairs")
    pairs = zip(inner[::2], inner[1::2], strict=True)
    return {_PARTIAL.sub("", _text(key).upper()): value for key, value in pairs}


def _search(response: Response, start: int) -> Search:
    return Search(tuple(map(sequences.number, _condstore_cut(response[0][start:]).split())))


def _condstore_cut(octets: bytes) -> bytes:
    return octets.partition(b"(")[0]  # RFC 7162 §3.1.5 adds (MODSEQ n)


def _listed(response: Response, start: int) -> Listed:
    nodes = tree(response, start)
    if len(nodes) < 3 or not isinstance(nodes[0], list):
        raise ProtocolError("a LIST response has three fields")
    flags = frozenset(_text(flag).lower() for flag in nodes[0])
    delimiter = _text(nodes[1]) if nodes[1] is not None else ""
    # The atom NIL can stand for no name here, so it must be a folder that is called so.
    return Listed(flags, delimiter, _text(nodes[2]) if nodes[2] is not None else "NIL")


def _vanished(response: Response, start: int) -> Vanished | Other:
    rest = response[0][start:].strip()
    if rest.upper().startswith(b"(EARLIER)"):
        return Other("VANISHED")  # history, already in the count
    return Vanished(sequences.size(rest))


def _capability(response: Response, start: int) -> Capability:
    return Capability(capabilities(response[0][start:].decode("ascii", "replace")))


_READERS: dict[bytes, Callable[[Response, int], Untagged]] = {
    b"SEARCH": _search,
    b"LIST": _listed,
    b"VANISHED": _vanished,
    b"CAPABILITY": _capability,
}


def _text(node: Node) -> str:
    if not isinstance(node, bytes):
        raise ProtocolError("a name was expected")
    return node.decode("utf-8", "surrogateescape")


def _moment(octets: bytes) -> float | None:
    try:
        moment = datetime.strptime(octets.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
