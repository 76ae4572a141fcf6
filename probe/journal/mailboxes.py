"""Writing what is known of the mailboxes: how far they were read, and what of ours lies there."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.core.mailbox import Folder
from probe.core.observation import Bookmark, MessageRef

REFS_AT_ONCE = 100
"""Messages removed in one errand: bounds the time that a watcher is away from IDLE."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an earlier watch of a mailbox stopped."""

    bookmarks: Mapping[Folder, Bookmark]
    clock_offset: float | None
    """The server's clock minus ours, in seconds."""


def place(connection: sqlite3.Connection, mailbox: str) -> Place:
    """The bookmarks of one mailbox."""
    found = connection.execute("SELECT * FROM bookmarks WHERE mailbox = ?", (mailbox,)).fetchall()
    bookmarks = {
        Folder(row["folder"]): Bookmark(
            Folder(row["folder"]), row["name"], row["uidvalidity"], row["uid"], row["verified_at"]
        )
        for row in found
    }
    offsets = [row["clock_offset"] for row in found if row["clock_offset"] is not None]
    return Place(bookmarks, offsets[0] if offsets else None)


def save_bookmark(
    connection: sqlite3.Connection, mailbox: str, bookmark: Bookmark, clock_offset: float | None
) -> None:
    """Remember how far a folder has been read."""
    connection.execute(
        "INSERT OR REPLACE INTO bookmarks VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            mailbox,
            bookmark.folder,
            bookmark.name,
            bookmark.uidvalidity,
            bookmark.uid,
            bookmark.verified_at,
            clock_offset,
        ),
    )


def stale_copies(
    connection: sqlite3.Connection, seen_before: float
) -> dict[str, list[MessageRef]]:
    """Messages of ours that may be removed now, by mailbox, at most REFS_AT_ONCE of each."""
    stale: dict[str, list[MessageRef]] = {}
    # Numbered within each mailbox: many in one that cannot be reached do not crowd out others.
    for row in connection.execute(
        "SELECT mailbox, folder, uidvalidity, uid FROM (SELECT *, ROW_NUMBER() OVER"
        " (PARTITION BY mailbox ORDER BY seen_at) AS place FROM copies"
        " WHERE refused = 0 AND seen_at < ?) WHERE place <= ? ORDER BY seen_at",
        (seen_before, REFS_AT_ONCE),
    ):
        ref = MessageRef(Folder(row["folder"]), row["uidvalidity"], row["uid"])
        stale.setdefault(row["mailbox"], []).append(ref)
    return stale


def forget_copies(
    connection: sqlite3.Connection, mailbox: str, refs: Sequence[MessageRef]
) -> None:
    """These are gone from the server."""
    connection.executemany(f"DELETE FROM copies {_THIS_COPY}", _keys(mailbox, refs))  # noqa: S608 - our own constant


def give_up_copies(
    connection: sqlite3.Connection, mailbox: str, refs: Sequence[MessageRef]
) -> None:
    """The server does not let us remove these: asked once, not again."""
    connection.executemany(f"UPDATE copies SET refused = 1 {_THIS_COPY}", _keys(mailbox, refs))  # noqa: S608 - our own constant


def sent_since(connection: sqlite3.Connection, since: float) -> list[tuple[str, float, int]]:
    """Who sent how many in which hour, by its first second.

    Probes that were handed to a server, or may have been. A day may have a million of them, and
    a start waits for this: they are counted here.
    """
    found = connection.execute(
        "SELECT sender, CAST(planned_at / 3600 AS INTEGER) * 3600.0 AS hour, COUNT(*) AS number"
        " FROM probes WHERE planned_at >= ? GROUP BY sender, hour",
        (since,),
    )
    return [(row["sender"], row["hour"], row["number"]) for row in found]


_THIS_COPY = "WHERE mailbox = ? AND folder = ? AND uidvalidity = ? AND uid = ?"


def _keys(mailbox: str, refs: Sequence[MessageRef]) -> list[tuple[str, str, int, int]]:
    return [(mailbox, ref.folder, ref.uidvalidity, ref.uid) for ref in refs]
