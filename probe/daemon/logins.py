"""Which senders' logins were refused, and so are not tried again for a while.

Providers lock an account after a few wrong passwords within minutes, and a monitor with many
routes would be locked out by its own diligence.
"""

from collections.abc import Callable

from probe.config.settings import MailboxSettings
from probe.core.event import Refused, Submission
from probe.mail.reply import Stage

CREDENTIALS_REST = 900.0
"""Seconds after a refused login: four tries an hour lock nobody out, and a mended password is
noticed soon enough. Changed settings (a reload) are tried at once."""


class Logins:
    """The refusals, by mailbox; a refusal counts for the settings that were refused."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._refused: dict[str, tuple[MailboxSettings, float]] = {}

    def note(self, mailbox: str, settings: MailboxSettings, event: Submission) -> None:
        """See what became of a submission. A 4yz at login is a throttle and no refusal."""
        self._refused.pop(mailbox, None)
        if isinstance(event, Refused) and event.stage is Stage.AUTH and event.reply.permanent:
            self._refused[mailbox] = (settings, self._now())

    def resting(self, mailbox: str, settings: MailboxSettings) -> bool:
        """Whether these settings were refused so shortly ago that they are not tried."""
        refused, at = self._refused.get(mailbox, (None, 0.0))
        return refused == settings and self._now() - at < CREDENTIALS_REST
