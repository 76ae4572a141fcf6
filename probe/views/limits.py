"""How many connections and requests one peer may have; pure bookkeeping, bounded."""

import ipaddress
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

MOST_CONNECTIONS = 64
"""In all. Prometheus keeps one and a browser six; with TLS each takes 300 kB, so 19 MB at most."""

MOST_OF_ONE_PEER = 32
"""Half of all, so that one peer cannot shut the others out. A proxy in front is one peer."""

PER_SECOND = 20.0
"""Requests of one peer, lastingly. A page with its style and script is three, a scrape is one;
what all browsers behind one proxy ask for is far less."""

BURST = 100.0
"""Requests of one peer at once: a person who opens thirty pages in tabs."""

LOGIN_COST = 10.0
"""Tokens for a password that must be hashed, 50 to 200 ms of a CPU: two a second for one peer."""

PEERS_KNOWN = 1024
"""Buckets kept, 200 bytes each. Beyond, the peer that was silent for longest is forgotten."""


def peer_of(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that one IPv6 host has for itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


class Crowd:
    """Counts the connections."""

    def __init__(self, most: int = MOST_CONNECTIONS, of_one: int = MOST_OF_ONE_PEER) -> None:
        self._most, self._of_one = most, of_one
        self._inside: Counter[str] = Counter()

    def enter(self, peer: str) -> bool:
        """Whether there is room; who is let in must leave."""
        if self._inside.total() >= self._most or self._inside[peer] >= self._of_one:
            return False
        self._inside[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        """One connection of this peer has ended."""
        self._inside[peer] -= 1
        if not self._inside[peer]:
            del self._inside[peer]


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    per_second: float
    burst: float
    at: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Whether so many were there; they are taken."""
        self.level = min(self.burst, self.level + (now - self.at) * self.per_second)
        self.at = now
        if self.level < tokens:
            return False
        self.level -= tokens
        return True


class Pace:
    """A bucket for each peer."""

    def __init__(self, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        self._per_second, self._burst = per_second, burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, peer: str, now: float, tokens: float = 1.0) -> bool:
        """Whether this peer may go on."""
        bucket = self._buckets.get(peer)
        if bucket is None:
            bucket = self._buckets[peer] = Bucket(self._per_second, self._burst, now)
        self._buckets.move_to_end(peer)
        if len(self._buckets) > PEERS_KNOWN:
            self._buckets.popitem(last=False)
        return bucket.take(now, tokens)
