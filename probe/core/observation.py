"""What a watcher of one mailbox reports, and what it can be asked to do.

The contract between the wire and the loops. A ``Watch`` is an async generator function

    watch(mailbox_id, errands, bookmarks) -> AsyncIterator[Observation]

which logs in, finds the folders, reads everything after the bookmarks, and then goes on
yielding until it is closed. It never gives up silently: whatever ends it is raised as a
``WatchLost``, and the loop that called it decides when to try again. ``errands`` is an
``asyncio.Queue[Errand]``; ``bookmarks`` maps each Folder to where an earlier watch stopped.
"""

from dataclasses import dataclass
from enum import StrEnum

from probe.core.mailbox import Folder


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a folder has been read.

    Every message with a UID up to ``uid`` has been reported (RFC 9051 §2.3.1.1), and at
    ``verified_at`` there was none after it.
    """

    folder: Folder
    name: str
    """The folder's name, decoded from modified UTF-7."""
    uidvalidity: int
    uid: int
    verified_at: float


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One message in one folder; valid only while the folder keeps its UIDVALIDITY."""

    folder: Folder
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class FolderFound:
    """The folder exists and is watched from now on."""

    at: float
    folder: Folder
    name: str
    how: str
    """``config``, ``special-use``, ``name``, or ``inbox`` (which always exists)."""


@dataclass(frozen=True, slots=True)
class FolderMissing:
    """No folder plays this part, or it cannot be opened."""

    at: float
    folder: Folder
    detail: str
    absent_by_config: bool = False
    """The config says that there is none, so nothing is missed."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message not reported before. It need not be ours."""

    ref: MessageRef
    at: float
    """When it became visible to us: the push's time, or the end of the sweep that found it."""
    not_before: float | None
    internal_date: float | None
    header: bytes
    """Header section, cut at 64 KiB."""
    body: bytes | None = None
    """Whole message, cut at 256 KiB; fetched only when the header looks like a report."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The folder was read to its end at ``bookmark.verified_at``: nothing there is unreported."""

    bookmark: Bookmark


@dataclass(frozen=True, slots=True)
class Removed:
    """These messages of ours are gone from the server."""

    at: float
    refs: tuple[MessageRef, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """The server did not let us remove these (legal hold, no UIDPLUS): told, not fought."""

    at: float
    refs: tuple[MessageRef, ...]
    detail: str


Observation = FolderFound | FolderMissing | Arrived | Verified | Removed | Kept


@dataclass(frozen=True, slots=True)
class Look:
    """Read every watched folder now, whatever the pushes said; answered by ``Verified``."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove messages of ours. Each one's signed token is verified again before any STORE."""

    refs: tuple[MessageRef, ...]


@dataclass(frozen=True, slots=True)
class Tidy:
    """Remove leftovers that no journal remembers.

    Look through inbox, junk and sent folders for messages of this instance that were sent
    before ``sent_before``.
    """

    sent_before: float


Errand = Look | Remove | Tidy


class WatchCause(StrEnum):
    """Why a watch ended."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    CREDENTIALS = "credentials"
    """The server refused our login. A time-out or a throttling answer is never this."""
    THROTTLED = "throttled"
    CLOSED = "closed"
    """BYE or end of file."""
    SILENT = "silent"
    """No answer within the deadline."""
    PROTOCOL = "protocol"
    REFUSED = "refused"
    """The server said NO to something it must allow (select INBOX, for one)."""


class WatchLost(Exception):  # noqa: N818 - a fact about the wire, not a programming error
    """The watch ended. ``str()`` is one line for a person, free of secrets."""

    def __init__(
        self, cause: WatchCause, detail: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        """The server's own words where it said any."""
        self.retry_after = retry_after
        """Seconds that the server told us to stay away; None: it did not say."""
