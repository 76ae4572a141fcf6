"""What the running program says of itself at one moment: the contract of loops and views."""

from dataclasses import dataclass

from probe.core.mailbox import Folder, Mailbox, Route


@dataclass(frozen=True, slots=True)
class LoopTurn:
    """A loop's heartbeat."""

    name: str
    """scheduler, deadlines, housekeeping, watcher, submitter, journal."""
    last_turn: float
    """When it last came round."""
    silence_limit: float
    """Seconds; a loop that is silent for longer has stopped."""

    def stopped(self, now: float) -> bool:
        """Whether the loop is overdue."""
        return now - self.last_turn > self.silence_limit


@dataclass(frozen=True, slots=True)
class FolderWatch:
    """How well one folder of one mailbox is watched."""

    mailbox: str
    folder: Folder
    watched: bool
    since: float
    """When it became so."""
    name: str = ""
    """The folder's name on the server, once found."""
    detail: str = ""
    """Why it is not watched: one line for a person."""
    unwatched_seconds: float = 0.0
    """All time not watched since this process started."""


@dataclass(frozen=True, slots=True)
class Oddities:
    """Things that were seen and changed nothing."""

    forged: int = 0
    """Tokens of our instance whose signature is not ours."""
    strangers: int = 0
    """Tokens of other instances."""
    unknown: int = 0
    """Rightly signed tokens of probes that the journal does not know."""
    misplaced: int = 0
    """Our token in a mailbox where its route does not lead, and not in a report."""
    duplicates: int = 0
    """Second and further copies of one probe."""
    kept: int = 0
    """Messages of ours that a server did not let us remove."""
    unfired: int = 0
    """Probes not sent: the mailbox's budget was spent, its queue full, or the journal shut."""


@dataclass(frozen=True, slots=True)
class Live:
    """One snapshot."""

    now: float
    started_at: float
    ready: bool
    """Every mailbox was tried once and the first probe may fly."""
    journal_writable: bool
    loops: tuple[LoopTurn, ...]
    watches: tuple[FolderWatch, ...]
    mailboxes: tuple[Mailbox, ...]
    routes: tuple[Route, ...]
    in_flight: int
    oldest_in_flight_at: float | None
    oddities: Oddities
    config_loaded_at: float
    """When the config in force was loaded."""
    config_error: str = ""
    """Why the last reload was refused; empty if it was not."""
