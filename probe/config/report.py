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

    def problem(self, path: KeyPath, message: str) -> None:
        """Something is wrong with the value at a path."""
        self.problems.append(self._entry(path, self.document.mark(path), message))

    def key_problem(self, path: KeyPath, message: str) -> None:
        """Something is wrong with the key itself."""
        self.problems.append(self._entry(path, self.document.key_mark(path), message))

    def warning(self, path: KeyPath, message: str) -> None:
        """It works, but somebody should look at it."""
        self.warnings.append(self._entry(path, self.document.mark(path), message))

    def raise_if_any(self) -> None:
        """ConfigError with all problems, in the order of the file."""
        if self.problems:
            raise ConfigError(tuple(sorted(self.problems, key=_place)))

    def warning_lines(self) -> tuple[str, ...]:
        """All warnings, in the order of the file."""
        return tuple(str(warning) for warning in sorted(self.warnings, key=_place))

    def _entry(self, path: KeyPath, mark: Mark, message: str) -> Problem:
        key = ".".join(map(str, path))
        return Problem(self.document.name, mark.line, mark.column, key, message)


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
