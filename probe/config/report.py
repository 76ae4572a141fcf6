"""Collects what is wrong in one file, with the places."""

from dataclasses import dataclass, field

from probe.config.document import Document
from probe.config.problem import ConfigError, KeyPath, Mark, Problem


@dataclass(slots=True)
class Report:
    """Problems stop the load, warnings do not."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    elsewhere: list[Problem] = field(default_factory=list)
    """Problems in other files that this one names."""
    _keys: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._keys = {problem.key for problem in self.problems}

    def problem(self, path: KeyPath, message: str) -> None:
        """Something is wrong with the value at a path."""
        self._add(self._entry(path, self.document.mark(path), message))

    def key_problem(self, path: KeyPath, message: str, *, named: bool = True) -> None:
        """Something is wrong with the key itself; unnamed, the place alone is told."""
        shown = path if named else path[:-1]
        self._add(self._entry(shown, self.document.key_mark(path), message))

    def blames(self, path: KeyPath) -> bool:
        """Whether anything at or below a path is known to be wrong."""
        key = _dotted(path)
        return any(known == key or known.startswith(f"{key}.") for known in self._keys)

    def warning(self, path: KeyPath, message: str) -> None:
        """It works, but somebody should look at it."""
        self.warnings.append(self._entry(path, self.document.mark(path), message))

    def include(self, other: "Report") -> None:
        """What was found in a file that this one names."""
        self.elsewhere += sorted(other.problems, key=_place)
        self.warnings += other.warnings

    def raise_if_any(self) -> None:
        """ConfigError with all problems, in the order of the file."""
        if self.problems or self.elsewhere:
            raise ConfigError((*sorted(self.problems, key=_place), *self.elsewhere))

    def warning_lines(self) -> tuple[str, ...]:
        """All warnings, in the order of the file."""
        return tuple(str(warning) for warning in sorted(self.warnings, key=_place))

    def _entry(self, path: KeyPath, mark: Mark, message: str) -> Problem:
        return Problem(self.document.name, mark.line, mark.column, _dotted(path), message)

    def _add(self, problem: Problem) -> None:
        """Keep the first problem of a key: what follows from it is noise."""
        if problem.key not in self._keys:
            self._keys.add(problem.key)
            self.problems.append(problem)


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
