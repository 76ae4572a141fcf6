"""When to kill: the moments of the campaign, each armed from outside the daemon."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.crash.victim import Victim
from tests.e2e.lab_config import LabConfig
from tests.lab.proxy import Direction, TcpProxy, Watch

PATIENCE = 8.0
"""Seconds that a moment is waited for; then the round is killed anyhow, and said to have missed
it. Each stage of a submission comes every second."""


@dataclass
class Scene:
    """What a moment works with."""

    daemon: Victim
    config: LabConfig
    proxies: dict[str, list[TcpProxy]]
    """``smtp`` and ``imap``: one for each provider."""
    chance: Random


class Moment(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """As the table says it."""

    async def launch(self, scene: Scene) -> None:
        """Start the daemon; it may die on the way up."""

    async def kill(self, scene: Scene) -> bool:
        """Kill the daemon, which is ready; False if the moment did not come."""

    def disarm(self, scene: Scene) -> None:
        """The round is over."""


class _Trap(Watch):
    """Acts in the moment in which a line crosses, before it is passed on."""

    def __init__(
        self, pattern: bytes, direction: Direction, after: int, act: Callable[[], None]
    ) -> None:
        super().__init__(pattern, direction)
        self._left = after
        self._act = act

    def see(self, direction: Direction, crossing: object) -> None:
        """Count; the last one springs it."""
        seen = len(self.crossings)
        super().see(direction, crossing)  # type: ignore[arg-type]
        if len(self.crossings) > seen:
            self._left -= 1
            if self._left == 0:
                self._act()


@dataclass(frozen=True)
class _Plain:
    """A moment of a daemon that came up unharmed."""

    name: str

    async def launch(self, scene: Scene) -> None:
        await scene.daemon.launch()

    def disarm(self, scene: Scene) -> None:
        """Nothing was laid."""


@dataclass(frozen=True)
class AtRandom(_Plain):
    """Some time after it was ready."""

    name: str = "at random"

    async def kill(self, scene: Scene) -> bool:
        await asyncio.sleep(scene.chance.uniform(0, 2.5))  # the moment is what is tested
        scene.daemon.strike()
        return True


@dataclass(frozen=True)
class OnTheWayUp(_Plain):
    """Before it was ready: while it takes over what the last one left behind."""

    name: str = "on the way up"

    async def launch(self, scene: Scene) -> None:
        await scene.daemon.launch()
        if not await scene.daemon.buried(scene.chance.uniform(0.3, 2.0)):
            scene.daemon.strike()
            await scene.daemon.buried(PATIENCE)

    async def kill(self, scene: Scene) -> bool:
        return scene.daemon.dead


@dataclass(frozen=True)
class InReload(_Plain):
    """Shortly after a SIGHUP with a config in which a mailbox went or came."""

    name: str = "in a reload"

    async def kill(self, scene: Scene) -> bool:
        boxes = scene.config.document["mailboxes"]
        taken = boxes.pop(scene.chance.randrange(len(boxes)))
        scene.config.write()
        scene.daemon.hang_up()
        await asyncio.sleep(scene.chance.uniform(0, 0.3))
        scene.daemon.strike()
        boxes.append(taken)
        scene.config.write()
        return True


@dataclass(frozen=True)
class OnTheWire(_Plain):
    """When a line crosses; a line of the daemon still reaches the server."""

    wire: str
    pattern: bytes
    direction: Direction
    patience: float = PATIENCE
    from_the_start: bool = False
    """The line belongs to a new connection."""

    async def launch(self, scene: Scene) -> None:
        if self.from_the_start:
            self._arm(scene)
        await scene.daemon.launch()

    async def kill(self, scene: Scene) -> bool:
        if not self.from_the_start:
            self._arm(scene)
        return await scene.daemon.buried(self.patience)

    def disarm(self, scene: Scene) -> None:
        """Let lines pass again."""
        for proxy in scene.proxies[self.wire]:
            proxy.forget_watches()

    def _arm(self, scene: Scene) -> None:
        after = scene.chance.randint(1, 4)
        trap = _Trap(self.pattern, self.direction, after, scene.daemon.strike)
        for proxy in scene.proxies[self.wire]:
            proxy.add(trap)


@dataclass(frozen=True)
class InTheJournal(_Plain):
    """On entering a system call that writes the journal."""

    call: str
    most: int

    async def kill(self, scene: Scene) -> bool:
        tracer = await scene.daemon.traced(self.call, scene.chance.randint(1, self.most))
        died = await scene.daemon.buried(PATIENCE)
        scene.daemon.strike()
        await tracer.wait()
        return died


TO, FROM = Direction.TO_SERVER, Direction.TO_CLIENT


def _smtp(
    name: str, pattern: bytes, direction: Direction = TO, *, from_the_start: bool = False
) -> OnTheWire:
    return OnTheWire(f"smtp: {name}", "smtp", pattern, direction, from_the_start=from_the_start)


def _imap(
    name: str, pattern: bytes, direction: Direction = TO, patience: float = PATIENCE
) -> OnTheWire:
    return OnTheWire(f"imap: {name}", "imap", pattern, direction, patience)


REMOVAL = 45.0
"""Seconds until mail is removed: housekeeping comes round every 30."""

MOMENTS: tuple[Moment, ...] = (
    AtRandom(),
    OnTheWayUp(),
    InReload(),
    _smtp("EHLO", rb"^EHLO", from_the_start=True),
    _smtp("AUTH", rb"^AUTH", from_the_start=True),
    _smtp("MAIL FROM", rb"^MAIL FROM"),
    _smtp("RCPT TO", rb"^RCPT TO"),
    _smtp("DATA", rb"^DATA"),
    _smtp("354", rb"^354", FROM),
    _smtp("the final dot", rb"^\.$"),
    _smtp("queued as", rb"^250 .*queued as", FROM),
    _imap("IDLE", rb"^\S+ IDLE$"),
    _imap("EXISTS", rb"^\* \d+ EXISTS", FROM),
    _imap("asking for a header", rb"^\S+ UID FETCH .*HEADER"),
    _imap("the header", rb"^\* \d+ FETCH .*HEADER", FROM),
    InTheJournal("before a frame or page", "pwrite64", 60),
    InTheJournal("before a sync", "fdatasync", 12),
)

REMOVALS: tuple[Moment, ...] = (
    _imap("STORE", rb"^\S+ UID STORE", TO, REMOVAL),
    _imap("EXPUNGE", rb"^\S+ UID EXPUNGE", TO, REMOVAL),
    _imap("EXPUNGE's answer", rb"^\S+ OK .*[Ee]xpunge", FROM, REMOVAL),
)
"""They take half a minute each, and so come seldom."""


def chosen(number: int, chance: Random, *, removals: bool = True) -> list[Moment]:
    """So many moments in random order, each as often as the others, removals a third as often."""
    deck: list[Moment] = []
    while len(deck) < number:
        hand = [*MOMENTS]
        if removals:
            hand.append(chance.choice(REMOVALS))
        chance.shuffle(hand)
        deck += hand
    return deck[:number]
