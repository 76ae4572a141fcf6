"""The post office: carries messages from one provider to another, and returns what fails."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.parser import BytesHeaderParser

from probe.demo import notices, trace
from probe.demo.commons import Commons
from probe.demo.fates import IN_TRANSIT, Active, Case, Fate
from probe.demo.inbound import answer, folder_for
from probe.demo.ledger import Entry, What
from probe.demo.provider import Provider
from probe.demo.submission import QueueFullError, Submitted
from probe.mail.dsn import Action
from probe.mail.reply import Reply

# With the largest message this is half a GiB; a demo has a handful on the way.
_MAX_QUEUE = 2_000
# A deferred message is tried again so soon because a demo is short; real queues wait minutes.
_RETRY_SECONDS = (1.0, 2.0)

_NO_DOMAIN = Reply(550, "5.1.2 Host or domain name not found")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way to one recipient."""

    origin: Provider
    sender: str
    """Empty for a notice (RFC 5321 §4.5.5)."""
    recipient: str
    content: bytes
    queue_id: str
    message_id: str
    accepted_at: dt.datetime
    copied: bool = False
    """Its sender's provider may keep a copy."""


class PostOffice:
    """The relays of all providers."""

    def __init__(self, commons: Commons, tasks: asyncio.TaskGroup, lifetime: float) -> None:
        self._commons = commons
        self._tasks = tasks
        self._lifetime = dt.timedelta(seconds=lifetime)
        self._by_domain: dict[str, Provider] = {}
        self._carried: set[asyncio.Task[None]] = set()

    def serve(self, providers: Mapping[str, Provider]) -> None:
        """Carry mail for these, by domain."""
        self._by_domain.update(providers)

    @property
    def on_the_way(self) -> int:
        """How many messages are being carried."""
        return len(self._carried)

    def close(self) -> None:
        """Forget what is on the way."""
        for task in self._carried:
            task.cancel()

    def accept(self, submitted: Submitted) -> str:
        """Take a message over from its sender and give it a queue id.

        Raises:
            QueueFullError: too many are on the way.
        """
        if len(self._carried) >= _MAX_QUEUE:
            raise QueueFullError
        letter = Letter(
            origin=self._by_domain[_domain(submitted.sender)],
            sender=submitted.sender,
            recipient=submitted.recipient,
            content=submitted.content,
            queue_id=self._commons.new_id(),
            message_id=_message_id(submitted.content),
            accepted_at=self._commons.moment(),
            copied=submitted.first,
        )
        host = letter.origin.vendor.host("smtp")
        source = (submitted.helo, submitted.peer)
        self._send(self._stamped(letter, letter.origin, host, "ESMTPSA", source))
        return letter.queue_id

    def _send(self, letter: Letter) -> None:
        self._note(What.SUBMITTED, letter)
        task = self._tasks.create_task(self._carry(letter))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, letter: Letter) -> None:
        """Submission server, outbound relay, the other side's MX, its store."""
        await self._copy_to_sent(letter)
        await self._commons.pass_time(*letter.origin.vendor.hop_seconds)
        target = self._by_domain.get(_domain(letter.recipient))
        if target is None:
            self._return(letter, letter.origin, _NO_DOMAIN)
            return
        fate = self._fate(letter)
        relayed = letter if target is letter.origin else self._relayed(letter)
        reply = await self._offer(relayed, target, fate)
        if reply.code != 250:
            self._return(relayed, letter.origin, reply, target.vendor.host("mx"))
        else:
            await self._take_in(relayed, target, fate)

    def _fate(self, letter: Letter) -> Active | None:
        """Notices are spared: what is itself a return is not returned (RFC 5321 §4.5.5)."""
        if not letter.sender:
            return None
        return self._commons.fates.choose(IN_TRANSIT, Case(letter.sender, letter.recipient))

    async def _copy_to_sent(self, letter: Letter) -> None:
        vendor, store = letter.origin.vendor, letter.origin.store
        if letter.copied and vendor.keeps_sent:
            if await store.has_room(letter.sender, vendor.sent):
                await store.store(letter.sender, vendor.sent, letter.content, seen=True)

    def _relayed(self, letter: Letter) -> Letter:
        vendor = letter.origin.vendor
        source = (vendor.host("smtp"), vendor.address)
        return self._stamped(letter, letter.origin, vendor.host("out"), "ESMTPS", source)

    async def _offer(self, letter: Letter, target: Provider, fate: Active | None) -> Reply:
        """Offer it until the other side takes or refuses it, or the queue's patience ends."""
        notified = False
        attempt = 0
        while True:
            attempt += 1
            waited = self._commons.moment() - letter.accepted_at
            reply = await answer(target, letter.recipient, fate, attempt, waited)
            if reply.code // 100 != 4 or waited > self._lifetime:
                return reply
            self._note(What.DEFERRED, letter, detail=str(reply))
            if not notified and fate and fate.rule.fate is Fate.DELAY_NOTICE:
                self._notify(letter, letter.origin, Action.DELAYED, reply, target.vendor.host("mx"))
                notified = True
            await self._commons.pass_time(*_RETRY_SECONDS)

    async def _take_in(self, letter: Letter, target: Provider, fate: Active | None) -> None:
        """From the MX's 250 on, the message is in the hands of the recipient's provider."""
        kind = fate.rule.fate if fate else Fate.DELIVER
        if target is not letter.origin:
            letter = self._received_by_mx(letter, target)
        await self._commons.pass_time(*target.vendor.hop_seconds)
        if kind is Fate.DROP:
            self._note(What.DROPPED, letter)
            return
        if fate and kind is Fate.BOUNCE_LATE:
            words = fate.rule.reply or target.vendor.words.unknown
            reply = _reply(words.format(recipient=letter.recipient))
            self._return(letter, target, reply)
            return
        if fate and kind is Fate.DELAY:
            await asyncio.sleep(fate.rule.seconds)
        for _ in range(2 if kind is Fate.DUPLICATE else 1):
            await self._commons.pass_time(*target.vendor.hop_seconds)
            await self._store(letter, target, kind)

    def _received_by_mx(self, letter: Letter, target: Provider) -> Letter:
        vendor, origin = target.vendor, letter.origin.vendor
        source = (origin.host("out"), origin.address)
        letter = self._stamped(letter, target, vendor.host("mx"), "ESMTPS", source)
        verdict = trace.Verdict(vendor.host("mx"), letter.sender, origin.address)
        return replace(letter, content=trace.prepend(vendor.results(verdict), letter.content))

    async def _store(self, letter: Letter, target: Provider, kind: Fate) -> None:
        vendor = target.vendor
        folder = folder_for(kind, vendor)
        if kind is Fate.JUNK:
            letter = replace(letter, content=trace.prepend(vendor.junk_field, letter.content))
        source = (vendor.host("mx"), vendor.address)
        letter = self._stamped(letter, target, vendor.host("store"), "LMTPS", source)
        # RFC 5321 §4.4: the delivering server puts the envelope's sender on top.
        content = trace.prepend(f"Return-Path: <{letter.sender}>", letter.content)
        entry = self._entry(What.STORED, letter, folder=folder)
        await target.store.store(letter.recipient, folder, content)
        self._commons.ledger.note(entry)

    def _return(
        self, letter: Letter, author: Provider, reply: Reply, remote_host: str = ""
    ) -> None:
        self._note(What.RETURNED, letter, detail=str(reply))
        self._notify(letter, author, Action.FAILED, reply, remote_host)

    def _notify(
        self, letter: Letter, author: Provider, action: Action, reply: Reply, remote_host: str
    ) -> None:
        """Send the sender a notice; about a notice there is none (RFC 5321 §4.5.5)."""
        if not letter.sender:
            return
        now, notice_id = self._commons.moment(), self._commons.new_id()
        report = notices.Report(
            action=action,
            sender=letter.sender,
            recipient=letter.recipient,
            reply=reply,
            remote_host=remote_host,
            queue_id=letter.queue_id,
            notice_id=notice_id,
            arrived_at=letter.accepted_at,
            written_at=now,
            retry_until=letter.accepted_at + self._lifetime,
            original=letter.content,
        )
        content = notices.write(author.vendor, report)
        notice = Letter(author, "", letter.sender, content, notice_id, _message_id(content), now)
        self._send(self._stamped(notice, author, author.vendor.host("out"), "ESMTP", ("", "")))

    def _stamped(
        self, letter: Letter, at: Provider, host: str, protocol: str, source: tuple[str, str]
    ) -> Letter:
        """With the Received field of one more server on top (RFC 5321 §4.4)."""
        stamp = trace.Stamp(
            by=host,
            at=self._commons.moment(),
            queue_id=letter.queue_id if at is letter.origin else self._commons.new_id(),
            recipient=letter.recipient,
            protocol=protocol,
            from_name=source[0],
            from_address=source[1],
        )
        return replace(letter, content=trace.prepend(at.vendor.received(stamp), letter.content))

    def _note(self, what: What, letter: Letter, detail: str = "") -> None:
        self._commons.ledger.note(self._entry(what, letter, detail=detail))

    def _entry(self, what: What, letter: Letter, *, folder: str = "", detail: str = "") -> Entry:
        return Entry(
            at=self._commons.now(),
            what=what,
            sender=letter.sender,
            recipient=letter.recipient,
            message_id=letter.message_id,
            queue_id=letter.queue_id,
            folder=folder,
            detail=detail,
        )


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _message_id(content: bytes) -> str:
    header = content[: content.find(b"\r\n\r\n") + 4] if b"\r\n\r\n" in content else content
    return str(BytesHeaderParser().parsebytes(header)["Message-ID"] or "").strip()


def _reply(words: str) -> Reply:
    return Reply(int(words[:3]), words[4:])


