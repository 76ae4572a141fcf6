"""What tests can break: a typed client of the switchboard.

A fault acts on the next command, without a reload. Each call returns a `Fault`, which ends
with `lift()` or with its `with` block; `lab.reset()` lifts whatever is left.
"""

import json
import socket
from collections.abc import Callable
from typing import Any, Literal, Self

from tests.lab import addresses
from tests.lab.dns import DnsFault

PATIENCE = 10.0
"""Seconds; the switchboard answers in about one millisecond."""

Stage = Literal["submission", "mx"]
State = Literal["RCPT", "DATA", "END-OF-MESSAGE"]


class Fault:
    """A fault in force."""

    def __init__(self, lift: Callable[[], object]) -> None:
        self._lift = lift

    def lift(self) -> None:
        self._lift()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lift()


class Faults:
    """Breaks the mail world in named ways."""

    def __init__(self, forget_routes: Callable[[str], None] = lambda _: None) -> None:
        self._forget_routes = forget_routes
        """Makes a provider's Postfix look again where mail goes: it remembers for 30 s."""
        self._rerouted: set[str] = set()

    def refuse(
        self,
        *,
        at: str,
        stage: Stage = "mx",
        code: int = 550,
        enhanced: str = "5.7.1",
        text: str = "Refused by the lab",
        state: State = "RCPT",
        **when: Any,
    ) -> Fault:
        """Answer 4xx or 5xx to a command at a provider's MX or submission.

        ``when`` narrows it: sender, recipient (regular expressions), every, times, delay.
        """
        return self._rule(at, stage, f"{code} {enhanced} {text}", state=state, **when)

    def greylist(self, *, at: str, seconds: float, **when: Any) -> Fault:
        """Refuse first contacts for a while, as a cautious MX does."""
        action = "450 4.7.1 Greylisted, come back later"
        return self._rule(at, "mx", action, greylist=seconds, **when)

    def slow(self, *, at: str, seconds: float, stage: Stage = "mx", **when: Any) -> Fault:
        """Wait before each answer, which then is a normal one."""
        return self._rule(at, stage, "DUNNO", delay=seconds, **when)

    def junk(self, *, at: str, **when: Any) -> Fault:
        """Mark mail as spam at the MX; the provider's sieve files it into Junk."""
        return self._rule(at, "mx", "PREPEND X-Spam-Flag: YES", **when)

    def discard(self, *, at: str, stage: Stage = "mx", **when: Any) -> Fault:
        """Accept mail with 250 and lose it silently."""
        return self._rule(at, stage, "DISCARD the lab loses it", **when)

    def hold(self, *, at: str, stage: Stage = "submission", **when: Any) -> Fault:
        """Keep mail in the queue until `Postfix.release_held`."""
        return self._rule(at, stage, "HOLD by the lab", **when)

    def route(self, *, at: str, to: str, transport: str) -> Fault:
        """Send a provider's mail for an address, a domain or ``*`` by another transport(5)."""
        self._route(at, to, transport)
        return Fault(lambda: self._route(at, to, None))

    def _route(self, at: str, to: str, transport: str | None) -> None:
        self.ask("route", at=at, key=to, transport=transport)
        self._rerouted.add(at)
        self._forget_routes(at)

    def link_down(self, *, at: str, to: str) -> Fault:
        """Let a provider's mail for a domain wait in its queue: its connections are refused."""
        return self.route(at=at, to=to, transport=f"smtp:[{addresses.NOBODY_LISTENS}]")

    def dns(self, name: str, fault: DnsFault) -> Fault:
        """Let a name fail to resolve."""
        self.ask("fail_name", name=name, fault=fault)
        return Fault(lambda: self.ask("fail_name", name=name, fault=None))

    def records(self, name: str, **records: list[str]) -> None:
        """Replace the DNS records of a name, until `reset`."""
        self.ask("set_records", name=name, records=records)

    def events(self, kind: Literal["dns", "policy"]) -> list[dict[str, str]]:
        """Return what the servers asked since the last reset, oldest first."""
        return [event for event in self.ask("events") if event["kind"] == kind]

    def reset(self) -> None:
        """Lift all faults and forget all events."""
        self.ask("reset")
        for provider in self._rerouted:
            self._forget_routes(provider)
        self._rerouted.clear()

    def _rule(
        self,
        at: str,
        stage: Stage,
        action: str,
        *,
        state: State = "RCPT",
        sender: str = "",
        recipient: str = "",
        **rule: Any,
    ) -> Fault:
        match = {
            "policy_context": f"^{at}-{stage}$",
            "protocol_state": f"^{state}$",
            "sender": sender,
            "recipient": recipient,
        }
        number = self.ask("add_rule", rule={"match": match, "action": action, **rule})
        return Fault(lambda: self.ask("lift_rule", number=number))

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Do one operation at the switchboard."""
        door = (addresses.SWITCHBOARD, addresses.CONTROL_PORT)
        with socket.create_connection(door, PATIENCE) as connection:
            connection.sendall(json.dumps({"do": operation, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                return json.loads(answers.readline())
