"""The journal's tables, as numbered migrations. A migration that was released is never edited.

Times are seconds since 1970, UTC. ``PRAGMA user_version`` is the number of migrations done.
"""

import sqlite3

from probe.journal.errors import JournalUnusableError

MIGRATIONS = (
    """
    CREATE TABLE probes (
        id                 TEXT PRIMARY KEY,
        sender             TEXT NOT NULL,
        recipient          TEXT NOT NULL,
        sender_provider    TEXT NOT NULL,
        recipient_provider TEXT NOT NULL,
        client             TEXT NOT NULL,
        planned_at         REAL NOT NULL,
        delayed_after      REAL NOT NULL,
        lost_after         REAL NOT NULL,
        -- how it stands: computed from the events, kept here so that it can be asked for
        version            INTEGER NOT NULL DEFAULT 0,
        outcome            TEXT,
        final              INTEGER NOT NULL DEFAULT 0,
        verdict_at         REAL NOT NULL,
        submitted_at       REAL,
        delivery_seconds   REAL,
        estimated          INTEGER NOT NULL DEFAULT 0,
        folder             TEXT,
        sightings          INTEGER NOT NULL DEFAULT 0,
        detail             TEXT NOT NULL DEFAULT '',
        -- when it must be looked at again; NULL: never
        due_at             REAL
    ) WITHOUT ROWID;
    CREATE INDEX probes_due ON probes (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX probes_open ON probes (planned_at) WHERE submitted_at IS NULL;
    CREATE INDEX probes_recent ON probes (planned_at, id);

    -- facts, past tense, never altered; with a rowid, because facts are long (a transcript, a
    -- header), and long rows in an index tree cost a page each
    CREATE TABLE events (
        probe_id TEXT NOT NULL REFERENCES probes (id) ON DELETE CASCADE,
        number   INTEGER NOT NULL,
        kind     TEXT NOT NULL,
        at       REAL NOT NULL,
        fact     TEXT NOT NULL,
        PRIMARY KEY (probe_id, number)
    );

    -- the last verdict of each route that said anything about it
    CREATE TABLE routes (
        sender           TEXT NOT NULL,
        recipient        TEXT NOT NULL,
        outcome          TEXT NOT NULL,
        at               REAL NOT NULL,
        planned_at       REAL NOT NULL,
        delivery_seconds REAL,
        PRIMARY KEY (sender, recipient)
    ) WITHOUT ROWID;

    -- counters and histograms (see probe.core.tally)
    CREATE TABLE tallies (
        kind               TEXT NOT NULL,
        sender_provider    TEXT NOT NULL,
        recipient_provider TEXT NOT NULL,
        key                TEXT NOT NULL,
        value              REAL NOT NULL,
        PRIMARY KEY (kind, sender_provider, recipient_provider, key)
    ) WITHOUT ROWID;

    -- how far each folder has been read
    CREATE TABLE bookmarks (
        mailbox      TEXT NOT NULL,
        folder       TEXT NOT NULL,
        name         TEXT NOT NULL,
        uidvalidity  INTEGER NOT NULL,
        uid          INTEGER NOT NULL,
        verified_at  REAL NOT NULL,
        clock_offset REAL,
        PRIMARY KEY (mailbox, folder)
    ) WITHOUT ROWID;

    -- messages of ours that lie in mailboxes, until they are removed
    CREATE TABLE copies (
        mailbox     TEXT NOT NULL,
        folder      TEXT NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uid         INTEGER NOT NULL,
        probe_id    TEXT NOT NULL,
        seen_at     REAL NOT NULL,
        refused     INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (mailbox, folder, uidvalidity, uid)
    ) WITHOUT ROWID;
    CREATE INDEX copies_seen ON copies (seen_at) WHERE refused = 0;
    """,
    """
    -- the clock of the process that wrote last (see probe.journal.clock): one row
    CREATE TABLE clock (
        boot   TEXT NOT NULL,
        anchor REAL NOT NULL
    );
    -- by how much the machine's clock was set while the probe was in flight and nobody ran
    ALTER TABLE probes ADD COLUMN clock_step REAL NOT NULL DEFAULT 0;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, each step in one transaction.

    Raises:
        JournalUnusableError: the file was written by a later version, or by another program.
    """
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if not _is_ours(connection, done):
        raise JournalUnusableError(
            "a database of another program: give the journal a path of its own"
        )
    if done > len(MIGRATIONS):
        raise JournalUnusableError(
            f"written by a later version (schema {done}, this one knows {len(MIGRATIONS)}): "
            "start that version again, or give another journal path"
        )
    for number, script in enumerate(MIGRATIONS[done:], start=done + 1):
        connection.executescript(f"BEGIN;{script};PRAGMA user_version = {number};COMMIT;")


def _is_ours(connection: sqlite3.Connection, done: int) -> bool:
    """A new file holds no table; any other journal holds the first one."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in found}
    return "probes" in tables if done else not tables
