"""How long a start takes with a long past: ``python -m tests.crash.start [PROBES]``.

From the process's beginning to the loops running and the pages up (``daemon.started``), and to
the first probe (``daemon.ready``), which waits for every mailbox to be logged in to.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from probe.journal import probes
from probe.journal.store import connect
from tests.crash.victim import Victim
from tests.e2e.daemon import until
from tests.e2e.lab_config import LabConfig
from tests.lab.isolation import enter_own_network, why_impossible
from tests.lab.world import Lab
from tests.makers import START, a_probe, accepted, seen

STARTS = 5
IN_FLIGHT = 1000
"""Of the probes of the past: what an hour's outage leaves open."""


@dataclass
class Start:
    """Seconds from the process's beginning."""

    started: float
    ready: float


def past(path: Path, number: int) -> None:
    """A journal with so many probes, the last of them in flight, as if written yesterday."""
    age = time.time() - START - 86_400  # noqa: TID251 - so that no deadline is in the future
    connection = connect(path)
    connection.execute("BEGIN")
    for n in range(number):
        probe = a_probe(n, planned_at=START + age + n * 0.1)
        probes.open_probe(connection, probe)
        probes.record(connection, probe.id, accepted(age + n * 0.1), START + age, None)
        if n < number - IN_FLIGHT:
            probes.record(connection, probe.id, seen(age + n * 0.1 + 2), START + age, None)
    connection.execute("COMMIT")
    connection.close()


async def starts(lab: Lab, directory: Path, number: int) -> list[Start]:
    """Start and kill, a few times."""
    config = LabConfig(lab, directory)
    past(directory / "journal.db", number)
    found = []
    for _ in range(STARTS):
        daemon = Victim(config.write(), config.port)
        daemon.log.unlink(missing_ok=True)
        began = time.monotonic()
        await daemon.launch()
        started = await _logged(daemon, "daemon.started", began)
        ready = await _logged(daemon, "daemon.ready", began)
        found.append(Start(started, ready))
        await daemon.kill()
    return found


async def _logged(daemon: Victim, event: str, began: float) -> float:
    async def there() -> bool:
        return event in daemon.log.read_text()

    await until(there, event, daemon.log.read_text)
    return time.monotonic() - began


async def _main(number: int) -> None:
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory() as ours:
        lab = Lab(Path(base))
        lab.start()
        try:
            found = await starts(lab, Path(ours), number)
        finally:
            lab.stop()
    for name in ("started", "ready"):
        values = [getattr(start, name) for start in found]
        words = f"{number} probes, {name}: p50 {median(values):.2f} s, max {max(values):.2f} s"
        print(words)  # noqa: T201 - a command for people


if __name__ == "__main__":
    if reason := why_impossible():
        sys.exit(reason)
    enter_own_network()
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
