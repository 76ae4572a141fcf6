"""``mailprobe once``: round trips now, with progress, transcript and hops."""

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from probe.app.errors import UsageError
from probe.app.trial import trying
from probe.config.settings import Settings
from probe.core.event import Accepted, Event, Refused, Sighted, Transcript, Unconfirmed, Unsent
from probe.core.mailbox import Route
from probe.core.outcome import Outcome
from probe.core.tally import Change
from probe.journal.records import History
from probe.mail import trace
from probe.views.document import history_document

GOOD = frozenset({Outcome.DELIVERED})
"""Anything else makes the command end with status 1."""


def chosen(settings: Settings, sender: str | None, recipient: str | None) -> list[Route]:
    """The routes that were asked for.

    Raises:
        UsageError: there is no such mailbox, or no such route.
    """
    for name in (sender, recipient):
        if name is not None and name not in settings.mailboxes:
            known = ", ".join(settings.mailboxes)
            raise UsageError(f"there is no mailbox {name!r}; there are: {known}")
    routes = [
        route
        for route in settings.routes
        if sender in (None, route.sender) and recipient in (None, route.recipient)
    ]
    if not routes:
        raise UsageError("no route of the config fits: see `routes` in the file")
    return routes


async def once(settings: Settings, routes: Sequence[Route], *, as_json: bool) -> bool:
    """Send, wait, print; whether all were delivered."""
    names = [name for name in settings.mailboxes if any(name in route.pair for route in routes)]
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    async with trying(settings, names, lambda *_: None) as trial:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(f"logging in to {len(names)} mailboxes")
            await trial.settled()
            shown = _Shown(progress, task, len(routes))
            histories = await trial.send(routes, shown.changed)
    if as_json:
        documents = [history_document(history) for history in histories]
        sys.stdout.write(json.dumps({"probes": documents}, indent=2) + "\n")
    else:
        for history in histories:
            _print(Console(highlight=False, soft_wrap=True), history)
    return len(histories) == len(routes) and all(h.verdict.outcome in GOOD for h in histories)


class _Shown:
    """The line that tells how far we are."""

    def __init__(self, progress: Progress, task: TaskID, total: int) -> None:
        self._progress = progress
        self._task = task
        self._total = total
        self._final = 0
        self._show("handing over")

    def changed(self, change: Change, event: Event | None) -> None:
        """A listener of the correlator."""
        self._final += change.concluded
        name = type(event).__name__.lower() if event else "overdue"
        self._show(f"{change.probe.sender} → {change.probe.recipient} {name}")

    def _show(self, last: str) -> None:
        text = f"{self._final} of {self._total} round trips done; {last}"
        self._progress.update(self._task, description=text)


def _print(console: Console, history: History) -> None:
    probe, verdict = history.probe, history.verdict
    took = (
        f" after {verdict.delivery_seconds:.2f} s" if verdict.delivery_seconds is not None else ""
    )
    about = " (estimated)" if verdict.estimated else ""
    outcome = verdict.outcome or "in flight"
    colour = "green" if verdict.outcome in GOOD else "red"
    route = f"{probe.sender} → {probe.recipient}"
    console.print(f"[bold]{route}[/bold]  [{colour}]{outcome}[/{colour}]{took}{about}")
    if verdict.detail:
        console.print(f"  {verdict.detail}", markup=False)
    stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in _stages(history).items())
    console.print(f"  submission: {stages or 'no stage was completed'}", markup=False)
    for line in _transcript(history):
        console.print(
            f"    {line.offset:7.3f} {line.speaker} {line.text}", markup=False, style="dim"
        )
    header = next((e.header for e in history.events if isinstance(e, Sighted)), "")
    for hop in trace.parse(header):
        delay = f"+{hop.delay:.0f} s" if hop.delay is not None else ""
        console.print(f"  hop: {hop.from_ or '?'} → {hop.by} {delay}", markup=False)


def _transcript(history: History) -> Transcript:
    return next((e.transcript for e in history.events if isinstance(e, _ENDS)), ())


def _stages(history: History) -> dict[str, float]:
    found = next((e.timings for e in history.events if isinstance(e, _ENDS)), {})
    return {stage.value: round(seconds, 4) for stage, seconds in found.items()}


_ENDS = (Accepted, Refused, Unsent, Unconfirmed)
