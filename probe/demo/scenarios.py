"""What happens to the world while somebody watches: scenarios as data, and who plays them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count

from probe.demo.fates import Active, Fate, Rule
from probe.demo.provider import Part
from probe.demo.world import World


@dataclass(frozen=True, slots=True)
class Begin:
    """Put a rule in force, under a name."""

    name: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class End:
    """Lift the rule of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Take parts of a provider out of operation; all of them if none is named."""

    provider: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Put a provider into full operation."""

    provider: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Stop pushing over IMAP."""

    provider: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Push again."""

    provider: str


Action = Begin | End | Stop | Start | Silence | Speak


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happens."""

    at: float
    """Seconds from the beginning."""
    say: str
    """One sentence for who watches."""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A short story. Its last moment leaves the world as the first one found it."""

    name: str
    title: str
    moments: tuple[Moment, ...]
    length: float
    """Seconds until it may begin again."""


# A minute of good mail, so that there is a baseline; two minutes of trouble, which is a few
# probes on each route; a minute to see it end.
_TROUBLE, _RECOVERY, _LENGTH = 60.0, 180.0, 240.0
_EVERYBODY = ("northmail", "bluepost", "harbor")


def _story(name: str, title: str, begins: str, actions: tuple[Action, ...], ends: str) -> Scenario:
    """The usual shape: all is well, then something is wrong, then it is mended."""
    moments = (
        Moment(0.0, "All three vendors deliver."),
        Moment(_TROUBLE, begins, actions),
        Moment(_RECOVERY, ends, tuple(_undo(action) for action in reversed(actions))),
    )
    return Scenario(name, title, moments, _LENGTH)


def _undo(action: Action) -> Action:
    match action:
        case Begin(name):
            return End(name)
        case Stop(provider):
            return Start(provider)
        case Silence(provider):
            return Speak(provider)
        case _:
            raise ValueError(f"nothing undoes {action}")


_ALL = (
    _story(
        "vendor-bounces",
        "A vendor answers every sender that the recipient does not exist",
        "Bluepost answers 550 5.1.1 to everyone, for mailboxes that exist.",
        (Begin("bounce", Rule(
            fate=Fate.BOUNCE,
            to_provider="bluepost",
            reply="550 5.1.1 <{recipient}>: Recipient address rejected",
        )),),
        "Bluepost has mended it: mail is taken again.",
    ),
    _story(
        "outage",
        "A vendor is gone",
        "Harbor is down: nothing submits there, nothing is read, mail to it waits.",
        (Stop("harbor"),),
        "Harbor is back, and what waited arrives late.",
    ),
    _story(
        "junk",
        "A vendor's mail lands in junk",
        "Bluepost takes Northmail for a spammer: its mail goes to the Spam folder.",
        (Begin("junk", Rule(
            fate=Fate.JUNK, from_provider="northmail", to_provider="bluepost",
        )),),
        "Bluepost trusts Northmail again.",
    ),
    _story(
        "silent-loss",
        "Mail is accepted and never seen again",
        "Harbor accepts what Northmail sends, and it never arrives. Nobody is told.",
        (Begin("drop", Rule(
            fate=Fate.DROP, from_provider="northmail", to_provider="harbor",
        )),),
        "Harbor stores what it accepts again.",
    ),
    _story(
        "slow",
        "A vendor takes its time",
        "Harbor accepts mail at once and shows it only 20 seconds later.",
        (Begin("delay", Rule(fate=Fate.DELAY, to_provider="harbor", seconds=20.0)),),
        "Harbor is as fast as ever.",
    ),
    _story(
        "blocked",
        "A vendor is listed as a source of spam",
        "Bluepost was abused by spammers: everybody else refuses its mail.",
        tuple(Begin(f"blocked at {name}", Rule(
            fate=Fate.BOUNCE,
            from_provider="bluepost",
            to_provider=name,
            reply="554 5.7.1 Service unavailable; Client host [198.51.100.25] blocked "
            "using zen.blocklist.test",
        )) for name in ("northmail", "harbor")),
        "Bluepost is off the block list.",
    ),
    _story(
        "mailbox-full",
        "One mailbox is over its quota",
        "The mailbox a@northmail.test is full.",
        (Begin("full", Rule(fate=Fate.MAILBOX_FULL, to_address="a@northmail.test")),),
        "Somebody has tidied a@northmail.test.",
    ),
    _story(
        "password",
        "One of our own passwords no longer works",
        "Somebody changed the password of a@bluepost.test and did not tell us.",
        (Begin("password", Rule(fate=Fate.WRONG_PASSWORD, from_address="a@bluepost.test")),),
        "The old password of a@bluepost.test works again.",
    ),
    _story(
        "hush",
        "A vendor stops telling us of new mail",
        "Northmail's IMAP server answers commands and pushes nothing.",
        (Silence("northmail"),),
        "Northmail pushes again.",
    ),
    _story(
        "our-network",
        "We are offline ourselves",
        "Our own line is down: no vendor can be reached, while mail between them goes on.",
        tuple(Stop(name, (Part.SMTP, Part.IMAP)) for name in _EVERYBODY),
        "Our line is up again.",
    ),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
DEFAULT = "vendor-bounces"

Sleep = Callable[[float], Awaitable[None]]


async def play(
    world: World,
    scenario: Scenario,
    say: Callable[[str], None],
    *,
    rounds: int | None = 1,
    speed: float = 1.0,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Play a scenario, again and again if ``rounds`` is None. It leaves no trouble behind."""
    begun: dict[str, Active] = {}
    try:
        for turn in count(1):
            elapsed = 0.0
            for moment in scenario.moments:
                await sleep((moment.at - elapsed) / speed)
                elapsed = moment.at
                for action in moment.actions:
                    await _perform(world, action, begun)
                say(moment.say)
            if turn == rounds:
                return
            await sleep((scenario.length - elapsed) / speed)
    finally:
        for active in begun.values():
            active.lift()
        for provider in world.providers.values():
            provider.store.speak()
            await provider.start()


async def _perform(world: World, action: Action, begun: dict[str, Active]) -> None:
    match action:
        case Begin(name, rule):
            begun[name] = world.fates.set(rule)
        case End(name):
            begun.pop(name).lift()
        case Stop(provider, parts):
            await world.providers[provider].stop(*parts)
        case Start(provider):
            await world.providers[provider].start()
        case Silence(provider):
            world.providers[provider].store.silence()
        case Speak(provider):
            world.providers[provider].store.speak()
