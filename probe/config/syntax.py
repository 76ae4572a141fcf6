"""YAML text to a Document, from libyaml's events.

Built from events and not by PyYAML's composer, because

* the composer recurses in C, and a file of 100,000 brackets ends the process;
* an alias bomb is seen at its first alias, with the alias's own place;
* duplicate keys, which the composer accepts in silence, are seen with both places;
* only ``true``, ``false``, null and plain decimal numbers are special here. YAML 1.1 would
  read ``no`` as false, ``12:30:45`` as 45045, ``010`` as 8 and ``2026-11-21`` as a date.
"""

import re
from collections.abc import Callable, Iterator
from typing import NoReturn

import yaml
from yaml import events as ev

from probe.config.document import Document, Node, Scalar
from probe.config.problem import NOWHERE, ConfigError, KeyPath, Mark, Problem

_DEPTH_LIMIT = 32
"""The grammar nests five deep."""

_KEY_LIMIT = 100
"""Characters: keys are told in messages, and no key of the grammar has a quarter of it."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
"""Eighteen digits: nothing here is larger, and Python refuses to read very long ones."""

_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""YAML 1.1 §4.1.1, less the byte order mark within a text."""

_PLAIN: dict[str, Scalar] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}

_HARMLESS_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})


def read(text: str, name: str) -> tuple[Document, list[Problem]]:
    """The document, and what is wrong with its keys; ConfigError where there is none at all."""
    if problem := _unprintable(text, name):
        raise ConfigError((problem,))
    builder = _Builder(name)
    error: Problem | None = None
    try:
        builder.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as exc:
        error = _syntax_problem(exc, text, name)
    if error or builder.root is None:
        error = error or Problem(name, 0, 0, "", _EMPTY)
        raise ConfigError((*builder.problems, error))
    return Document(name, builder.root), builder.problems


_EMPTY = "the file is empty; docs/config.md shows the shortest config that works"


class _Builder:
    """Turns events into nodes; the recursion is bounded by ``_DEPTH_LIMIT``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._events: Iterator[yaml.Event] = iter(())

    def build(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        for event in events:
            if isinstance(event, ev.DocumentStartEvent) and self.root is not None:
                self._stop(event, (), _SECOND_DOCUMENT)
            if isinstance(event, ev.NodeEvent):
                self.root = self._node(event, ())

    def _node(self, event: yaml.Event, path: KeyPath) -> Node:
        if len(path) > _DEPTH_LIMIT:
            self._stop(event, path[:3], f"nested more than {_DEPTH_LIMIT} deep")
        if isinstance(event, ev.AliasEvent):
            self._say(event, path, _NO_ALIAS)
            return Node(_mark(event), None)
        if getattr(event, "anchor", None) is not None:
            self._say(event, path, _NO_ANCHOR)
        if not isinstance(event, ev.ScalarEvent):
            return self._collection(event, path)
        if event.tag not in _HARMLESS_TAGS:
            self._say(event, path, _NO_TAG)
        return Node(_mark(event), _scalar(event))

    def _collection(self, event: yaml.Event, path: KeyPath) -> Node:
        if getattr(event, "tag", None) not in {None, "!"}:
            self._say(event, path, _NO_TAG)
        if isinstance(event, ev.MappingStartEvent):
            return Node(_mark(event), self._mapping(path))
        items: list[Node] = []
        while not isinstance(item := next(self._events), ev.SequenceEndEvent):
            items.append(self._node(item, (*path, len(items))))
        return Node(_mark(event), items)

    def _mapping(self, path: KeyPath) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := next(self._events), ev.MappingEndEvent):
            key = self._key(event, path)
            node = self._node(next(self._events), (*path, key))
            node.key_mark = _mark(event)
            if key == "<<":
                self._say(event, path, _NO_MERGE)
            elif key in found:
                first = found[key].key_mark.line
                self._say(event, (*path, key), f"stands here twice, first in line {first}")
            else:
                found[key] = node
        return found

    def _key(self, event: yaml.Event, path: KeyPath) -> str:
        word = event.value if isinstance(event, ev.ScalarEvent) else ""
        if not word.isprintable() or not 0 < len(word) <= _KEY_LIMIT:
            self._stop(event, path, "a key must be a word")
        return word

    def _say(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        mark = _mark(event)
        key = ".".join(map(str, path))
        self.problems.append(Problem(self.name, mark.line, mark.column, key, message))

    def _stop(self, event: yaml.Event, path: KeyPath, message: str) -> NoReturn:
        self._say(event, path, message)
        raise ConfigError(tuple(self.problems))


_SECOND_DOCUMENT = "a second document begins here (---); a config is one document"
_NO_ALIAS = "aliases (*name) are not used in this file; write the value out"
_NO_ANCHOR = "anchors (&name) are not used in this file; remove it"
_NO_MERGE = "merge keys (<<) are not used in this file; common values belong in defaults"
_NO_TAG = "tags (!name) are not used in this file; put quotes round text that begins with !"


def _scalar(event: ev.ScalarEvent) -> Scalar:
    if event.style or not event.implicit[0]:  # quoted, a block, or tagged as text
        return event.value
    if event.value in _PLAIN:
        return _PLAIN[event.value]
    return int(event.value) if _INTEGER.fullmatch(event.value) else event.value


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    assert start is not None  # libyaml marks every event
    return Mark(start.line + 1, start.column + 1)


def _unprintable(text: str, name: str) -> Problem | None:
    """Libyaml refuses without saying where."""
    match = _UNPRINTABLE.search(text)
    if match is None:
        return None
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - text.rfind("\n", 0, match.start())
    message = f"a control character (U+{ord(match[0]):04X}); remove it"
    return Problem(name, line, column, "", message)


_TAB = "a tab at the start of the line: YAML indents with spaces only"
_BRACES = 'not YAML: inside { }, put "${NAME}" in quotes'
_COLON = """not YAML: a second colon in the line, or a line indented too far; \
put quotes round a value that contains a colon and a space"""
_CHARACTER = "not YAML: a value must not begin with this character; put quotes round it"
_BACKSLASH = r"not YAML: a backslash inside double quotes; use single quotes, or write \\"

_HINTS: tuple[tuple[Callable[[str, str], bool], str], ...] = (
    (lambda _, line: "\t" in line[: len(line) - len(line.lstrip())], _TAB),
    (lambda _, line: "${" in line and "{" in line.replace("${", ""), _BRACES),
    (lambda problem, _: "mapping values are not allowed" in problem, _COLON),
    (lambda problem, _: "cannot start any token" in problem, _CHARACTER),
    (lambda problem, _: "escape" in problem, _BACKSLASH),
)
"""What people do wrong, by libyaml's words for it and the line where it stopped."""


def _syntax_problem(exc: yaml.MarkedYAMLError, text: str, name: str) -> Problem:
    """Our own words: libyaml's could quote the text, and a password may stand there."""
    place = exc.problem_mark or exc.context_mark
    mark = NOWHERE if place is None else Mark(place.line + 1, place.column + 1)
    line = text.splitlines()[mark.line - 1 : mark.line] if place else []
    message = next(
        (say for fits, say in _HINTS if fits(exc.problem or "", "".join(line))),
        f"not YAML: the lines up to here do not fit together; {_usual_causes(exc)}",
    )
    return Problem(name, mark.line, mark.column, "", message)


def _usual_causes(exc: yaml.MarkedYAMLError) -> str:
    begun = exc.context_mark
    where = f" that begins in line {begun.line + 1}" if begun else ""
    if "flow" in (exc.context or ""):
        return f"look for a missing comma or bracket in the list or mapping{where}"
    if "quoted" in (exc.context or ""):
        return f"look for the closing quote of the text{where}"
    return f"look at the indentation of the block{where}"
