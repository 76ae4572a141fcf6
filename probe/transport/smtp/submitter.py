"""Submission of messages (RFC 6409): one call, exactly one event."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from probe.config.settings import MailboxSettings
from probe.core.event import Accepted, Cause, Refused, Submission, Unconfirmed, Unsent
from probe.transport.smtp import failure
from probe.transport.smtp.channel import QUIT_PATIENCE, CertificateSeen
from probe.transport.smtp.connection import Connection
from probe.transport.smtp.exchange import Exchange
from probe.transport.smtp.lane import Lane

_STOPPED = "stopped by mailprobe's own shutdown"


def submission_of(cancelled: asyncio.CancelledError) -> Submission | None:
    """What had become of a ``Submitter.submit`` that this cancellation ended."""
    found = getattr(cancelled, "submission", None)
    return found if isinstance(found, Accepted | Refused | Unsent | Unconfirmed) else None


class Submitter:
    """Sends messages for all sender mailboxes; each mailbox's go one after the other.

    Two ways to end a submission that is under way:

    * ``stop()``: every ``submit`` returns at once with ``Unsent`` or ``Unconfirmed`` and
      ``Cause.CANCELLED``. This is the way to shut down.
    * cancelling the task: the connection is closed and ``CancelledError`` goes on, as it must;
      ``submission_of`` finds the event on it.
    """

    def __init__(
        self,
        settings: Callable[[str], MailboxSettings],
        now: Callable[[], float],
        certificate_seen: CertificateSeen,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._now = now
        self._clock = clock
        self._certificate_seen = certificate_seen
        self._lanes: dict[str, Lane] = {}
        self._leaving: set[Connection] = set()
        self._deadlines: set[asyncio.Timeout] = set()
        self._stopped = False

    async def submit(self, sender_id: str, recipient_address: str, message: bytes) -> Submission:
        """Submit one message and tell what became of it; raises nothing but cancellation."""
        exchange = Exchange(self._clock, self._now)
        try:
            mailbox = self._settings(sender_id)
        except KeyError:
            detail = f"mailbox {sender_id} is not in the config any more"
            return exchange.ended(Cause.CANCELLED, detail)
        try:
            return await self._within_time(
                sender_id, mailbox, recipient_address, message, exchange
            )
        except asyncio.CancelledError as cancelled:
            cancelled.submission = exchange.ended(Cause.CANCELLED, _STOPPED)  # type: ignore[attr-defined]  # read by submission_of
            raise

    async def _within_time(
        self,
        sender_id: str,
        mailbox: MailboxSettings,
        recipient: str,
        message: bytes,
        exchange: Exchange,
    ) -> Submission:
        """Wait for the sender's turn, then for the submission; each has the total time."""
        limit = mailbox.smtp.total_timeout
        lane = self._lane(sender_id)
        try:
            async with asyncio.timeout(limit) as deadline:
                self._deadlines.add(deadline)
                async with lane.lock:
                    if self._stopped:
                        return exchange.ended(Cause.CANCELLED, _STOPPED)
                    deadline.reschedule(asyncio.get_running_loop().time() + limit)
                    return await _submit(lane, mailbox, recipient, message, exchange)
        except TimeoutError:
            if self._stopped:
                return exchange.ended(Cause.CANCELLED, _STOPPED)
            return exchange.ended(Cause.TIMEOUT, f"not done within {limit:g} s in all")
        finally:
            self._deadlines.discard(deadline)

    def stop(self) -> None:
        """End every submission under way or waiting, and begin no more."""
        self._stopped = True
        at_once = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(at_once)

    async def close(self) -> None:
        """Stop, leave every server, and wait until the connections are gone."""
        self.stop()
        for lane in self._lanes.values():
            async with asyncio.timeout(QUIT_PATIENCE), lane.lock:
                lane.leave()
        if self._leaving:
            gone = [connection.closed for connection in self._leaving]
            await asyncio.wait(gone, timeout=QUIT_PATIENCE)
        for connection in tuple(self._leaving):
            connection.abort()

    def _lane(self, sender_id: str) -> Lane:
        if sender_id not in self._lanes:
            self._lanes[sender_id] = Lane(self._certificate_seen, self._left)
        return self._lanes[sender_id]

    def _left(self, connection: Connection) -> None:
        """Remember a connection until it is gone."""
        self._leaving.add(connection)
        forget = partial(self._leaving.discard, connection)
        connection.closed.add_done_callback(lambda _: forget())


async def _submit(
    lane: Lane, mailbox: MailboxSettings, recipient: str, message: bytes, exchange: Exchange
) -> Submission:
    exchange.begin(mailbox.smtp.endpoint)
    try:
        return await lane.submit(mailbox, recipient, message, exchange)
    except failure.EXPECTED as error:
        return failure.event(error, exchange, mailbox.smtp.endpoint)
