"""The world outside, as the loops see it: one Submit, one Watch, and a plan for each message."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass

from probe.core.event import Accepted, Cause, Refused, Submission, Unconfirmed
from probe.core.mailbox import Folder
from probe.core.match import Ours, Signer, match
from probe.core.observation import (
    Arrived,
    Bookmark,
    Errand,
    FolderFound,
    FolderMissing,
    Kept,
    Look,
    MessageRef,
    Observation,
    Remove,
    Removed,
    Tidy,
    Verified,
    WatchCause,
    WatchLost,
)
from probe.mail.reply import Reply, Stage
from tests.makers import SIGNER

POLL = 60.0
"""Seconds between readings where nothing is pushed."""

VALIDITY = 7


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one message."""

    seconds: float | None = 1.0
    """From the accepting reply to the mailbox; None: never."""
    submitting: float = 0.2
    """How long the submission takes."""
    folder: Folder = Folder.INBOX
    copies: int = 1
    answer: type[Submission] = Accepted
    refused_at: Stage = Stage.ENVELOPE
    fast: bool = False
    """It arrives while the accepting reply is still on its way."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it was handed over."""

    sender: str
    recipient: str
    at: float
    probe: str
    raw: bytes


@dataclass(slots=True)
class _Mail:
    uid: int
    stored: float
    raw: bytes


class Box:
    """One mailbox on its server."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.folders: dict[Folder, list[_Mail]] = {Folder.INBOX: [], Folder.JUNK: []}
        self.news = asyncio.Event()
        self.gone: WatchLost | None = None
        """Why nobody can watch; None: anybody can."""
        self.junk: str = "Junk"
        """Empty: there is none. "absent": the config says so."""
        self.pushes = True
        self.held = False
        """The server does not let anybody remove anything (a legal hold)."""
        self.logins: list[float] = []
        self.errands: list[Errand] = []
        self.crash: Exception | None = None
        """An error of our own in the wire: a bug."""
        self.ends = False
        """The watch ends without saying why: a bug of the wire."""
        self.slow = 0.0
        """Seconds that each reading takes."""
        self._uid = 0

    def put(self, raw: bytes, folder: Folder = Folder.INBOX) -> None:
        """A message is stored."""
        self._uid += 1
        self.folders[folder].append(_Mail(self._uid, self._now(), raw))
        if self.pushes:
            self.news.set()

    def lose(self, cause: WatchCause = WatchCause.CONNECT, retry: float | None = None) -> None:
        """From now on nobody can watch."""
        self.gone = WatchLost(cause, "gone for the test", retry_after=retry)
        self.news.set()

    def mend(self) -> None:
        self.gone = None


class Post:
    """All mailboxes, and the way between them."""

    def __init__(self, now: Callable[[], float], names: dict[str, str]) -> None:
        self._now = now
        self.boxes = {name: Box(now) for name in names}
        self._by_address = {address: name for name, address in names.items()}
        self.plan: Callable[[str, str], Fate] = lambda _sender, _recipient: Fate()
        self.sent: list[Sent] = []
        """Each message that was begun to be handed over to us."""
        self.begun = asyncio.Event()
        """Set by each."""
        self.under_way = 0
        self.most_under_way = 0
        self.deaf = False
        """Submissions do not listen when they are told to end."""
        self._stop = asyncio.Event()

    def of(self, sender: str = "", recipient: str = "") -> list[Sent]:
        """What was handed over on some routes."""
        asked = (("sender", sender), ("recipient", recipient))
        return [
            sent
            for sent in self.sent
            if all(getattr(sent, name) == value for name, value in asked if value)
        ]

    # --- Submit -------------------------------------------------------------------------

    async def submit(self, sender: str, address: str, raw: bytes) -> Submission:
        recipient = self._by_address[address]
        self.sent.append(Sent(sender, recipient, self._now(), probe_of(raw), raw))
        self.begun.set()
        fate = self.plan(sender, recipient)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if fate.fast:
                self._deliver(recipient, fate, raw)
            if await self._stopped(fate.submitting):
                return Unconfirmed(self._now(), Cause.CANCELLED, "stopped")
        finally:
            self.under_way -= 1
        if not fate.fast and fate.answer in (Accepted, Unconfirmed):
            self._deliver(recipient, fate, raw)
        return self._answer(fate)

    def stop(self) -> None:
        """Every submission under way ends."""
        if self.deaf:
            return
        self._stop.set()
        self._stop = asyncio.Event()

    def _deliver(self, recipient: str, fate: Fate, raw: bytes) -> None:
        if fate.seconds is None:
            return
        received = b"Received: from there by here; Sun, 15 Jun 2025 15:06:40 +0000\r\n" + raw
        for _ in range(fate.copies):
            asyncio.get_running_loop().call_later(
                fate.seconds, self.boxes[recipient].put, received, fate.folder
            )

    def _answer(self, fate: Fate) -> Submission:
        now = self._now()
        if fate.answer is Refused:
            code = 535 if fate.refused_at is Stage.AUTH else 550
            return Refused(now, fate.refused_at, Reply(code, "5.0.0 not you"))
        if fate.answer is Unconfirmed:
            return Unconfirmed(now, Cause.DISCONNECTED, "closed before the reply")
        return Accepted(now, Reply(250, "2.0.0 Ok: queued as 4F2B81C0DE"))

    async def _stopped(self, seconds: float) -> bool:
        stop = self._stop
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return False
        return True

    # --- Watch --------------------------------------------------------------------------

    async def watch(
        self, name: str, errands: "asyncio.Queue[Errand]", bookmarks: Mapping[Folder, Bookmark]
    ) -> AsyncGenerator[Observation, None]:
        box = self.boxes[name]
        box.logins.append(self._now())
        read = {part: bookmark.uid for part, bookmark in bookmarks.items()}
        verified = {part: bookmark.verified_at for part, bookmark in bookmarks.items()}
        eyes = _Eyes(box, self._now, read, verified)
        eyes.check()
        yield FolderFound(self._now(), Folder.INBOX, "INBOX", "inbox")
        yield eyes.junk()
        while not box.ends:
            box.news.clear()
            for observation in await eyes.sweep():
                yield observation
            while errand := await eyes.wait(errands):
                for observation in eyes.carry_out(errand):
                    yield observation


@dataclass(slots=True)
class _Eyes:
    """One connection."""

    box: Box
    now: Callable[[], float]
    read: dict[Folder, int]
    verified: dict[Folder, float]

    def check(self) -> None:
        if self.box.crash is not None:
            raise self.box.crash
        if self.box.gone is not None:
            lost = self.box.gone
            raise WatchLost(lost.cause, lost.detail, retry_after=lost.retry_after)

    def junk(self) -> Observation:
        if self.box.junk in ("", "absent"):
            absent = self.box.junk == "absent"
            return FolderMissing(self.now(), Folder.JUNK, "no such folder", absent)
        return FolderFound(self.now(), Folder.JUNK, self.box.junk, "special-use")

    async def sweep(self) -> list[Observation]:
        """Read each folder that there is; pushed mail is seen as it comes."""
        began = self.now()
        if self.box.slow:
            await asyncio.sleep(self.box.slow)
        self.check()
        parts = [Folder.INBOX] if self.box.junk in ("", "absent") else [*self.box.folders]
        return [seen for part in parts for seen in self._sweep(part, began)]

    def _sweep(self, part: Folder, began: float) -> Iterator[Observation]:
        last = self.read.get(part, 0)
        for mail in self.box.folders[part]:
            if mail.uid > last:
                self.read[part] = max(self.read.get(part, 0), mail.uid)
                yield self._arrived(part, mail)
        self.verified[part] = began
        yield Verified(Bookmark(part, part.value, VALIDITY, self.read.get(part, 0), began))

    def _arrived(self, part: Folder, mail: _Mail) -> Arrived:
        pushed = mail.stored == self.now()
        before = mail.stored if pushed else self.verified.get(part)
        header = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        body = mail.raw if b"multipart/report" in header else None
        ref = MessageRef(part, VALIDITY, mail.uid)
        return Arrived(ref, self.now(), before, float(int(mail.stored)), header, body)

    def carry_out(self, errand: Errand) -> Iterator[Observation]:
        self.box.errands.append(errand)
        if isinstance(errand, Look):
            for part in self.box.folders:
                yield from self._sweep(part, self.now())
        elif isinstance(errand, Remove) and self.box.held:
            yield Kept(self.now(), errand.refs, "NO this mailbox is on hold")
        elif isinstance(errand, Remove):
            yield self._remove(errand.refs)
        elif isinstance(errand, Tidy):
            yield Removed(self.now(), ())

    def _remove(self, refs: tuple[MessageRef, ...]) -> Removed:
        for part, mails in self.box.folders.items():
            gone = {ref.uid for ref in refs if ref.folder is part}
            mails[:] = [mail for mail in mails if mail.uid not in gone]
        return Removed(self.now(), refs)

    async def wait(self, errands: "asyncio.Queue[Errand]") -> Errand | None:
        """Until a push, an errand, or the poll's time."""
        loop = asyncio.get_running_loop()
        errand, news = loop.create_task(errands.get()), loop.create_task(self.box.news.wait())
        try:
            await asyncio.wait({errand, news}, timeout=POLL, return_when="FIRST_COMPLETED")
        finally:
            errand.cancel()
            news.cancel()
        if errand.done() and not errand.cancelled():
            return errand.result()
        self.check()
        return None


def probe_of(raw: bytes, signer: Signer = SIGNER) -> str:
    """The id of the probe that a message is."""
    found = match(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", None, signer)
    assert isinstance(found, Ours)
    return found.token.probe
