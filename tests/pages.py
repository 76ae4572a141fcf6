"""Reads the documentation as its tests need it: blocks, code spans, links, tables, anchors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for a failing test."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Relative to the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """As it is."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Without the fenced blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks, without their indentation."""
        return [
            Block(
                self.name,
                self.text.count("\n", 0, found.start()) + 1,
                found["language"],
                re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            )
            for found in _FENCE.finditer(self.text)
        ]

    @cached_property
    def spans(self) -> list[str]:
        """Code in running text, blanks and line ends made one blank."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return _LINK.findall(self.prose)

    @cached_property
    def anchors(self) -> set[str]:
        """As GitHub makes them from headings."""
        headings = (heading.replace("`", "") for heading in _HEADING.findall(self.prose))
        return {_NOT_IN_ANCHORS.sub("", h.lower()).replace(" ", "-") for h in headings}

    def tables(self) -> Iterator[list[list[str]]]:
        """Rows of cells, the headings first."""
        for found in re.finditer(r"(?:^\|.*\|\n)+", self.prose, re.MULTILINE):
            lines = found[0].splitlines()
            rows = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]
            yield [rows[0], *rows[2:]]

    def rows(self, *headings: str) -> list[list[str]]:
        """All rows below these headings, of however many tables."""
        return [row for head, *rows in self.tables() if tuple(head) == headings for row in rows]


def page(name: str) -> Page:
    """One page by its path in the repository."""
    return Page(ROOT / name)


def pages() -> list[Page]:
    """Everything that is written for people."""
    names = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "tests/lab/README.md"]
    return [*map(page, names), *map(Page, sorted((ROOT / "docs").glob("*.md")))]


def bare(cell: str) -> str:
    """A table cell without the marks of code."""
    return cell.strip("`")
