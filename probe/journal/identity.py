"""Who this installation is: its instance id and the key that signs its tokens.

Kept beside the journal, not in it, so that a journal can be given away without the key.
"""

import os
import re
import secrets
from pathlib import Path

from probe.core.match import Signer
from probe.journal.errors import JournalUnusableError
from probe.mail.token import SigningKey

_SHAPE = re.compile(r"(?P<instance>[0-9a-f]{8}) (?P<key>[0-9a-f]{64})\s*")

MAX_OCTETS = 200
"""A key file has 74; what is longer is something else."""


def load_or_create(journal: Path) -> Signer:
    """The signer of this journal; made, with mode 0600, when there is none yet.

    Raises:
        JournalUnusableError: the file cannot be read, written or understood.
    """
    path = _path(journal)
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        raise JournalUnusableError(
            f"{path}: {error.strerror}: the signing key lives there: make its directory, "
            "or let this user read and write it"
        ) from error


def load(journal: Path) -> Signer | None:
    """The signer of this journal, if it is there and may be read; nothing is made."""
    try:
        return _read(_path(journal))
    except (OSError, JournalUnusableError):
        return None


def _path(journal: Path) -> Path:
    return journal.with_name(journal.name + ".key")


def _create(path: Path) -> None:
    """Written whole under another name first: a crash leaves no half key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{secrets.token_hex(4)} {secrets.token_hex(32)}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def _read(path: Path) -> Signer:
    with path.open("rb") as file:
        found = _SHAPE.fullmatch(file.read(MAX_OCTETS).decode("ascii", "replace"))
    if not found:
        raise JournalUnusableError(
            f"{path}: not a signing key: put the right file back, or remove it to get a new one "
            "(messages of before will then not be recognised)"
        )
    return Signer(found["instance"], SigningKey(bytes.fromhex(found["key"])))
