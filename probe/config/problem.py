"""What is wrong with a config, and where: every problem at once, each with what to do."""

from dataclasses import dataclass
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""Where a value stands in the file: keys and list indexes, ``("mailboxes", 1, "imap")``."""


class Mark(NamedTuple):
    """A place in the file, counted from 1 as editors do; line 0 is the file as a whole."""

    line: int = 0
    column: int = 0


NOWHERE = Mark()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    file: str
    line: int
    """0: the whole file."""
    column: int
    key: str
    """``mailboxes.1.imap.port``; empty: no key of the file."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(Exception):
    """The config cannot be used. ``str()`` is all problems, one a line, free of secrets."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
