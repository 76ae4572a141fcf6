"""What can be wrong with the journal.

JournalError
├── JournalUnusableError    it cannot be opened: the program does not start
└── JournalUnwritableError  it was opened, and now a write failed: nothing more is sent
"""


class JournalError(Exception):
    """One line for a person: what is wrong and what to do."""


class JournalUnusableError(JournalError):
    """The file is not a journal, is damaged, locked, or may not be written."""


class JournalUnwritableError(JournalError):
    """Disk full, file system read-only, I/O error. Nothing of the failed change is kept."""
