"""What ``mailprobe once`` has found, as text for people or as JSON."""

import json
import sys

from rich.console import Console

from probe.app import advice, terminal
from probe.app.once import GOOD, Trips
from probe.config.duration import spell
from probe.config.settings import Settings
from probe.core.event import Accepted, Refused, Sighted, Transcript, Unconfirmed, Unsent
from probe.journal.records import History
from probe.mail import trace
from probe.views.document import history_document

_ENDS = (Accepted, Refused, Unsent, Unconfirmed)


def show_json(trips: Trips) -> None:
    """The probes as the API has them (docs/metrics.md)."""
    documents = [history_document(history) for history in trips.histories]
    sys.stdout.write(json.dumps({"probes": documents}, indent=2) + "\n")
    _complain(trips)


def show(trips: Trips, settings: Settings) -> None:
    """A few lines for each probe, then what to do."""
    console = terminal.console()
    for history in trips.histories:
        _show_one(console, history)
    unseen = {h.probe.recipient for h in trips.histories if not h.verdict.final}
    for name in sorted(unseen):
        if lost := trips.lost.get(name):
            for line in advice.problems(settings.mailboxes[name], lost, None):
                console.print(f"{name}: {line}", markup=False)
        else:
            console.print(
                f"{name}: not seen within {spell(trips.waited)}, and not given up: "
                "`mailprobe run` would go on looking",
                markup=False,
            )
    _complain(trips)


def _complain(trips: Trips) -> None:
    if trips.unsent:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"{trips.unsent} of {trips.asked} round trips were not made: their senders' login was "
            "refused a moment before, or they may send no more in 24 hours (sends_per_day)"
        )


def _show_one(console: Console, history: History) -> None:
    probe, verdict = history.probe, history.verdict
    took = verdict.delivery_seconds
    after = f" after {took:.2f} s" if took is not None else ""
    about = " (estimated)" if verdict.estimated else ""
    colour = "green" if verdict.outcome in GOOD else "red"
    route = f"{probe.sender} → {probe.recipient}"
    outcome = verdict.outcome or "in flight"
    console.print(f"[bold]{route}[/bold]  [{colour}]{outcome}[/{colour}]{after}{about}")
    if verdict.detail:
        console.print(f"  {verdict.detail}", markup=False)
    stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in _stages(history).items())
    console.print(f"  submission: {stages or 'no stage was completed'}", markup=False)
    for line in _transcript(history):
        console.print(
            f"    {line.offset:7.3f} {line.speaker} {line.text}", markup=False, style="dim"
        )
    _show_hops(console, history)


def _show_hops(console: Console, history: History) -> None:
    header = next((e.header for e in history.events if isinstance(e, Sighted)), "")
    for hop in trace.parse(header):
        delay = f", +{hop.delay:.0f} s" if hop.delay is not None else ""
        console.print(f"  hop: {hop.from_ or '?'} → {hop.by or '?'}{delay}", markup=False)


def _transcript(history: History) -> Transcript:
    return next((e.transcript for e in history.events if isinstance(e, _ENDS)), ())


def _stages(history: History) -> dict[str, float]:
    found = next((e.timings for e in history.events if isinstance(e, _ENDS)), {})
    return {stage.value: round(seconds, 4) for stage, seconds in found.items()}
