"""Reading the journal: a read-only connection of its own (WAL lets it read while one writes).

Blocking: call it in a thread. One reader serves one thread at a time.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from probe.core.outcome import Outcome
from probe.core.tally import Tallies
from probe.journal.records import Cursor, History, RouteStanding, Standing


class Reader:
    """Questions that views ask."""

    def __init__(self, path: Path) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""

    def history(self, probe_id: str) -> History | None:
        """One probe with all its facts; None if there is none of that id."""
        raise NotImplementedError

    def recent(  # noqa: PLR0913 - filters, each optional and named
        self,
        *,
        limit: int = 50,
        before: Cursor | None = None,
        since: float | None = None,
        sender: str | None = None,
        recipient: str | None = None,
        sender_provider: str | None = None,
        recipient_provider: str | None = None,
        outcome: Outcome | None = None,
    ) -> list[Standing]:
        """Probes planned at or after ``since``, newest first, one page."""
        raise NotImplementedError

    def routes(self) -> list[RouteStanding]:
        """Every route that ever had a verdict."""
        raise NotImplementedError

    def tallies(self) -> Tallies:
        """All counts, as they stand."""
        raise NotImplementedError
