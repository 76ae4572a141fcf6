"""The ``Watch`` of ``core.observation``, over IMAP: log in, patrol, and leave politely."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

from probe.config.settings import MailboxSettings
from probe.core.mailbox import Folder
from probe.core.observation import Bookmark, Errand, Observation
from probe.transport.imap.errands import IsOurs
from probe.transport.imap.login import CertificateSeen, log_in
from probe.transport.imap.patrol import Patrol, Surroundings


class ImapWatch:
    """The ``Watch`` of ``core.observation``, over IMAP."""

    def __init__(
        self,
        settings: Callable[[str], MailboxSettings],
        *,
        now: Callable[[], float],
        is_ours: IsOurs,
        looks_like_report: Callable[[bytes], bool],
        expecting: Callable[[str], float | None],
        certificate_seen: CertificateSeen,
    ) -> None:
        self._settings = settings
        self._around = Surroundings(now, is_ours, looks_like_report, expecting, certificate_seen)

    async def __call__(
        self,
        mailbox_id: str,
        errands: "asyncio.Queue[Errand]",
        bookmarks: Mapping[Folder, Bookmark],
    ) -> AsyncGenerator[Observation, None]:
        """Watch until closed.

        Raises:
            WatchLost: whatever ended it.
        """
        settings, around = self._settings(mailbox_id).imap, self._around
        session = await log_in(
            settings.endpoint, now=around.now, certificate_seen=around.certificate_seen
        )
        try:
            patrol = Patrol(session, settings, around, mailbox_id, errands, bookmarks)
            while True:
                for observation in await patrol.step():
                    yield observation
        except GeneratorExit:  # closed by the caller, between two commands
            await session.logout()
            raise
        finally:
            session.abort()
