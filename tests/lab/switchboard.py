"""The part of the lab that can be switched: one process with DNS, policy, routes and control.

It is also the lab's lock: it binds the lab's addresses before anything else starts, so of
two labs in one network namespace the second one learns here who was first.
"""

import asyncio
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.lab import addresses
from tests.lab.dns import DnsFault, DnsServer
from tests.lab.policy import Attributes, PolicyServer, Rule
from tests.lab.routes import RouteServer

EVENTS_KEPT = 50_000
"""A thousand round trips make about ten thousand."""

OCCUPIED = 3
"""Exit code: somebody else has the lab's addresses."""


class Switchboard:
    """The faults in force, and the operations of the control connection."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._numbers = itertools.count(1)
        self._events: deque[dict[str, str]] = deque(maxlen=EVENTS_KEPT)
        self.dns = DnsServer(addresses.zones(), self._asked)
        self.policy = PolicyServer(self._decided)
        self.routes = RouteServer()
        self._operations: dict[str, Callable[..., Any]] = {
            "who": lambda: {"base": self._base, "pid": os.getpid()},
            "add_rule": self._add_rule,
            "lift_rule": lambda number: self.policy.rules.pop(number, None) and None,
            "route": self._route,
            "fail_name": self._fail_name,
            "set_records": self._set_records,
            "reset": self._reset,
            "events": lambda: list(self._events),
        }

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one control connection: a JSON object a line, ``{"do": ..., arguments}``."""
        with suppress(ConnectionError):
            while line := await reader.readline():
                request = json.loads(line)
                result = self._operations[request.pop("do")](**request)
                writer.write(json.dumps(result).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _add_rule(self, rule: dict[str, Any]) -> int:
        number = next(self._numbers)
        self.policy.rules[number] = Rule(**rule)
        return number

    def _route(self, at: str, key: str, transport: str | None) -> None:
        routes = self.routes.routes.setdefault(at, {})
        routes.pop(key, None)
        if transport is not None:
            routes[key] = transport

    def _fail_name(self, name: str, fault: str | None) -> None:
        self.dns.faults.pop(name, None)
        if fault is not None:
            self.dns.faults[name] = DnsFault(fault)

    def _set_records(self, name: str, records: dict[str, list[str]]) -> None:
        self.dns.zones[name] = records

    def _reset(self) -> None:
        self.policy.rules.clear()
        self.routes.routes.clear()
        self.dns.faults.clear()
        self.dns.zones = addresses.zones()
        self._events.clear()

    def _asked(self, name: str, rtype: str) -> None:
        self._events.append({"kind": "dns", "name": name, "type": rtype})

    def _decided(self, attributes: Attributes, action: str) -> None:
        kept = ("policy_context", "protocol_state", "sender", "recipient", "queue_id")
        seen = {name: attributes.get(name, "") for name in kept}
        self._events.append({"kind": "policy", "action": action, **seen})


async def main(base: str) -> None:
    """Open all doors, say so, and serve until killed."""
    board = Switchboard(base)
    doors = (
        (addresses.CONTROL_PORT, board.control),
        (addresses.POLICY_PORT, board.policy.serve),
        (addresses.ROUTES_PORT, board.routes.serve),
    )
    try:
        for port, serve in doors:
            await asyncio.start_server(serve, addresses.SWITCHBOARD, port, backlog=1024)
        await board.dns.listen(addresses.RESOLVER)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(OCCUPIED)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
