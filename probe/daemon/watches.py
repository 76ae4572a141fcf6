"""How well each mailbox is watched: written by the watchers, read by deadlines and views."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from probe.core.live import FolderWatch
from probe.core.mailbox import WATCHED, Folder


@dataclass(slots=True)
class _Mailbox:
    folders: dict[Folder, FolderWatch] = field(default_factory=dict)
    verified: dict[Folder, float] = field(default_factory=dict)
    absent: set[Folder] = field(default_factory=set)
    """Folders that do not exist, by the word of the config."""
    tried: bool = False
    """A first watch was established, or has failed."""


class Watches:
    """The state of all watches, by mailbox id."""

    def __init__(self, now: Callable[[], float], ask: Callable[[str], bool]) -> None:
        self._now = now
        self._ask = ask
        self._mailboxes: dict[str, _Mailbox] = {}
        self.removed = asyncio.Event()
        """Set whenever messages of ours were removed, or a server did not let us."""
        self.settled = asyncio.Event()
        """Set when every mailbox was tried once."""

    def begin(self, mailbox: str) -> None:
        """A mailbox is to be watched; it is not yet."""
        now = self._now()
        state = self._mailboxes[mailbox] = _Mailbox()
        for folder in WATCHED:
            state.folders[folder] = FolderWatch(
                mailbox, folder, watched=False, since=now, detail="not connected yet"
            )
        self._settle()

    def end(self, mailbox: str) -> None:
        """A mailbox is not to be watched any more."""
        self._mailboxes.pop(mailbox, None)
        self._settle()

    def found(self, mailbox: str, folder: Folder, name: str) -> None:
        """A folder was opened."""
        self._turn(mailbox, folder, watched=True, name=name, detail="")

    def missing(self, mailbox: str, folder: Folder, detail: str, *, by_config: bool) -> None:
        """A folder is not there, or cannot be opened."""
        if by_config:
            state = self._mailboxes[mailbox]
            state.absent.add(folder)
            state.folders.pop(folder, None)
        else:
            self._turn(mailbox, folder, watched=False, detail=detail)

    def verified(self, mailbox: str, folder: Folder, at: float) -> None:
        """A folder was read to its end, and everything in it was recorded."""
        state = self._mailboxes[mailbox]
        state.verified[folder] = at
        if not state.tried and folder is Folder.INBOX:
            self.tried(mailbox)

    def blind(self, mailbox: str, detail: str, *, silent: bool) -> None:
        """The watch ended: nothing of this mailbox is seen.

        Where the server fell silent it is blind since it was last verified: when the silence
        began is not known.
        """
        state = self._mailboxes[mailbox]
        for folder, watch in list(state.folders.items()):
            since = state.verified.get(folder) if watch.watched and silent else None
            self._turn(mailbox, folder, watched=False, detail=detail, since=since)
        self.tried(mailbox)

    def tried(self, mailbox: str) -> None:
        """A first watch was established, or has failed."""
        self._mailboxes[mailbox].tried = True
        self._settle()

    def verified_at(self, mailbox: str) -> float | None:
        """Up to when all folders have been read; None: at least one is not watched."""
        state = self._mailboxes.get(mailbox)
        if state is None or not state.folders:
            return None
        if not all(watch.watched for watch in state.folders.values()):
            return None
        times = [state.verified.get(folder) for folder in state.folders]
        known = [time for time in times if time is not None]
        return min(known) if len(known) == len(times) else None

    def why_blind(self, mailbox: str) -> str:
        """Why a mailbox cannot be read, for a person."""
        state = self._mailboxes.get(mailbox)
        if state is None:
            return f"mailbox {mailbox} is not in the config any more"
        for watch in state.folders.values():
            if not watch.watched:
                return f"the {watch.folder} of {mailbox} was not watched: {watch.detail}"
        return f"{mailbox} could not be read again in time"

    def look(self, mailbox: str) -> bool:
        """Ask a watcher to read its folders now; False if it cannot be asked."""
        return mailbox in self._mailboxes and self._ask(mailbox)

    def snapshot(self) -> Iterable[FolderWatch]:
        """All folders, with the time unwatched up to now."""
        now = self._now()
        for state in self._mailboxes.values():
            for watch in state.folders.values():
                yield watch if watch.watched else _counted(watch, now)

    def _turn(
        self,
        mailbox: str,
        folder: Folder,
        *,
        watched: bool,
        detail: str,
        name: str = "",
        since: float | None = None,
    ) -> None:
        watch = self._mailboxes[mailbox].folders[folder]
        now = self._now()
        if watch.watched == watched:
            self._mailboxes[mailbox].folders[folder] = replace(
                watch, detail=detail, name=name or watch.name
            )
            return
        counted = watch if watch.watched else _counted(watch, now)
        self._mailboxes[mailbox].folders[folder] = replace(
            counted,
            watched=watched,
            since=now if since is None else since,
            detail=detail,
            name=name or watch.name,
        )

    def _settle(self) -> None:
        if all(state.tried for state in self._mailboxes.values()):
            self.settled.set()
        else:
            self.settled.clear()


def _counted(watch: FolderWatch, now: float) -> FolderWatch:
    return replace(watch, unwatched_seconds=watch.unwatched_seconds + now - watch.since)
