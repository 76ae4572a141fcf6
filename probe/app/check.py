"""``mailprobe check``: is the config good, and with ``--live``, do the mailboxes work."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from probe.app.errors import UsageError
from probe.app.trial import Trial, trying
from probe.config.settings import Settings
from probe.core.budget import DAY
from probe.core.event import Accepted, Event, Refused, Sighted, Unconfirmed, Unsent
from probe.core.mailbox import Folder, Route
from probe.core.tally import Change
from probe.journal.records import History

SEEN_WITHIN = 60.0
"""Seconds that the message to itself may take: longer would be a slow provider, and this is a
check of the way to it."""


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
    seen_in: str = ""
    clock_offset: float | None = None
    certificate_days: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What is wrong and what to do, one sentence each."""


def chosen(settings: Settings, only: Sequence[str]) -> list[str]:
    """The mailboxes that were asked for.

    Raises:
        UsageError: one of them is not in the config.
    """
    unknown = [name for name in only if name not in settings.mailboxes]
    if unknown:
        known = ", ".join(settings.mailboxes)
        raise UsageError(f"there is no mailbox {unknown[0]!r}; there are: {known}")
    return list(only) or list(settings.mailboxes)


def show_plan(settings: Settings) -> None:
    """What the config asks for, in a few lines."""
    console = Console(highlight=False, soft_wrap=True)
    providers = {box.mailbox.provider for box in settings.mailboxes.values()}
    console.print(
        f"{settings.path}: good: {len(settings.mailboxes)} mailboxes at {len(providers)} "
        f"providers, {len(settings.routes)} routes"
    )
    table = Table("mailbox", "provider", "sends a day", "budget", "receives a day")
    for name, box in settings.mailboxes.items():
        sends = sum(DAY / route.interval for route in settings.routes if route.sender == name)
        gets = sum(DAY / route.interval for route in settings.routes if route.recipient == name)
        cells = (f"{sends:.0f}", str(box.sends_per_day), f"{gets:.0f}")
        table.add_row(name, box.mailbox.provider, *cells)
    console.print(table)
    for warning in settings.warnings:
        console.print(f"warning: {warning}", markup=False)
    console.print("Next: mailprobe check --live logs in everywhere and sends one to itself.")


async def live(settings: Settings, names: Sequence[str], *, as_json: bool) -> bool:
    """Try each mailbox for real; whether all is well."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    expiries: dict[tuple[str, str], float] = {}

    def certificate_seen(host: str, protocol: str, expires: float) -> None:
        expiries[host, protocol] = expires

    async with trying(settings, names, certificate_seen) as trial:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(f"logging in to {len(names)} mailboxes")
            await trial.settled()
            progress.update(task, description="sending each a message to itself")
            histories = await _sent_to_itself(trial, names)
        now = trial.engine.live().now
        rows = [_row(settings, trial, name, histories.get(name)) for name in names]
    for row in rows:
        _note_certificates(row, settings, expiries, now)
    _show(rows, as_json=as_json)
    return not any(row.problems for row in rows)


async def _sent_to_itself(trial: Trial, names: Sequence[str]) -> dict[str, History]:
    blind = {name for name in names if not _watched(trial, name, Folder.INBOX)}

    def enough(change: Change) -> bool:
        ended = change.after.submitted_at is not None
        return change.after.final or (ended and change.probe.recipient in blind)

    routes = [Route(name, name, DAY, SEEN_WITHIN / 2, SEEN_WITHIN) for name in names]
    histories = await trial.send(routes, _silent, enough)
    return {history.probe.sender: history for history in histories}


def _row(settings: Settings, trial: Trial, name: str, history: History | None) -> Row:
    row = Row(name, settings.mailboxes[name].mailbox.provider)
    row.inbox = _folder(row, trial, Folder.INBOX)
    row.junk = _folder(row, trial, Folder.JUNK)
    if history is not None:
        _note_submission(row, history)
        _note_sighting(row, history)
    return row


def _folder(row: Row, trial: Trial, folder: Folder) -> str:
    watch = trial.watch(row.mailbox, folder)
    if watch is None:
        return "none, by config"
    if watch.watched:
        return watch.name
    problem = f"IMAP: {watch.detail}"
    if problem not in row.problems:
        row.problems.append(problem)
    return ""


def _note_submission(row: Row, history: History) -> None:
    for event in history.events:
        match event:
            case Accepted():
                row.sent = "accepted"
            case Refused(stage=stage, reply=reply):
                row.sent = f"refused at {stage}"
                row.problems.append(f"SMTP: refused at {stage}: {reply}")
            case Unsent(stage=stage, detail=detail):
                row.sent = f"not sent, {stage}"
                row.problems.append(f"SMTP: {detail}")
            case Unconfirmed(detail=detail):
                row.sent = "not confirmed"
                row.problems.append(f"SMTP: {detail}")


def _note_sighting(row: Row, history: History) -> None:
    verdict = history.verdict
    seen = [event for event in history.events if isinstance(event, Sighted)]
    if seen:
        row.seen_after, row.seen_in = verdict.delivery_seconds, str(verdict.folder)
        offsets = [s.internal_date + 0.5 - s.at for s in seen if s.internal_date is not None]
        row.clock_offset = median(offsets) if offsets else None
    elif row.sent == "accepted" and row.inbox:
        row.problems.append(
            f"it was accepted and did not arrive within {SEEN_WITHIN:.0f} s "
            f"({verdict.outcome or 'still on its way'})"
        )


def _note_certificates(
    row: Row, settings: Settings, expiries: dict[tuple[str, str], float], now: float
) -> None:
    box = settings.mailboxes[row.mailbox]
    for protocol, host in (("smtp", box.smtp.endpoint.host), ("imap", box.imap.endpoint.host)):
        if (host, protocol) in expiries:
            row.certificate_days[protocol] = int((expiries[host, protocol] - now) // DAY)


def _show(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        document = {"mailboxes": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    headings = ("", "mailbox", "certificates", "inbox", "junk", "sent", "seen", "clock")
    table = Table(*headings)
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in rows:
        for problem in row.problems:
            console.print(f"{row.mailbox}: {problem}", markup=False)
    if not any(row.problems for row in rows):
        console.print("All is well: mailprobe run starts measuring.")


def _cells(row: Row) -> tuple[str, ...]:
    days = ", ".join(f"{name} {number} d" for name, number in row.certificate_days.items())
    seen = f"{row.seen_in}, {row.seen_after:.2f} s" if row.seen_after is not None else "—"
    clock = f"{row.clock_offset:+.1f} s" if row.clock_offset is not None else "—"
    mark = "[red]✗[/red]" if row.problems else "[green]✓[/green]"
    return (
        mark,
        row.mailbox,
        days or "—",
        row.inbox or "—",
        row.junk or "—",
        row.sent or "—",
        seen,
        clock,
    )


def _watched(trial: Trial, mailbox: str, folder: Folder) -> bool:
    watch = trial.watch(mailbox, folder)
    return watch is not None and watch.watched


def _silent(_change: Change, _event: Event | None) -> None:
    """Progress that nobody sees."""
