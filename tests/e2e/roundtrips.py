"""Round trips on the real lab, measured from outside: the figures of our own exactness.

Every mailbox is watched through a proxy on a plaintext session, so that the moment at which the
server's push crossed the wire is known, and the server's Maildir tells when it stored.

    python -m tests.e2e.roundtrips [NUMBER]
"""

import asyncio
import os
import platform
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from probe.core.facts import gather
from probe.core.match import Ours, match
from probe.journal.identity import load
from probe.journal.records import History
from tests.e2e.daemon import sighting
from tests.e2e.lab_config import LabConfig
from tests.lab.addresses import IMAP
from tests.lab.proxy import TcpProxy, Watch
from tests.lab.world import Lab

USERS = ("monitor", "user1")
"""Two mailboxes at each of three providers: twelve routes, a round trip a second on each."""


@dataclass(frozen=True)
class Figures:
    """What a campaign has shown. Times in seconds."""

    outcomes: Counter[str]
    pairs: int
    """Directed provider pairs with at least one delivered probe."""
    from_push: list[float]
    """From the push on the wire to our time of the sighting, ascending."""
    from_store: list[float]
    """From the server's store time to our time of the sighting, ascending."""

    @property
    def push_p99(self) -> float:
        """The 99th percentile."""
        return self.from_push[int(len(self.from_push) * 0.99)]

    def __str__(self) -> str:
        def row(name: str, values: list[float]) -> str:
            p99 = values[int(len(values) * 0.99)]
            cells = (values[0], median(values), p99, values[-1])
            return f"{name:24}" + "".join(f"{value * 1000:10.2f}" for value in cells)

        machine = platform.processor() or platform.machine()
        return "\n".join(
            (
                f"{os.cpu_count()} cores {machine}, Python {platform.python_version()}",
                f"outcomes: {dict(self.outcomes)}, over {self.pairs} provider pairs",
                f"{'milliseconds':24}" + "".join(f"{c:>10}" for c in ("min", "p50", "p99", "max")),
                row("push to sighting", self.from_push),
                row("store to sighting", self.from_store),
            )
        )


async def measure(lab: Lab, directory: Path, number: int) -> Figures:
    """Run until so many probes are concluded, then compare with what the wire and disk saw."""
    config = LabConfig(lab, directory, users=USERS)
    config.document["routes"] = {"mesh": "providers"}
    pushes: dict[str, Watch] = {}
    async with AsyncExitStack() as stack:
        for mailbox in config.document["mailboxes"]:
            proxy = await stack.enter_async_context(TcpProxy(mailbox["imap"]["host"], IMAP))
            pushes[mailbox["id"]] = proxy.watch(rb"^\* \d+ EXISTS")
            mailbox["imap"] |= {"host": proxy.host, "port": proxy.port, "tls": "plain"}
        daemon = await stack.enter_async_context(config.daemon())
        await daemon.concluded(number, seconds=60 + number / 2)
        assert await daemon.stop() == 0
        await config.finish(daemon)
    return _figures(lab, daemon.journal, daemon.histories(), pushes)


def _figures(
    lab: Lab, journal: Path, histories: list[History], pushes: dict[str, Watch]
) -> Figures:
    stored = _stored(lab, journal)
    crossed = {name: sorted(c.at for c in watch.crossings) for name, watch in pushes.items()}
    from_push, from_store, pairs = [], [], set()
    for history in histories:
        probe = history.probe
        if not gather(probe, history.events).sightings:
            continue
        seen = sighting(history)
        pairs.add((probe.sender_provider, probe.recipient_provider))
        times = crossed[probe.recipient]
        if seen.at == seen.not_before:  # pushed
            # The nearest, and not the last one before: where the proxy and the daemon took the
            # time in the same moment, the order of the two readings says nothing.
            from_push.append(min((seen.at - at for at in times), key=abs))
        from_store.append(seen.at - stored[probe.id])
    outcomes = Counter(str(history.verdict.outcome) for history in histories)
    return Figures(outcomes, len(pairs), sorted(from_push), sorted(from_store))


def _stored(lab: Lab, journal: Path) -> dict[str, float]:
    """When the servers stored the first copy of each probe, by their own file names."""
    signer = load(journal)
    assert signer is not None
    found: dict[str, float] = {}
    for provider in (lab.alpha, lab.beta, lab.gamma):
        for message in (m for user in USERS for m in provider.maildir(user).messages()):
            matched = match(message.octets.partition(b"\n\n")[0], None, signer)
            if isinstance(matched, Ours):
                found.setdefault(matched.token.probe, message.stored_at)
    return found


async def _main(number: int) -> None:
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory() as ours:
        lab = Lab(Path(base), users=1)
        lab.start()
        try:
            print(await measure(lab, Path(ours), number))  # noqa: T201 - a command for people
        finally:
            lab.stop()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
