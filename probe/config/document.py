"""A parsed config file: plain values, and where each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe.config.problem import NOWHERE, KeyPath, Mark

Scalar = str | int | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]


@dataclass(slots=True)
class Node:
    """A value and its place."""

    mark: Mark
    value: "Scalar | list[Node] | dict[str, Node]"
    key_mark: Mark = NOWHERE
    """Where its key stands, in a mapping."""

    def plain(self) -> Plain:
        """The value without the places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(frozen=True, slots=True)
class Document:
    """One file."""

    name: str
    root: Node

    def mark(self, path: KeyPath) -> Mark:
        """Where the value at a path stands; if it is missing, where its parent does."""
        return self._deepest(path).mark

    def key_mark(self, path: KeyPath) -> Mark:
        """Where the key at a path stands."""
        node = self._deepest(path)
        return node.key_mark if node.key_mark != NOWHERE else node.mark

    def _deepest(self, path: KeyPath) -> Node:
        node = self.root
        for part in path:
            child = _child(node, part)
            if child is None:
                break
            node = child
        return node


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, Mapping) and isinstance(part, str):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None
