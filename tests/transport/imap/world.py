"""What the tests of the watch share: settings, a session, and something to watch with."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from probe.config.secret import Secret
from probe.config.settings import (
    Endpoint,
    ImapSettings,
    MailboxSettings,
    SmtpSettings,
    Tls,
)
from probe.core.mailbox import Folder, Mailbox
from probe.core.observation import Bookmark, Errand, Observation, Verified
from probe.transport.imap import ImapWatch
from probe.transport.imap.login import log_in
from probe.transport.imap.session import Session

Kind = TypeVar("Kind")

PATIENT = 600.0
"""An endpoint's timeout far beyond pytest's: what waits for it fails the test."""

HASTY = 0.6
"""A timeout that is meant to pass. On a busy machine, too, the steps before take less."""

now = time.time  # noqa: TID251 - a test is an edge, too


def endpoint(
    port: int,
    *,
    user: str = "u",
    password: str = "correct horse",
    timeout: float = PATIENT,
    tls: Tls = Tls.PLAIN,
    ca_file: Path | None = None,
) -> Endpoint:
    return Endpoint("127.0.0.1", port, tls, user, Secret(password), ca_file, timeout)


@asynccontextmanager
async def session(
    port: int,
    *,
    timeout: float = PATIENT,  # noqa: ASYNC109 - the endpoint's
    opened: bool = True,
) -> AsyncIterator[Session]:
    """A logged-in session with INBOX open."""
    made = await log_in(endpoint(port, timeout=timeout), now=now, certificate_seen=lambda *_: None)
    try:
        if opened:
            await made.open("INBOX")
        yield made
    finally:
        made.abort()


def ours(header: bytes, body: bytes | None) -> float | None:
    """Stands for the check of a token: the time is written in the header or body in clear."""
    for octets in (header, body or b""):
        _, found, rest = octets.partition(b"X-Ours: ")
        if found:
            return float(rest.split()[0])
    return None


def is_report(header: bytes) -> bool:
    return b"report" in header


@dataclass
class Watched:
    """A watch, its errands, and what it observed."""

    stream: AsyncGenerator[Observation, None]
    errands: "asyncio.Queue[Errand]"
    seen: list[Observation] = field(default_factory=list)

    async def until(self, wanted: Callable[[Observation], bool]) -> Observation:
        """Go on until it observes this."""
        async for observation in self.stream:
            self.seen.append(observation)
            if wanted(observation):
                return observation
        raise AssertionError("the watch ended without a word")

    async def until_kind(self, kind: type[Kind]) -> Kind:
        """Go on until it observes something of this kind."""
        found = await self.until(lambda observation: isinstance(observation, kind))
        assert isinstance(found, kind)
        return found

    async def until_verified(self, folder: Folder = Folder.INBOX) -> Verified:
        """Go on until this folder is read to its end."""
        found = await self.until(lambda o: isinstance(o, Verified) and o.bookmark.folder is folder)
        assert isinstance(found, Verified)
        return found

    def of(self, kind: type[Kind]) -> list[Kind]:
        """What it has observed of this kind."""
        return [observation for observation in self.seen if isinstance(observation, kind)]


@asynccontextmanager
async def watching(
    at: Endpoint,
    *,
    bookmarks: Mapping[Folder, Bookmark] | None = None,
    expecting: Callable[[str], float | None] = lambda _: None,
    clock: Callable[[], float] = now,
    certificate_seen: Callable[[str, str, float], None] = lambda *_: None,
    **imap: Any,
) -> AsyncIterator[Watched]:
    """A watch of one mailbox, closed at the end."""
    settings = MailboxSettings(
        Mailbox("blue", "probe@blue.test", "bluepost"),
        SmtpSettings(at),
        ImapSettings(at, **imap),
        sends_per_day=100,
    )
    watch = ImapWatch(
        {"blue": settings}.__getitem__,
        now=clock,
        is_ours=ours,
        looks_like_report=is_report,
        expecting=expecting,
        certificate_seen=certificate_seen,
    )
    errands: asyncio.Queue[Errand] = asyncio.Queue()
    async with aclosing(watch("blue", errands, bookmarks or {})) as stream:
        yield Watched(stream, errands)


def bookmark(folder: Folder = Folder.INBOX, **changes: Any) -> Bookmark:
    """Where an earlier watch of the scripted server's folders stopped."""
    name = "INBOX" if folder is Folder.INBOX else "Junk"
    fields = {"folder": folder, "name": name, "uidvalidity": 7, "uid": 3, "verified_at": 1000.0}
    return Bookmark(**{**fields, **changes})
