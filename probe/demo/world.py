"""The embedded mail world: providers on loopback, and the post between them."""

import asyncio
import contextlib
import datetime as dt
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Self

from probe.config.secret import Secret
from probe.config.settings import MailboxSettings
from probe.demo import trust
from probe.demo.commons import Commons
from probe.demo.fates import Fates
from probe.demo.ledger import Ledger
from probe.demo.post import PostOffice
from probe.demo.provider import Provider
from probe.demo.vendors import BLUEPOST, HARBOR, NORTHMAIL, VENDORS, Vendor

_LOCAL_PARTS = ("a", "b")
_ROLES = ("smtp", "imap")
# RFC 5321 §4.5.4.1 asks for four or five days; a demo shows the end of it.
_QUEUE_LIFETIME = 300.0


class World:
    """Three providers, their mailboxes and their mail. Made by ``open``."""

    def __init__(self, commons: Commons, trusted: trust.Trust, post: PostOffice) -> None:
        self._commons = commons
        self._ca_file = trusted.ca_file
        self._post = post
        self.providers = {
            vendor.id: Provider(vendor, _passwords(vendor), commons, trusted.server, post.accept)
            for vendor in VENDORS
        }
        post.serve({each.vendor.domain: each for each in self.providers.values()})

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        *,
        directory: Path | None = None,
        seed: int | None = None,
        pace: float = 1.0,
        queue_lifetime: float = _QUEUE_LIFETIME,
        now: Callable[[], float] = time.time,  # noqa: TID251 - the world's own edge
    ) -> AsyncIterator[Self]:
        """Run a world until the context ends.

        Args:
            directory: for its certificates; a temporary one if not given.
            seed: of delays and queue ids.
            pace: all delays between servers are multiplied by this.
            queue_lifetime: a provider gives a deferred message up after this many seconds.
            now: the clock.
        """
        with contextlib.ExitStack() as stack:
            if directory is None:
                made = tempfile.TemporaryDirectory(prefix="mailprobe-world-")
                directory = Path(stack.enter_context(made))
            names = [vendor.host(role) for vendor in VENDORS for role in _ROLES]
            trusted = trust.found(directory, names, dt.datetime.fromtimestamp(now(), dt.UTC))
            fates = Fates({vendor.domain: vendor.id for vendor in VENDORS}, now)
            chance = Random(seed)  # noqa: S311 - chance, not secrecy
            commons = Commons(fates, Ledger(), now, chance, pace)
            failure: Exception | None = None
            async with asyncio.TaskGroup() as tasks:
                world = cls(commons, trusted, PostOffice(commons, tasks, queue_lifetime))
                try:
                    await world._start()
                    yield world
                except Exception as error:  # noqa: BLE001 - raised below, not wrapped in a group
                    failure = error
                finally:
                    await world._close()
            if failure:
                raise failure

    @property
    def northmail(self) -> Provider:
        """STARTTLS to submit, implicit TLS to read; junk is ``Junk``."""
        return self.providers[NORTHMAIL.id]

    @property
    def bluepost(self) -> Provider:
        """Implicit TLS; junk is ``Spam``; keeps a copy in ``Sent Mail``."""
        return self.providers[BLUEPOST.id]

    @property
    def harbor(self) -> Provider:
        """STARTTLS; junk is ``Bulk Mail``."""
        return self.providers[HARBOR.id]

    @property
    def mailboxes(self) -> tuple[MailboxSettings, ...]:
        """All of them, as mailprobe would be configured for them."""
        return tuple(
            mailbox
            for provider in self.providers.values()
            for mailbox in provider.mailboxes(self._ca_file)
        )

    @property
    def fates(self) -> Fates:
        """What is to become of the messages."""
        return self._commons.fates

    @property
    def ledger(self) -> Ledger:
        """What became of them."""
        return self._commons.ledger

    @property
    def on_the_way(self) -> int:
        """How many messages are between two mailboxes."""
        return self._post.on_the_way

    async def settled(self, within: float = 30.0) -> None:
        """Wait until every message has arrived or is gone, and every notice too.

        Raises:
            TimeoutError: some are still on the way.
        """
        async with asyncio.timeout(within):
            await self._post.settled()

    async def _start(self) -> None:
        for provider in self.providers.values():
            await provider.open_accounts()
            await provider.start()

    async def _close(self) -> None:
        self.fates.lift_all()
        self._post.close()
        for provider in self.providers.values():
            await provider.close()
        self._post.close()  # what came in while the doors were closing


def _passwords(vendor: Vendor) -> dict[str, Secret]:
    return {
        f"{local_part}@{vendor.domain}": Secret(secrets.token_urlsafe(18))
        for local_part in _LOCAL_PARTS
    }
