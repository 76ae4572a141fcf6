"""What becomes of a message, decided by rules that can be set and lifted while the world runs."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# RFC 5321 §4.5.3.1.5: a reply line is at most 512 octets, with its code and line end.
_REPLY = re.compile(r"[45][0-5]\d [\x20-\x7e]{1,500}")


class Fate(StrEnum):
    """What happens to a message, or to a login."""

    DELIVER = "deliver"
    """Nothing unusual; an exception to a wider rule that was set before."""
    REFUSE = "refuse"
    """The submission server answers with an error."""
    HANG = "hang"
    """The submission server stops talking until the rule is lifted."""
    CUT = "cut"
    """The submission server resets the connection."""
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - the name of a fate, not a password
    """The sender's account is not let in, over SMTP or IMAP."""
    JUNK = "junk"
    """Stored in the recipient's junk folder."""
    DELAY = "delay"
    """Accepted by the recipient's provider, and stored there only later."""
    DELAY_NOTICE = "delay notice"
    """Deferred by the recipient's provider; the sender's says so in a notice, then delivers."""
    GREYLIST = "greylist"
    """Deferred once, accepted when it is tried again."""
    BOUNCE = "bounce"
    """Refused by the recipient's provider; the sender's returns it."""
    MAILBOX_FULL = "mailbox full"
    """As bounce, because the mailbox is over its quota."""
    BOUNCE_LATE = "bounce late"
    """Accepted by the recipient's provider, which returns it itself."""
    DROP = "drop"
    """Accepted by the recipient's provider, and gone."""
    DUPLICATE = "duplicate"
    """Stored twice."""


AT_SUBMISSION = frozenset({Fate.REFUSE, Fate.HANG, Fate.CUT})
AT_LOGIN = frozenset({Fate.WRONG_PASSWORD})
IN_TRANSIT = frozenset(Fate) - AT_SUBMISSION - AT_LOGIN


class Step(StrEnum):
    """Where in a submission a fate strikes."""

    GREETING = "greeting"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """After the message has been sent, before the reply to it."""


# What is not known yet when a step is reached, and so cannot be asked for.
_UNKNOWN_AT = {
    Step.GREETING: ("from_address", "to_provider", "to_address"),
    Step.AUTH: ("from_address", "to_provider", "to_address"),
    Step.MAIL: ("to_provider", "to_address"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fate, and the messages that it is for; an empty filter matches everything."""

    fate: Fate
    from_provider: str = ""
    from_address: str = ""
    to_provider: str = ""
    to_address: str = ""
    at: Step = Step.DATA
    """For refuse, hang and cut."""
    reply: str = ""
    """``550 5.1.1 <{recipient}> is unknown``; empty: the vendor's own words."""
    seconds: float = 2.0
    """For delay and delay notice."""
    kept: bool = True
    """For hang and cut after DATA: the message travels on, though nobody was told."""
    every: int = 1
    """Strikes each n-th message that matches."""
    count: int | None = None
    """Strikes this often, then never again."""
    until: float | None = None
    """Strikes before this moment of the world's clock."""

    def __post_init__(self) -> None:
        if self.reply and not _REPLY.fullmatch(self.reply):
            raise ValueError(f"not an SMTP error reply: {self.reply!r}")
        if self.every < 1 or self.seconds < 0:
            raise ValueError("every begins at 1, seconds at 0")
        if self.fate in AT_SUBMISSION:
            unknown = [name for name in _UNKNOWN_AT.get(self.at, ()) if getattr(self, name)]
            if unknown:
                raise ValueError(f"{', '.join(unknown)}: not known at the step {self.at}")

    def words(self, usual: str, recipient: str) -> str:
        """The reply to give: this rule's own, or else the vendor's usual one."""
        return (self.reply or usual).replace("{recipient}", recipient)


@dataclass(eq=False, slots=True)
class Active:
    """A rule in force."""

    rule: Rule
    _discard: Callable[["Active"], None]
    struck: int = 0
    """How often it was applied."""
    struck_once: asyncio.Event = field(default_factory=asyncio.Event)
    lifted: asyncio.Event = field(default_factory=asyncio.Event)
    _matched: int = 0

    def lift(self) -> None:
        """End it; who hangs because of it goes on. A second time does nothing."""
        if not self.lifted.is_set():
            self.lifted.set()
            self._discard(self)

    def strikes(self) -> bool:
        """Count one matching message, and say whether it is one that the rule is for."""
        self._matched += 1
        if self._matched % self.rule.every or self.struck == self.rule.count:
            return False
        self.struck += 1
        self.struck_once.set()
        return True


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a message or a login at the moment of decision."""

    sender: str
    """An address; before it is known, only ``@domain``."""
    recipient: str = ""
    step: Step | None = None


class Fates:
    """The rules in force. The one set last goes first."""

    def __init__(self, provider_of: Mapping[str, str], now: Callable[[], float]) -> None:
        self._provider_of = provider_of
        self._now = now
        self._active: list[Active] = []

    def set(self, rule: Rule) -> Active:
        """Put a rule in force until it is lifted."""
        active = Active(rule, self._active.remove)
        self._active.append(active)
        return active

    def lift_all(self) -> None:
        """End every rule."""
        for active in tuple(self._active):
            active.lift()

    @property
    def active(self) -> tuple[Active, ...]:
        """The rules in force, oldest first."""
        return tuple(self._active)

    def choose(self, among: Iterable[Fate], case: Case) -> Active | None:
        """The rule that strikes, or None for the usual course."""
        kinds = {*among, Fate.DELIVER}
        for active in reversed(self._active):
            if active.rule.fate in kinds and self._matches(active.rule, case) and active.strikes():
                return None if active.rule.fate is Fate.DELIVER else active
        return None

    def _matches(self, rule: Rule, case: Case) -> bool:
        if rule.until is not None and self._now() >= rule.until:
            return False
        if case.step is not None and rule.fate in AT_SUBMISSION and rule.at is not case.step:
            return False
        return (
            rule.from_provider in {"", self._provider(case.sender)}
            and rule.from_address in {"", case.sender}
            and rule.to_provider in {"", self._provider(case.recipient)}
            and rule.to_address in {"", case.recipient}
        )

    def _provider(self, address: str) -> str | None:
        return self._provider_of.get(address.rpartition("@")[2])
