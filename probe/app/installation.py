"""One running installation: the journal, the wire, the loops, joined."""

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from probe import logs
from probe.config.settings import MailboxSettings, Settings
from probe.core import match
from probe.core.match import Signer
from probe.daemon.clock import Clock
from probe.daemon.engine import Engine, Wire
from probe.journal.errors import JournalUnusableError, JournalUnwritableError
from probe.journal.store import Store
from probe.transport.imap import ImapWatch
from probe.transport.smtp import Submitter, submission_of

CertificateSeen = Callable[[str, str, float], None]
"""(host, protocol, when it expires in seconds since 1970)."""


class SentAt(Protocol):
    """When we sent the probe that a message is, or is about; None: it must not be removed."""

    def __call__(self, header: bytes, body: bytes | None, signer: Signer) -> float | None:
        """Asked of each message before it is removed."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the commands work with."""

    engine: Engine
    journal: Path
    store: Store


@asynccontextmanager
async def installed(
    settings: Settings,
    journal: Path,
    signer: Signer,
    certificate_seen: CertificateSeen,
    *,
    sent_at: SentAt = match.sent_at,
    around: Callable[[Wire], Wire] = lambda wire: wire,
) -> AsyncIterator[Installation]:
    """Open the journal and join the rooms; on leaving, close in order.

    The loops run within ``engine.run()``: whoever listens to them begins before they do, so
    that not even what a restart finds is missed.

    Args:
        settings: the config to begin with.
        journal: the file.
        signer: who we are.
        certificate_seen: told of every certificate.
        sent_at: asked of each message before it is removed.
        around: put between the loops and the wire.

    Raises:
        JournalUnusableError: the journal cannot be opened.
    """
    store = Store.open(journal)
    try:
        clock = Clock()
        await _one_time(store, clock)
        joined = _Joined(
            clock, lambda header, body: sent_at(header, body, signer), certificate_seen
        )
        engine = Engine(settings, store, signer, around(joined.wire()), clock)
        joined.engine = engine
        try:
            yield Installation(engine, journal, store)
        finally:
            await joined.submitter.close()
    finally:
        await store.close()


async def _one_time(store: Store, clock: Clock) -> None:
    """The machine's clock may have been set since the journal was written."""
    try:
        moved = await store.take_over_clock(clock.boot, clock.anchor, clock.now())
    except JournalUnwritableError as error:
        raise JournalUnusableError(str(error)) from error
    if moved:
        logs.get().warning("clock.set", seconds=round(moved, 3), when="before this start")


class _Joined:
    """The wire and the loops need each other: the wire asks which settings are in force."""

    engine: Engine

    def __init__(
        self,
        clock: Clock,
        sent_at: Callable[[bytes, bytes | None], float | None],
        certificate_seen: CertificateSeen,
    ) -> None:
        self.submitter = Submitter(self._settings, clock.now, certificate_seen)
        self._watch = ImapWatch(
            self._settings,
            now=clock.now,
            is_ours=sent_at,
            looks_like_report=match.looks_like_report,
            expecting=self._expecting,
            certificate_seen=certificate_seen,
        )

    def wire(self) -> Wire:
        """The transport as the loops see it."""
        return Wire(
            submit=self.submitter.submit,
            stop_submitting=self.submitter.stop,
            submission_of=submission_of,
            watch=self._watch,
            random_bytes=os.urandom,
            random_share=random.random,
        )

    def _expecting(self, mailbox: str) -> float | None:
        return self.engine.correlator.flights.expecting(mailbox)

    def _settings(self, mailbox: str) -> MailboxSettings:
        return self.engine.settings.mailboxes[mailbox]
