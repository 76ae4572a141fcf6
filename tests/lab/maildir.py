"""The server's own record of when a message was stored."""

import re
from dataclasses import dataclass
from pathlib import Path

_UNIQUE_NAME = re.compile(r"(\d+)\.M(\d+)P")


@dataclass(frozen=True)
class StoredMessage:
    """A file of a Maildir, and the moment in its name (seconds since 1970, microseconds kept)."""

    path: Path
    stored_at: float
    folder: str
    octets: bytes


class Maildir:
    """A user's mail, seen from the server's disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def messages(self) -> list[StoredMessage]:
        """Return all messages of all folders, oldest first."""
        while True:
            try:
                found = [self._read(f) for f in self._path.rglob("[0-9]*.M*P*") if f.is_file()]
            except FileNotFoundError:
                continue  # the server moved or removed one while we read: look again
            return sorted(found, key=lambda message: message.stored_at)

    def holding(self, token: str) -> list[StoredMessage]:
        """Return the messages in which this text stands."""
        wanted = token.encode()
        return [message for message in self.messages() if wanted in message.octets]

    def _read(self, file: Path) -> StoredMessage:
        matched = _UNIQUE_NAME.match(file.name)
        assert matched is not None, f"{file.name} is not a name that Dovecot gives"
        seconds, micros = matched.groups()
        box = file.parent.parent
        folder = "INBOX" if box == self._path else box.name.removeprefix(".")
        return StoredMessage(file, int(seconds) + int(micros) / 1e6, folder, file.read_bytes())
