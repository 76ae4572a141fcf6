"""The watch of one mailbox: a to-do list of steps, and IDLE when there is nothing to do.

1. log in, find the folders
2. read junk, then INBOX, from where the bookmarks say
3. IDLE on INBOX until a push, an errand, or the time to look again
4. what takes us to another folder is framed by two readings of INBOX: whatever comes there
   meanwhile is known to have come in these few moments
5. once INBOX is read and nothing is left to do, 3.

A step returns what it observed and may put further steps before all others. So an observation
is handed over before the next command is sent, and memory is bounded by one step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from probe.config.settings import ImapSettings
from probe.core.mailbox import WATCHED, Folder
from probe.core.observation import (
    Bookmark,
    Errand,
    FolderFound,
    FolderMissing,
    Kept,
    Look,
    MessageRef,
    Observation,
    Remove,
    Tidy,
    WatchCause,
    WatchLost,
)
from probe.transport.imap import folders, schedule
from probe.transport.imap.errands import AT_ONCE, Errands, IsOurs
from probe.transport.imap.login import CertificateSeen
from probe.transport.imap.parse import Listed
from probe.transport.imap.reading import Place, Reading, Sweep
from probe.transport.imap.session import Session
from probe.transport.imap.waiting import Waiting

Step = Callable[[], Awaitable[list[Observation]]]
"""A few commands, and what they brought."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the watch is told by the rest of the program."""

    now: Callable[[], float]
    is_ours: IsOurs
    looks_like_report: Callable[[bytes], bool]
    expecting: Callable[[str], float | None]
    certificate_seen: CertificateSeen


class Patrol:
    """One connection's worth of watching."""

    def __init__(
        self,
        session: Session,
        settings: ImapSettings,
        around: Surroundings,
        mailbox_id: str,
        errands: "asyncio.Queue[Errand]",
        bookmarks: Mapping[Folder, Bookmark],
    ) -> None:
        self._session = session
        self._settings = settings
        self._now = around.now
        self._expecting = partial(around.expecting, mailbox_id)
        self._waiting = Waiting(session, errands, now=around.now)
        self._bookmarks = dict(bookmarks)
        self._reading = Reading(
            session,
            now=around.now,
            looks_like_report=around.looks_like_report,
            expecting_since=self._expecting,
        )
        self._errands = Errands(
            session,
            now=around.now,
            is_ours=around.is_ours,
            looks_like_report=around.looks_like_report,
        )
        self._inbox = Place(Folder.INBOX, "INBOX", "INBOX", self._bookmarks.get(Folder.INBOX))
        self._others: dict[Folder, Place] = {}
        self._missing: dict[Folder, str] = {}
        self._junk_tried = around.now()
        self._steps: list[Step] = [self._find_folders, self._read_junk, self._read_inbox]

    async def step(self) -> list[Observation]:
        """Do the next thing; with nothing to do, wait."""
        if not self._steps:
            await self._wait()
        return await self._steps.pop(0)() if self._steps else []

    def _next(self, *steps: Step) -> None:
        self._steps[:0] = steps

    # --- folders -----------------------------------------------------------------------

    async def _find_folders(self) -> list[Observation]:
        found: list[Observation] = [
            FolderFound(self._now(), Folder.INBOX, self._inbox.name, "inbox")
        ]
        return found + await self._find_others()

    async def _find_others(self) -> list[Observation]:
        """Find junk and sent; said only when it is news."""
        listed = await self._session.folders()
        news = (self._place(Folder.JUNK, listed), self._place(Folder.SENT, listed))
        return [said for said in news if said is not None and said.folder in WATCHED]

    def _place(self, part: Folder, listed: list[Listed]) -> FolderFound | FolderMissing | None:
        rule = self._settings.junk if part is Folder.JUNK else self._settings.sent
        found = folders.find(part, rule, listed)
        if isinstance(found, folders.Missing):
            return self._miss(part, found.detail, absent_by_config=found.absent_by_config)
        self._missing.pop(part, None)
        self._others[part] = Place(part, found.name, found.wire, self._bookmarks.get(part))
        return FolderFound(self._now(), part, found.name, found.how)

    def _miss(
        self, part: Folder, detail: str, *, absent_by_config: bool = False
    ) -> FolderMissing | None:
        self._others.pop(part, None)
        if self._missing.get(part) == detail:
            return None
        self._missing[part] = detail
        return FolderMissing(self._now(), part, detail, absent_by_config)

    # --- reading -----------------------------------------------------------------------

    async def _read_inbox(self, *, ask: bool = False) -> list[Observation]:
        return await self._read(self._inbox, ask=ask)

    async def _poll_inbox(self) -> list[Observation]:
        return await self._read_inbox(ask=True)

    async def _read_junk(self) -> list[Observation]:
        """Read the junk folder, or look for one if there is none."""
        self._junk_tried = self._now()
        junk = self._others.get(Folder.JUNK)
        if junk is None:
            return await self._seek_junk()
        try:
            return await self._read(junk)
        except WatchLost as lost:
            # The server said no to this folder. That must not cost us INBOX.
            if lost.cause is not WatchCause.REFUSED or self._session.lost is not None:
                raise
            missing = self._miss(Folder.JUNK, lost.detail)
            return [missing] if missing else []

    async def _seek_junk(self) -> list[Observation]:
        if self._settings.junk.absent or self._session.opened is None:
            return []  # nothing to find; or at the start, where we have just looked
        found = await self._find_others()
        if Folder.JUNK in self._others:
            self._next(self._read_junk)
        return found

    async def _read(self, place: Place, *, ask: bool = False) -> list[Observation]:
        sweep = await self._reading.begin(place, ask=ask)
        return await self._go_on(sweep)

    async def _go_on(self, sweep: Sweep) -> list[Observation]:
        """Read a batch; the mark moves when the last one is read."""
        observed = await self._reading.batch(sweep) if sweep.todo else []
        if sweep.todo:
            self._next(partial(self._go_on, sweep))
            return observed
        verified = self._reading.end(sweep)
        self._bookmarks[sweep.place.folder] = verified.bookmark
        return [*observed, verified]

    # --- errands -----------------------------------------------------------------------

    def _take_errand(self, errand: Errand) -> None:
        match errand:
            case Look():
                self._leave_inbox(self._read_junk)
            case Remove(refs):
                self._leave_inbox(*self._removals(refs))
            case Tidy(sent_before):
                self._leave_inbox(*(partial(self._tidy, part, sent_before) for part in Folder))

    def _leave_inbox(self, *steps: Step) -> None:
        self._next(self._poll_inbox, *steps, self._read_inbox)

    def _removals(self, refs: tuple[MessageRef, ...]) -> list[Step]:
        steps: list[Step] = []
        for part in Folder:
            here = [ref for ref in refs if ref.folder is part]
            for start in range(0, len(here), AT_ONCE):
                some = here[start : start + AT_ONCE]
                steps.append(partial(self._remove, part, some))
        return steps

    async def _remove(self, part: Folder, refs: list[MessageRef]) -> list[Observation]:
        place = self._known(part)
        if place is None:
            return [Kept(self._now(), tuple(refs), f"no {part} folder is known now")]
        try:
            return await self._errands.remove(place, refs)
        except WatchLost as lost:
            return [Kept(self._now(), tuple(refs), self._tolerate(lost))]

    async def _tidy(self, part: Folder, sent_before: float) -> list[Observation]:
        place = self._known(part)
        try:
            return await self._errands.tidy(place, sent_before) if place else []
        except WatchLost as lost:
            self._tolerate(lost)
            return []

    def _known(self, part: Folder) -> Place | None:
        return self._inbox if part is Folder.INBOX else self._others.get(part)

    def _tolerate(self, lost: WatchLost) -> str:
        """A refusal costs the errand, not the watch."""
        if lost.cause is not WatchCause.REFUSED or self._session.lost is not None:
            raise lost
        return lost.detail

    # --- waiting -----------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until something is to be done, and put it on the list."""
        errand = await self._waiting.until(self._due)
        if errand is not None:
            self._take_errand(errand)
        elif self._junk_is_due():
            self._leave_inbox(self._read_junk)
        else:
            self._next(self._poll_inbox)

    def _due(self, began: float) -> float:
        read = self._inbox.read_at
        poll = (read if read is not None else began) + self._settings.poll
        return min(poll, began + self._settings.idle_renewal, self._junk_at())

    def _junk_is_due(self) -> bool:
        now = self._now()
        return now >= self._junk_at() or now < self._junk_tried  # the clock was set back

    def _junk_at(self) -> float:
        """When to read junk; where there is none, when to look for one."""
        expecting = self._expecting() if Folder.JUNK in self._others else None
        return schedule.junk_due(self._junk_tried, expecting, self._settings.poll)
