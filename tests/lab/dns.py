"""A small authoritative DNS server (RFC 1035), whose zones and faults can be changed at once."""

import asyncio
import ipaddress
import struct
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, cast

Zones = dict[str, dict[str, list[str]]]
"""Name to record type to values in presentation form: ``{"alpha.test": {"MX": ["10 mx..."]}}``."""

TYPES = {1: "A", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
TTL = 0
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class DnsFault(StrEnum):
    """How a name can fail to resolve."""

    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    SILENT = "silent"


class Question(NamedTuple):
    """What was asked, and the octets that asked it (RFC 1035 §4.1.2)."""

    name: str
    rtype: str
    octets: bytes


class DnsServer(asyncio.DatagramProtocol):
    """Answers from ``zones`` over UDP; ``faults`` maps names to ways to fail."""

    def __init__(self, zones: Zones, asked: Callable[[str, str], None]) -> None:
        self.zones = zones
        self.faults: dict[str, DnsFault] = {}
        self._asked = asked

    async def listen(self, address: str, port: int = 53) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, port))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: asyncio's own class is none of its interface before Python 3.13.
        self._udp = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        reply = self.answer(data)
        if reply is not None:
            self._udp.sendto(reply, addr)

    def answer(self, query: bytes) -> bytes | None:
        """Return the reply to a query, or None to stay silent."""
        question = _read_question(query)
        self._asked(question.name, question.rtype)
        fault = self.faults.get(question.name)
        if fault is DnsFault.SILENT:
            return None
        if fault is DnsFault.SERVFAIL:
            return _reply(query, question, SERVFAIL, [])
        records = self.zones.get(question.name)
        if fault is DnsFault.NXDOMAIN or records is None:
            return _reply(query, question, NXDOMAIN, [])
        values = records.get(question.rtype, [])
        return _reply(query, question, NOERROR, [_RDATA[question.rtype](v) for v in values])


def _read_question(query: bytes) -> Question:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    (rtype,) = struct.unpack_from(">H", query, at + 1)
    name = ".".join(labels).lower()
    return Question(name, TYPES.get(rtype, str(rtype)), query[12 : at + 5])


def _reply(query: bytes, question: Question, code: int, answers: list[bytes]) -> bytes:
    # Response, authoritative, recursion available (RFC 1035 §4.1.1).
    header = query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(answers), 0, 0)
    rtype_and_class = question.octets[-4:]
    body = b"".join(
        b"\xc0\x0c" + rtype_and_class + struct.pack(">IH", TTL, len(rdata)) + rdata
        for rdata in answers
    )
    return header + question.octets + body


def _encode_name(name: str) -> bytes:
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _encode_mx(value: str) -> bytes:
    preference, _, exchange = value.partition(" ")
    return struct.pack(">H", int(preference)) + _encode_name(exchange)


def _encode_txt(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _encode_address(value: str) -> bytes:
    return ipaddress.ip_address(value).packed


_RDATA: dict[str, Callable[[str], bytes]] = {
    "A": _encode_address,
    "AAAA": _encode_address,
    "MX": _encode_mx,
    "PTR": _encode_name,
    "TXT": _encode_txt,
}
