"""Sends probes: one queue and one worker per sending mailbox.

1. a place in the mailbox's budget and queue, or the turn is dropped and counted
2. the probe is journalled
3. it is submitted; what came of it is recorded
Step 3 never happens without step 2, and never twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from probe import logs
from probe.config.settings import MailboxSettings
from probe.core.budget import Budget
from probe.core.event import Cause, Submission, Unconfirmed, Unsent
from probe.core.mailbox import Route
from probe.core.match import Signer
from probe.core.message import compose
from probe.core.probe import Probe
from probe.daemon.correlator import Correlator
from probe.daemon.logins import Logins
from probe.daemon.unbroken import finished
from probe.journal.errors import JournalUnwritableError
from probe.mail.reply import Stage
from probe.mail.token import Token, encode, probe_id, route_digest

Submit = Callable[[str, str, bytes], Awaitable[Submission]]
"""(sender's mailbox id, recipient's address, message) -> what came of it. It bounds its own time
and closes its connection when it is cancelled."""

SubmissionOf = Callable[[asyncio.CancelledError], Submission | None]
"""What had become of a submission that a cancellation ended."""


@dataclass(frozen=True, slots=True)
class Handing:
    """How a message is handed over."""

    submit: Submit
    submission_of: SubmissionOf


MAX_QUEUED = 50
"""Probes waiting at one mailbox. If its server is slower than our routes ask for, more waiting
would only make every probe late by our own fault."""

MAX_AT_ONCE = 100
"""Submissions under way at one provider: bounds open sockets and the load of one moment. Each
provider has its own, so that one that hangs does not hold up the others."""

LOGIN_REFUSED = "its login was refused; it is not tried again for a while"

REST_AFTER_SHUT = 5.0
"""Seconds without sending after the journal could not be written."""


class Sender:
    """Takes routes to fire and makes probes of them."""

    def __init__(
        self,
        handing: Handing,
        correlator: Correlator,
        signer: Signer,
        now: Callable[[], float],
        chance: Callable[[int], bytes],
    ) -> None:
        self._handing = handing
        self._correlator = correlator
        self._signer = signer
        self._now = now
        self._chance = chance
        self._log = logs.get()
        self._mailboxes: Mapping[str, MailboxSettings] = {}
        self._budgets: dict[str, Budget] = {}
        self._queues: dict[str, asyncio.Queue[Route]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._at_once: dict[str, asyncio.Semaphore] = {}
        self._logins = Logins(now)
        self.dropped: list[Callable[[Route], None]] = []
        """Told of each turn that makes no probe."""
        self._shut_until = 0.0
        self._stopping = False
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._group: asyncio.TaskGroup | None = None

    def replace(self, mailboxes: Mapping[str, MailboxSettings]) -> None:
        """Send from these mailboxes from now on; budgets spent stay spent."""
        self._mailboxes = mailboxes
        for name, settings in mailboxes.items():
            budget = self._budgets.setdefault(name, Budget(settings.sends_per_day))
            budget.limit = settings.sends_per_day
        for name in set(self._workers) - set(mailboxes):
            self._workers.pop(name).cancel()
            del self._queues[name]

    def remember(self, sends: list[tuple[str, float, int]]) -> None:
        """Sends of an earlier process count as well: who, in which hour, how many."""
        for name, hour, number in sends:
            # Also of a mailbox that only a later reload brings back: limited then.
            self._budgets.setdefault(name, Budget(0)).add(hour, number)

    def fire(self, route: Route) -> bool:
        """Ask for one probe on a route; False if it cannot be sent now, which is counted."""
        if refusal := self._refusal(route):
            self._drop(route, refusal)
            return False
        self._queue(route.sender).put_nowait(route)
        return True

    def _drop(self, route: Route, why: str) -> None:
        self._correlator.count(unfired=1)
        self._log.warning("probe.unfired", sender=route.sender, recipient=route.recipient, why=why)
        for told in self.dropped:
            told(route)

    async def run(self) -> None:
        """Hold the workers; returns when cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.Event().wait()

    async def settle(self) -> None:
        """Begin no more submissions, and wait until none is under way."""
        self._stopping = True
        for queue in self._queues.values():
            while not queue.empty():
                queue.get_nowait()
        await self._quiet.wait()

    def _refusal(self, route: Route) -> str:
        """Why a route cannot be fired; empty if it can."""
        if self._stopping or route.sender not in self._mailboxes or self._group is None:
            return "not running"
        if self._now() < self._shut_until:
            return "the journal cannot be written"
        if self._queue(route.sender).full():
            return "its server is slower than the routes ask for"
        if self._logins.resting(route.sender, self._mailboxes[route.sender]):
            return LOGIN_REFUSED
        if not self._budgets[route.sender].take(self._now()):
            return "the mailbox has sent all it may in 24 hours"
        return ""

    def _queue(self, name: str) -> asyncio.Queue[Route]:
        if name not in self._queues:
            assert self._group is not None
            self._queues[name] = asyncio.Queue(MAX_QUEUED)
            self._workers[name] = self._group.create_task(self._work(name))
        return self._queues[name]

    async def _work(self, name: str) -> None:
        queue = self._queues[name]
        while True:
            route = await queue.get()
            self._busy += 1
            self._quiet.clear()
            try:
                async with self._turnstile(name):
                    await self._send(route)
            finally:
                self._busy -= 1
                if not self._busy:
                    self._quiet.set()

    def _turnstile(self, name: str) -> asyncio.Semaphore:
        settings = self._mailboxes.get(name)
        provider = settings.mailbox.provider if settings else ""
        return self._at_once.setdefault(provider, asyncio.Semaphore(MAX_AT_ONCE))

    async def _send(self, route: Route) -> None:
        if self._stopping or not {route.sender, route.recipient} <= self._mailboxes.keys():
            return  # a reload took a mailbox away while the route waited here
        probe = self._probe(route)
        # Taken now: while the journal writes, a reload may take a mailbox away.
        settings = self._mailboxes[route.sender]
        recipient = self._mailboxes[route.recipient].mailbox
        if self._logins.resting(route.sender, settings):
            self._drop(route, LOGIN_REFUSED)  # while the route waited here
            return
        message = compose(settings.mailbox, recipient, self._token(probe), probe.planned_at)
        if await self._opened(probe):
            event = await self._handed(probe, recipient.address, message)
            self._logins.note(route.sender, settings, event)
            await self._correlator.record(probe.id, event)

    async def _opened(self, probe: Probe) -> bool:
        """Journal the probe; False if that cannot be done."""
        try:
            await finished(self._correlator.open(probe))
        except JournalUnwritableError as error:
            self._shut_until = self._now() + REST_AFTER_SHUT
            self._correlator.count(unfired=1)
            self._log.error("probe.unfired", why=str(error))
            return False
        except asyncio.CancelledError:
            stopped = "stopped before the message was handed over"
            event = Unsent(self._now(), Stage.CONNECT, Cause.CANCELLED, stopped)
            await self._correlator.record(probe.id, event)
            raise
        return True

    async def _handed(self, probe: Probe, address: str, message: bytes) -> Submission:
        try:
            return await self._handing.submit(probe.sender, address, message)
        except asyncio.CancelledError as cancelled:
            event = self._handing.submission_of(cancelled) or Unconfirmed(
                self._now(), Cause.CANCELLED, "stopped while the message was handed over"
            )
            await self._correlator.record(probe.id, event)
            raise

    def _probe(self, route: Route) -> Probe:
        sender = self._mailboxes[route.sender].mailbox
        recipient = self._mailboxes[route.recipient].mailbox
        return Probe(
            id=probe_id(self._chance(10)),
            sender=sender.id,
            recipient=recipient.id,
            sender_provider=sender.provider,
            recipient_provider=recipient.provider,
            client=recipient.client or sender.client,
            planned_at=self._now(),
            delayed_after=route.delayed_after,
            lost_after=route.lost_after,
        )

    def _token(self, probe: Probe) -> str:
        digest = route_digest(probe.sender, probe.recipient)
        token = Token(self._signer.instance, digest, probe.id, probe.planned_at)
        return encode(token, self._signer.key)
