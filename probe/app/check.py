"""``mailprobe check --live``: do the mailboxes work, and what to do where they do not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.progress import Progress, TaskID

from probe.app import advice, terminal
from probe.app.trial import Trial, trying
from probe.config.settings import Settings
from probe.core.budget import DAY
from probe.core.event import Accepted, Event, Refused, Sighted, Unconfirmed, Unsent
from probe.core.latency import EXACT_GAP
from probe.core.mailbox import Folder, Route
from probe.journal.records import History

SEEN_WITHIN = 60.0
"""Seconds that the message to itself may take: longer would be a slow provider, and this is a
check of the way to it."""

ALL_WITHIN = 120.0
"""Seconds for everything, servers that do not answer included: a person waits."""


@dataclass(slots=True)
class Row:
    """What was found out about one mailbox."""

    mailbox: str
    provider: str
    inbox: str = ""
    """The folder's name; empty: not watched."""
    junk: str = ""
    sent: str = ""
    """``accepted`` or what the submission server said instead."""
    seen_after: float | None = None
    estimated: bool = False
    """``seen_after`` is not exact."""
    seen_in: str = ""
    clock_offset: float | None = None
    certificate_days: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What is wrong and what to do, one sentence each."""


async def live(settings: Settings, names: Sequence[str]) -> list[Row]:
    """Try each mailbox for real."""
    expiries: dict[tuple[str, str], float] = {}

    def certificate_seen(host: str, protocol: str, expires: float) -> None:
        expiries[host, protocol] = expires

    async with trying(settings, names, certificate_seen) as trial:
        rows = await _examine_all(settings, trial, names)
        now = trial.engine.live().now
    for row in rows:
        _note_certificates(row, settings, expiries, now)
    return rows


async def _examine_all(settings: Settings, trial: Trial, names: Sequence[str]) -> list[Row]:
    """All at once; one that does not answer keeps no other waiting."""
    rows = [Row(name, settings.mailboxes[name].mailbox.provider) for name in names]
    with terminal.progress() as progress:
        task = progress.add_task("", total=len(names))
        examining = _Examining(settings, trial, progress, task)
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(examining.examine(row))
    return rows


class _Examining:
    """Fills rows."""

    def __init__(self, settings: Settings, trial: Trial, progress: Progress, task: TaskID) -> None:
        self._settings = settings
        self._trial = trial
        self._progress = progress
        self._task = task
        self._left: set[str] = set()

    async def examine(self, row: Row) -> None:
        """One mailbox, in at most ALL_WITHIN."""
        self._left.add(row.mailbox)
        self._show()
        began = asyncio.get_running_loop().time()
        await self._trial.tried(row.mailbox)
        spent = asyncio.get_running_loop().time() - began
        route = Route(row.mailbox, row.mailbox, DAY, SEEN_WITHIN / 2, SEEN_WITHIN)
        histories = await self._trial.send([route], within=ALL_WITHIN - spent)
        self._judge(row, histories[0] if histories else None)
        self._left.discard(row.mailbox)
        self._show()

    def _judge(self, row: Row, history: History | None) -> None:
        box = self._settings.mailboxes[row.mailbox]
        lost = self._trial.onlooker.lost.get(row.mailbox)
        events = history.events if history else ()
        submission = next((event for event in events if isinstance(event, _ENDS)), None)
        row.sent = _sent(submission)
        row.problems += advice.problems(box, lost, submission)
        row.inbox = self._folder(row, Folder.INBOX, blind=lost is not None)
        row.junk = self._folder(row, Folder.JUNK, blind=lost is not None)
        if submission is None:
            row.problems.append(f"SMTP: no end within {ALL_WITHIN:.0f} s: {advice.SLOW}")
        elif history is not None:
            _note_sighting(row, history)

    def _folder(self, row: Row, folder: Folder, *, blind: bool) -> str:
        watch = self._trial.watch(row.mailbox, folder)
        if watch is None:
            return "none, by config"
        if watch.watched:
            return watch.name
        if not blind and folder is Folder.JUNK and not self._trial.blind(row.mailbox):
            row.problems.append(advice.no_folder(watch.detail, "junk"))
        elif not blind and folder is Folder.INBOX:
            row.problems.append(f"IMAP: {watch.detail}: {advice.SLOW}")
        return ""

    def _show(self) -> None:
        names = ", ".join(sorted(self._left)[:3]) + (", …" if len(self._left) > 3 else "")
        text = f"logging in and sending one message to itself: {len(self._left)} to go ({names})"
        self._progress.update(self._task, description=text)


_ENDS = (Accepted, Refused, Unsent, Unconfirmed)


def _sent(submission: Event | None) -> str:
    match submission:
        case Accepted():
            return "accepted"
        case Refused(stage=stage):
            return f"refused at {stage}"
        case Unsent(stage=stage):
            return f"not sent, {stage}"
        case Unconfirmed():
            return "not confirmed"
    return ""


def _note_sighting(row: Row, history: History) -> None:
    verdict = history.verdict
    seen = [event for event in history.events if isinstance(event, Sighted)]
    if seen:
        row.seen_after, row.seen_in = verdict.delivery_seconds, str(verdict.folder)
        row.estimated = verdict.estimated
        # INTERNALDATE is cut to the second: half a second is its mean error.
        offsets = [s.internal_date + 0.5 - s.at for s in seen if s.internal_date and _exact(s)]
        row.clock_offset = median(offsets) if offsets else None
        if verdict.folder is Folder.JUNK:
            row.problems.append(advice.IN_JUNK)
    elif row.sent == "accepted" and row.inbox:
        why = verdict.detail or f"it was accepted and did not arrive within {SEEN_WITHIN:.0f} s"
        row.problems.append(
            f"{why}: look for it in the mailbox by hand, and for filters and rules there"
        )


def _exact(sighted: Sighted) -> bool:
    """Whether it was stored at the time at which we saw it."""
    return sighted.not_before is not None and sighted.at - sighted.not_before <= EXACT_GAP


def _note_certificates(
    row: Row, settings: Settings, expiries: dict[tuple[str, str], float], now: float
) -> None:
    box = settings.mailboxes[row.mailbox]
    for protocol, host in (("smtp", box.smtp.endpoint.host), ("imap", box.imap.endpoint.host)):
        if (host, protocol) in expiries:
            row.certificate_days[protocol] = int((expiries[host, protocol] - now) // DAY)
