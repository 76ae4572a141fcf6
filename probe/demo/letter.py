"""A message on its way, and the trace that each server leaves on it."""

from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Self

from probe.demo import trace
from probe.demo.provider import Provider


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one recipient."""

    origin: Provider
    sender: str
    """Empty for a notice (RFC 5321 §4.5.5)."""
    recipient: str
    content: bytes
    """As it is now, with the trace fields of the servers that it has passed."""
    queue_id: str
    message_id: str
    accepted_at: datetime
    held_by: str = ""
    """The name of the server that has it, or had it last; empty if it was written here."""
    held_at: str = ""
    """Its address."""
    copied: bool = False
    """Its sender's provider may keep a copy."""

    def taken(
        self, by: Provider, role: str, protocol: str, at: datetime, queue_id: str = ""
    ) -> Self:
        """After one more server took it over: a Received field on top (RFC 5321 §4.4)."""
        stamp = trace.Stamp(
            by=by.vendor.host(role),
            at=at,
            queue_id=queue_id or self.queue_id,
            recipient=self.recipient,
            protocol=protocol,
            from_name=self.held_by,
            from_address=self.held_at,
        )
        marked = self.marked(by.vendor.received(stamp))
        return replace(marked, held_by=stamp.by, held_at=by.vendor.address)

    def marked(self, field: str) -> Self:
        """With a field on top."""
        return replace(self, content=trace.prepend(field, self.content))


def header_bytes(content: bytes) -> bytes:
    """The header section with its last line end (RFC 5322 §2.1)."""
    header, _, _ = content.partition(b"\r\n\r\n")
    return header + b"\r\n"


def header(content: bytes) -> Message:
    """The header section, parsed."""
    return BytesHeaderParser().parsebytes(header_bytes(content))


def message_id(content: bytes) -> str:
    """The Message-ID field's value; empty where there is none."""
    return str(header(content)["Message-ID"] or "").strip()
