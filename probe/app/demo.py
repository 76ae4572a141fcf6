"""``mailprobe demo``: the whole product on an embedded mail world."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from probe.app.serve import serving
from probe.config.settings import MailboxSettings, Retention, Settings, WebSettings
from probe.core.mailbox import Route
from probe.core.mesh import by_provider
from probe.demo.scenarios import SCENARIOS, play
from probe.demo.world import World

# Minutes become seconds, so that a story is over while somebody watches.
INTERVAL = 6.0
DELAYED_AFTER = 10.0
LOST_AFTER = 40.0

Say = Callable[[str], None]


async def demo(
    scenario: str, web: WebSettings, seconds: float | None, say: Say, speed: float = 1.0
) -> None:
    """Run the daemon against the world, play the scenario over and over.

    Args:
        scenario: a name of SCENARIOS.
        web: where the page listens; port 0 for any free one.
        seconds: end after this; None: when a signal says so.
        say: told each sentence for the person who watches.
        speed: so many times as fast as the scenario is written.
    """
    with tempfile.TemporaryDirectory(prefix="mailprobe-demo-") as directory:
        async with World.open(directory=Path(directory)) as world:
            settings = _settings(world, Path(directory), web)
            async with serving(settings) as served:
                say(f"Open {served.address} in a browser; Ctrl-C ends the demo.")
                async with asyncio.TaskGroup() as group:
                    story = group.create_task(
                        play(world, SCENARIOS[scenario], say, rounds=None, speed=speed)
                    )
                    with suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await served.stopping.wait()
                    story.cancel()
                say("Ending the demo.")


def _settings(world: World, directory: Path, web: WebSettings) -> Settings:
    mailboxes: tuple[MailboxSettings, ...] = world.mailboxes
    pairs = by_provider([box.mailbox for box in mailboxes])
    return Settings(
        path=directory / "demo.yml",
        msp="mailprobe demo",
        journal=directory / "demo.db",
        web=web,
        retention=Retention(mail=120.0),
        mailboxes={box.mailbox.id: box for box in mailboxes},
        routes=tuple(Route(*pair, INTERVAL, DELAYED_AFTER, LOST_AFTER) for pair in pairs),
    )
