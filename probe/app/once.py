"""``mailprobe once``: round trips now, with progress, transcript and hops."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.progress import Progress, TaskID

from probe.app import terminal
from probe.app.trial import Trial, trying
from probe.config.settings import Settings
from probe.core.event import Event
from probe.core.mailbox import Route
from probe.core.observation import WatchLost
from probe.core.outcome import Outcome
from probe.core.tally import Change
from probe.daemon.sender import MAX_QUEUED
from probe.journal.records import History

GOOD = frozenset({Outcome.DELIVERED})
"""Anything else makes the command end with status 1."""

WAIT_SECONDS = 300.0
"""How long a message is waited for if not told otherwise: greylisting takes five minutes."""


@dataclass(frozen=True, slots=True)
class Trips:
    """What became of the round trips that were asked for."""

    asked: int
    histories: list[History]
    lost: dict[str, WatchLost] = field(default_factory=dict)
    """Why mailboxes could not be read, by id."""
    waited: float = WAIT_SECONDS

    @property
    def unsent(self) -> int:
        """Round trips not made: the sender's budget was spent, or its login just refused."""
        return self.asked - len(self.histories)

    @property
    def good(self) -> bool:
        """Whether all were delivered."""
        outcomes = [history.verdict.outcome for history in self.histories]
        return not self.unsent and GOOD.issuperset(outcomes)


async def once(settings: Settings, routes: Sequence[Route], wait: float) -> Trips:
    """Send on each route, and wait for the outcomes, for each message no longer than ``wait``."""
    names = [name for name in settings.mailboxes if any(name in route.pair for route in routes)]
    histories: list[History] = []
    async with trying(settings, names, lambda *_: None) as trial:
        with terminal.progress() as progress:
            task = progress.add_task(f"logging in to {len(names)} mailboxes")
            await trial.settled()
            shown = _Shown(progress, task, len(routes))
            for wave in _waves(routes):
                histories += await trial.send(wave, _longest(wave, wait), shown.changed)
        return Trips(len(routes), histories, _blind(trial, names), wait)


def _waves(routes: Sequence[Route]) -> list[list[Route]]:
    """As many at once as a sender's queue takes."""
    waves: defaultdict[int, list[Route]] = defaultdict(list)
    sends: Counter[str] = Counter()
    for route in routes:
        waves[sends[route.sender] // MAX_QUEUED].append(route)
        sends[route.sender] += 1
    return list(waves.values())


def _longest(routes: Sequence[Route], wait: float) -> float:
    """A sender's messages go one after the other, and each has its time."""
    most = max(Counter(route.sender for route in routes).values())
    return wait + (most - 1) * SUBMISSION_SECONDS


SUBMISSION_SECONDS = 2.0
"""What one message may take of the time of those behind it: a large provider answers in one."""


def _blind(trial: Trial, names: Sequence[str]) -> dict[str, WatchLost]:
    return {name: lost for name, lost in trial.onlooker.lost.items() if name in names}


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
