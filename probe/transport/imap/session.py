"""What we ask of an IMAP server, typed. Each call has a deadline and raises ``WatchLost``."""

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from probe.core.observation import WatchCause, WatchLost
from probe.transport.imap import names, refusal, sequences
from probe.transport.imap.client import Client
from probe.transport.imap.parse import Fetch, Listed, Search, Status
from probe.transport.imap.request import Idle, Request

HEADER_OCTETS = 65536
"""Real headers seldom reach 30 KiB; what is cut off is below our own fields."""

BODY_OCTETS = 262144
"""A report holds the returned original; the parts that matter come first."""

_GOODBYE = 2.0
"""LOGOUT is a courtesy: we do not wait long for the thanks."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open folder, as the server described it (RFC 9051 §6.3.2)."""

    uidvalidity: int
    uidnext: int | None


class Session:
    """One logged-in connection. It has at most one folder open."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._protocol = client.protocol
        self.opened: str | None = None
        """The wire name of the folder that is open for reading only."""

    @property
    def stirred(self) -> asyncio.Event:
        """Set when the server has something to tell; cleared by whoever acts on it."""
        return self._protocol.stirred

    @property
    def lost(self) -> WatchLost | None:
        """What ended the connection."""
        return self._protocol.lost

    def can(self, capability: str) -> bool:
        """Whether the server offers it."""
        return capability in self._protocol.capabilities

    async def ask(self, name: str, *args: str, prefix: str = "") -> Request:
        """One command; the caller looks at the status."""
        request = Request(name, self._protocol.new_tag(), *args, prefix=prefix)
        await self._protocol.execute(request)
        return request

    async def demand(self, name: str, *args: str, prefix: str = "") -> Request:
        """One command that the server must do."""
        request = await self.ask(name, *args, prefix=prefix)
        if not request.is_ok:
            raise self._refused(request)
        return request

    def _refused(self, request: Request) -> WatchLost:
        lost = refusal.refused(request.status, doing=request.title)
        detail = self._protocol.scrub(lost.detail)
        return WatchLost(lost.cause, detail, retry_after=lost.retry_after)

    async def noop(self) -> None:
        """Let the server tell what is new: Gmail does so only when asked."""
        await self.demand("NOOP")

    async def folders(self) -> list[Listed]:
        """All folders, with their special uses where the server marks them (RFC 6154)."""
        answer = await self.demand("LIST", '""', '"*"')
        listed = [item for item in answer.untagged if isinstance(item, Listed)]
        marked = any("\\junk" in item.flags for item in listed)
        if marked or not (self.can("SPECIAL-USE") and self.can("LIST-EXTENDED")):
            return listed
        # RFC 6154 §2: a server may mark them only when asked.
        answer = await self.ask("LIST", '""', '"*"', "RETURN (SPECIAL-USE)")
        again = [item for item in answer.untagged if isinstance(item, Listed)]
        return again if answer.is_ok and again else listed

    async def open(self, wire: str, *, writable: bool = False) -> Opened:
        """EXAMINE, which changes nothing, or SELECT.

        Raises:
            WatchLost: REFUSED: the server says no; the connection lives on with no folder open.
        """
        name = "SELECT" if writable else "EXAMINE"
        self.opened = None
        self._protocol.mirror.reset()
        request = await self.ask(name, names.quote(wire))
        self._protocol.state = "SELECTED" if request.is_ok else "AUTH"
        if not request.is_ok:
            raise self._refused(request)
        uidvalidity = _code(request, "UIDVALIDITY")
        if uidvalidity is None:
            raise WatchLost(WatchCause.PROTOCOL, f"{name} told no UIDVALIDITY")
        self.opened = None if writable else wire
        return Opened(uidvalidity, _code(request, "UIDNEXT"))

    async def search(self, *criteria: str) -> list[int]:
        """UIDs in ascending order. No CHARSET: Exchange rejects it, and ASCII needs none."""
        answer = await self.demand("SEARCH", *criteria, prefix="UID")
        found: set[int] = set()
        for item in answer.untagged:
            if isinstance(item, Search):
                found.update(item.numbers)
        return sorted(found)

    async def headers(self, uids: Collection[int]) -> tuple[list[Fetch], Status]:
        """Headers, cut at 64 KiB; PEEK leaves the message unseen (RFC 9051 §6.4.5)."""
        items = f"(UID INTERNALDATE BODY.PEEK[HEADER]<0.{HEADER_OCTETS}>)"
        answer = await self.ask("FETCH", sequences.write(uids), items, prefix="UID")
        # What others do to other messages comes as FETCH, too (RFC 9051 §7.5.2).
        wanted = frozenset(uids)
        fetched = [item for item in answer.untagged if isinstance(item, Fetch)]
        return [item for item in fetched if item.uid in wanted and _has_header(item)], (
            answer.status
        )

    async def body(self, uid: int) -> bytes | None:
        """The whole message, cut at 256 KiB; None if it is gone or cannot be had."""
        answer = await self.ask(
            "FETCH", str(uid), f"(UID BODY.PEEK[]<0.{BODY_OCTETS}>)", prefix="UID"
        )
        for item in answer.untagged:
            if isinstance(item, Fetch) and item.uid == uid and (octets := item.section("")):
                return octets[:BODY_OCTETS]
        return None

    async def mark_deleted(self, uids: Collection[int]) -> Status:
        """First half of removing. The caller has verified that these are ours."""
        flags = ("+FLAGS.SILENT", "(\\Deleted)")
        return (await self.ask("STORE", sequences.write(uids), *flags, prefix="UID")).status

    async def expunge(self, uids: Collection[int]) -> Status:
        """Second half: exactly these (RFC 4315), never all that somebody marked."""
        return (await self.ask("EXPUNGE", sequences.write(uids), prefix="UID")).status

    def idling(self) -> AbstractAsyncContextManager[Idle]:
        """IDLE for as long as the block lasts."""
        return self._protocol.idling()

    async def logout(self) -> None:
        """Say goodbye, shortly; then the connection is gone in any case."""
        try:
            async with asyncio.timeout(_GOODBYE):
                await self.ask("LOGOUT")
        except (WatchLost, TimeoutError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection."""
        self._client.abort()


def imap_date(moment: float, *, days: int = 0) -> str:
    """``1-Feb-2026``, moved by some days: SEARCH knows dates only, and in the server's zone."""
    day = datetime.fromtimestamp(moment, UTC) + timedelta(days=days)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"


# strftime would use the locale's names.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _has_header(item: Fetch) -> bool:
    return item.section("HEADER") is not None


def _code(request: Request, code: str) -> int | None:
    for item in request.untagged:
        if isinstance(item, Status) and item.code == code and item.argument.isdigit():
            return int(item.argument)
    return None
