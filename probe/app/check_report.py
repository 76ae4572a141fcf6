"""What ``mailprobe check --live`` has found, as a table for people or as JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from probe.app import terminal
from probe.app.check import Row
from probe.config.settings import Settings


def show_json(rows: Sequence[Row]) -> None:
    """One object; durations in seconds, unknown values null."""
    document = {"mailboxes": [asdict(row) for row in rows]}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def show(rows: Sequence[Row], settings: Settings) -> None:
    """A table, then what to do."""
    console = terminal.console()
    table = terminal.table("", "mailbox", "sent", "arrived", "junk folder", "clock", "certificate")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    for problem, names in _grouped(rows).items():
        console.print(f"{', '.join(names)}: {problem}", markup=False)
    for warning in settings.warnings:
        console.print(f"warning: {warning}", markup=False)
    if not any(row.problems for row in rows):
        console.print(
            f"All is well. Next: `mailprobe run {settings.path}` measures from now on.",
            markup=False,
        )


def _grouped(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What several mailboxes suffer from, such as a server that is down, is said once."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for problem in row.problems:
            found.setdefault(problem, []).append(row.mailbox)
    return found


def _cells(row: Row) -> tuple[str, ...]:
    arrived = "—"
    if row.seen_after is not None:
        where = "" if row.seen_in == "inbox" else f", {row.seen_in}"
        about = "≈ " if row.estimated else ""
        arrived = f"{about}{row.seen_after:.2f} s{where}"
    clock = f"{row.clock_offset:+.1f} s" if row.clock_offset is not None else "—"
    days = min(row.certificate_days.values(), default=None)
    mark = "[red]✗[/red]" if row.problems else "[green]✓[/green]"
    certificate = "—" if days is None else f"{days} days"
    junk = row.junk or ("—" if row.inbox else "not read")
    return (mark, row.mailbox, row.sent or "—", arrived, junk, clock, certificate)
