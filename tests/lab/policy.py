"""Rules that Postfix obeys at its next command (its policy delegation protocol)."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

Attributes = dict[str, str]
NO_OPINION = "DUNNO"


@dataclass
class Rule:
    """One fault: for which commands, what to answer, how often, and how slowly."""

    match: dict[str, str]
    """Policy attribute to regular expression; all must be found (SMTPD_POLICY_README)."""
    action: str = NO_OPINION
    """An access(5) action: ``550 5.1.1 text``, ``HOLD``, ``DISCARD``, ``PREPEND header``."""
    delay: float = 0.0
    """Seconds before the answer."""
    every: int = 1
    """Only every n-th match."""
    times: int | None = None
    """Only so many times, then never again."""
    greylist: float | None = None
    """Only within so many seconds of the first sight of client, sender and recipient."""
    matched: int = field(default=0, init=False)
    first_seen: dict[tuple[str, ...], float] = field(default_factory=dict, init=False)

    def applies(self, attributes: Attributes, now: float) -> bool:
        """Say whether this command is hit, and count it."""
        if self.times == 0 or not self._matches(attributes):
            return False
        self.matched += 1
        if self.matched % self.every or not self._still_grey(attributes, now):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _matches(self, attributes: Attributes) -> bool:
        return all(
            re.search(pattern, attributes.get(name, ""), re.IGNORECASE)
            for name, pattern in self.match.items()
        )

    def _still_grey(self, attributes: Attributes, now: float) -> bool:
        if self.greylist is None:
            return True
        triplet = tuple(attributes.get(n, "") for n in ("client_address", "sender", "recipient"))
        return now - self.first_seen.setdefault(triplet, now) < self.greylist


class PolicyServer:
    """Answers each policy request with the first rule that applies."""

    def __init__(self, decided: Callable[[Attributes, str], None]) -> None:
        self.rules: dict[int, Rule] = {}
        self._decided = decided

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one Postfix process; it ends the connection when it leaves."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = await reader.readuntil(b"\n\n")
                lines = request.decode("utf-8", "replace").splitlines()
                attributes = dict(line.split("=", 1) for line in lines if "=" in line)
                writer.write(f"action={await self._decide(attributes)}\n\n".encode())
                await writer.drain()
        writer.close()

    async def _decide(self, attributes: Attributes) -> str:
        now = asyncio.get_running_loop().time()
        for rule in list(self.rules.values()):
            if not rule.applies(attributes, now):
                continue
            await asyncio.sleep(rule.delay)
            if rule.action != NO_OPINION:
                self._decided(attributes, rule.action)
                return rule.action
        self._decided(attributes, NO_OPINION)
        return NO_OPINION
