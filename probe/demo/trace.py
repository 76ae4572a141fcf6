"""Trace fields as vendors write them: Received, Return-Path, Authentication-Results."""

import datetime as dt
import email.utils
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one server knows when it takes a message over (RFC 5321 §4.4)."""

    by: str
    at: dt.datetime
    queue_id: str
    recipient: str
    protocol: str
    """The ``with`` clause, RFC 3848."""
    from_name: str = ""
    """What the client called itself; empty: the message was made here."""
    from_address: str = ""


ReceivedStyle = Callable[[Stamp], str]
"""Writes one Received field, without its line end."""

_WEST = dt.timezone(-dt.timedelta(hours=8))


def _date(at: dt.datetime, zone: dt.timezone, comment: str) -> str:
    return f"{email.utils.format_datetime(at.astimezone(zone))} ({comment})"


def classic(stamp: Stamp) -> str:
    """A traditional mail transfer agent, in UTC."""
    name, address = stamp.from_name, stamp.from_address
    source = f"from {name} ({name} [{address}])\r\n\t" if name else ""
    return (
        f"Received: {source}by {stamp.by} (Northmail) with {stamp.protocol} id {stamp.queue_id}"
        f"\r\n\tfor <{stamp.recipient}>; {_date(stamp.at, dt.UTC, 'UTC')}"
    )


def cloud(stamp: Stamp) -> str:
    """A large provider in California: local time, and the cipher in a comment."""
    source = (
        f"from {stamp.from_name} ([{stamp.from_address}])\r\n        " if stamp.from_name else ""
    )
    cipher = (
        "\r\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)"
        if stamp.protocol.startswith("ESMTPS")
        else ""
    )
    return (
        f"Received: {source}by {stamp.by} with {stamp.protocol} id {stamp.queue_id}"
        f"\r\n        for <{stamp.recipient}>{cipher};"
        f"\r\n        {_date(stamp.at, _WEST, 'PST')}"
    )


def office(stamp: Stamp) -> str:
    """An office suite: addresses in parentheses, a software version as id, no recipient."""
    source = f"from {stamp.from_name} ([{stamp.from_address}])\r\n " if stamp.from_name else ""
    return (
        f"Received: {source}by {stamp.by} (2001:db8::25) via TCP with {stamp.protocol}"
        f"\r\n (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.{stamp.queue_id};"
        f"\r\n {email.utils.format_datetime(stamp.at.astimezone(dt.UTC))}"
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the recipient's side found out about the sender's."""

    authserv_id: str
    sender: str
    address: str


AuthenticationStyle = Callable[[Verdict], str]
"""Writes one Authentication-Results field, without its line end."""


def standard_results(verdict: Verdict) -> str:
    """As RFC 8601 §2.2 says. The world signs nothing, so DKIM is none and SPF carries DMARC."""
    if not verdict.sender:
        return f"Authentication-Results: {verdict.authserv_id}; none"
    domain = verdict.sender.rpartition("@")[2]
    return (
        f"Authentication-Results: {verdict.authserv_id};"
        f"\r\n\tspf=pass (sender IP is {verdict.address}) smtp.mailfrom={domain};"
        f"\r\n\tdkim=none; dmarc=pass header.from={domain}"
    )


def office_results(verdict: Verdict) -> str:
    """Without the server's name and with a word of its own, as one large vendor does."""
    domain = verdict.sender.rpartition("@")[2]
    if not domain:
        return "Authentication-Results: spf=none (sender IP is " + verdict.address + ")"
    return (
        f"Authentication-Results: spf=pass (sender IP is {verdict.address})"
        f"\r\n smtp.mailfrom={domain}; dkim=none (message not signed) header.d=none;"
        f"dmarc=pass\r\n action=none header.from={domain};compauth=pass reason=100"
    )


def prepend(field: str, content: bytes) -> bytes:
    """Put a field on top, where trace fields go."""
    return field.encode("ascii") + b"\r\n" + content
