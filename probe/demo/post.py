"""The post office: carries messages from one provider to another, and returns what fails."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from probe.demo import letter as letters
from probe.demo import notices, trace
from probe.demo.commons import Commons
from probe.demo.fates import IN_TRANSIT, Active, Case, Fate
from probe.demo.inbound import answer, folder_for, reply_from
from probe.demo.ledger import Entry, What
from probe.demo.letter import Letter
from probe.demo.provider import Provider
from probe.demo.submission import QueueFullError, Submitted
from probe.mail.dsn import Action
from probe.mail.reply import Reply

# With the largest message this is 128 MB; a demo has a handful on the way.
_MAX_QUEUE = 2_000
# A deferred message is tried again so soon because a demo is short; real queues wait minutes.
_RETRY_SECONDS = (1.0, 2.0)
# However fast the world runs, a queue that waits for a provider leaves the processor alone.
_LEAST_RETRY_SECONDS = 0.02

_NO_DOMAIN = Reply(550, "5.1.2 Host or domain name not found")


class PostOffice:
    """The relays of all providers."""

    def __init__(self, commons: Commons, tasks: asyncio.TaskGroup, lifetime: float) -> None:
        self._commons = commons
        self._tasks = tasks
        self._lifetime = timedelta(seconds=lifetime)
        self._by_domain: dict[str, Provider] = {}
        self._carried: set[asyncio.Task[None]] = set()

    def serve(self, providers: Mapping[str, Provider]) -> None:
        """Carry mail for these, by domain."""
        self._by_domain.update(providers)

    @property
    def on_the_way(self) -> int:
        """How many messages are being carried."""
        return len(self._carried)

    async def settled(self) -> None:
        """Wait until nothing is on the way."""
        while self._carried:
            await asyncio.wait(self._carried)

    def close(self) -> None:
        """Forget what is on the way."""
        for task in self._carried:
            task.cancel()

    def accept(self, submitted: Submitted) -> str:
        """Take a message over from its sender and give it a queue id.

        Raises:
            QueueFullError: too many are on the way.
        """
        if len(self._carried) + len(submitted.recipients) > _MAX_QUEUE:
            raise QueueFullError
        now, queue_id = self._commons.moment(), self._commons.new_id()
        origin = self._by_domain[_domain(submitted.sender)]
        for index, recipient in enumerate(submitted.recipients):
            letter = Letter(
                origin=origin,
                sender=submitted.sender,
                recipient=recipient,
                content=submitted.content,
                queue_id=queue_id,
                message_id=letters.message_id(submitted.content),
                accepted_at=now,
                held_by=submitted.helo,
                held_at=submitted.peer,
                copied=index == 0,
            )
            self._send(letter.taken(origin, "smtp", "ESMTPSA", now))
        return queue_id

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
        if target is not letter.origin and letter.sender:
            letter = letter.taken(letter.origin, "out", "ESMTPS", self._commons.moment())
        if target is None:
            self._return(letter, letter.origin, _NO_DOMAIN)
            return
        fate = self._fate(letter)
        reply = await self._offer(letter, target, fate)
        if reply.code == 250:
            await self._take_in(letter, target, fate)
        else:
            self._return(letter, letter.origin, reply, target.vendor.host("mx"))

    async def _copy_to_sent(self, letter: Letter) -> None:
        vendor, store = letter.origin.vendor, letter.origin.store
        wanted = letter.copied and vendor.keeps_sent
        if wanted and await store.has_room(letter.sender, vendor.sent):
            await store.store(letter.sender, vendor.sent, letter.content, seen=True)

    def _fate(self, letter: Letter) -> Active | None:
        """Notices are spared: what is itself a return is not returned (RFC 5321 §4.5.5)."""
        if not letter.sender:
            return None
        return self._commons.fates.choose(IN_TRANSIT, Case(letter.sender, letter.recipient))

    async def _offer(self, letter: Letter, target: Provider, fate: Active | None) -> Reply:
        """Offer it until the other side takes or refuses it, or the queue's patience ends."""
        attempt = 0
        while True:
            attempt += 1
            waited = self._commons.moment() - letter.accepted_at
            reply = await answer(target, letter.recipient, fate, attempt, waited)
            if reply.code // 100 != 4 or waited > self._lifetime:
                return reply
            self._note(What.DEFERRED, letter, str(reply))
            if attempt == 1 and fate and fate.rule.fate is Fate.DELAY_NOTICE:
                host = target.vendor.host("mx")
                self._notify(letter, letter.origin, Action.DELAYED, reply, host)
            await self._commons.pass_time(*_RETRY_SECONDS, at_least=_LEAST_RETRY_SECONDS)

    async def _take_in(self, letter: Letter, target: Provider, fate: Active | None) -> None:
        """From the MX's 250 on, the message is in the hands of the recipient's provider."""
        if target is not letter.origin:
            letter = self._received_by_mx(letter, target)
        await self._commons.pass_time(*target.vendor.hop_seconds)
        copies = 1
        match fate.rule.fate if fate else Fate.DELIVER:
            case Fate.DROP:
                self._note(What.DROPPED, letter)
                return
            case Fate.BOUNCE_LATE if fate:
                words = fate.rule.words(target.vendor.words.unknown, letter.recipient)
                self._return(letter, target, reply_from(words))
                return
            case Fate.DELAY if fate:
                await asyncio.sleep(fate.rule.seconds)
            case Fate.JUNK:
                letter = letter.marked(target.vendor.junk_field)
            case Fate.DUPLICATE:
                copies = 2
        for _ in range(copies):
            await self._commons.pass_time(*target.vendor.hop_seconds)
            await self._store(letter, target, folder_for(fate, target.vendor))

    def _received_by_mx(self, letter: Letter, target: Provider) -> Letter:
        vendor = target.vendor
        verdict = trace.Verdict(vendor.host("mx"), letter.sender, letter.held_at)
        moment, queue_id = self._commons.moment(), self._commons.new_id()
        letter = letter.taken(target, "mx", "ESMTPS", moment, queue_id)
        return letter.marked(vendor.results(verdict))

    async def _store(self, letter: Letter, target: Provider, folder: str) -> None:
        moment, queue_id = self._commons.moment(), self._commons.new_id()
        letter = letter.taken(target, "store", "LMTPS", moment, queue_id)
        # RFC 5321 §4.4: the delivering server puts the envelope's sender on top.
        letter = letter.marked(f"Return-Path: <{letter.sender}>")
        entry = self._entry(What.STORED, letter, folder=folder)
        await target.store.store(letter.recipient, folder, letter.content)
        self._commons.ledger.note(entry)

    def _return(
        self, letter: Letter, author: Provider, reply: Reply, remote_host: str = ""
    ) -> None:
        self._note(What.RETURNED, letter, str(reply))
        self._notify(letter, author, Action.FAILED, reply, remote_host)

    def _notify(
        self, letter: Letter, author: Provider, action: Action, reply: Reply, remote_host: str
    ) -> None:
        """Send the sender a notice; about a notice there is none (RFC 5321 §4.5.5)."""
        if not letter.sender:
            return
        report = notices.Report(
            action=action,
            reply=reply,
            remote_host=remote_host,
            notice_id=self._commons.new_id(),
            written_at=self._commons.moment(),
            retry_until=letter.accepted_at + self._lifetime,
        )
        content = notices.write(author.vendor, letter, report)
        notice = Letter(
            origin=author,
            sender="",
            recipient=letter.sender,
            content=content,
            queue_id=report.notice_id,
            message_id=letters.message_id(content),
            accepted_at=report.written_at,
        )
        self._send(notice.taken(author, "out", "ESMTP", report.written_at))

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
