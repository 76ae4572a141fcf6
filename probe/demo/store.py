"""A provider's mailboxes, and the IMAP server in front of them: pymap's, in memory."""

import asyncio
import contextlib
import ssl
from argparse import Namespace
from collections.abc import Iterable
from contextlib import AsyncExitStack, closing

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.concurrent import Event, Subsystem
from pymap.context import connection_exit
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing.command.select import IdleCommand
from pymap.parsing.message import AppendMessage
from pymap.parsing.response import Response
from pymap.parsing.specials.flag import Flag
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from probe.config.secret import Secret
from probe.config.settings import Tls
from probe.demo.commons import Commons
from probe.demo.fates import AT_LOGIN, Case
from probe.demo.listener import Listener
from probe.demo.vendors import Vendor

INBOX = "INBOX"
_SEEN = Flag(b"\\Seen")
# What a client may APPEND; as much as may be submitted.
_MAX_APPEND = 64 * 1024
# A folder that nobody cleans is full then; mailprobe cleans its own, and the probes of an hour
# to one mailbox are fewer.
MAX_FOLDER = 2_000


class MailStore:
    """The accounts of one provider."""

    def __init__(self, vendor: Vendor, commons: Commons, tls: ssl.SSLContext) -> None:
        self.vendor = vendor
        self._config = _Config.of(vendor, tls)
        self._login = _Login(self._config, commons)
        self._speaking = Event.for_asyncio()
        self._speaking.set()
        self.silent = False
        implicit = vendor.imap_tls is Tls.IMPLICIT
        self.listener = Listener(self._protocol, tls if implicit else None)

    async def open_account(self, address: str, password: Secret) -> None:
        """Make an account with its folders."""
        user = UserMetadata(self._config, address, password=password.reveal())
        identity = Identity(address, self._login, None, frozenset())
        await identity.set(user)
        async with identity.new_session() as session:
            for folder in (self.vendor.junk, self.vendor.sent):
                await session.mailbox_set.add_mailbox(folder)

    def knows(self, address: str) -> bool:
        """Whether there is such an account."""
        return address in self._login.users_dict

    async def has_room(self, address: str, folder: str) -> bool:
        """Whether the folder takes one more message."""
        return (await (await self._box(address, folder)).snapshot()).exists < MAX_FOLDER

    async def store(
        self, address: str, folder: str, content: bytes, *, seen: bool = False
    ) -> None:
        """Put a message into a folder; whoever watches it is told at once."""
        box = await self._box(address, folder)
        flags = frozenset({_SEEN} if seen else ())
        message = AppendMessage(content, self._login.commons.moment(), flags)
        await box.append(message, recent=True)

    async def _box(self, address: str, folder: str) -> MailboxData:
        async with Identity(address, self._login, None, frozenset()).new_session() as session:
            return await session.mailbox_set.get_mailbox(folder)

    def silence(self) -> None:
        """Go on answering commands, but push nothing to who idles."""
        self.silent = True
        self._speaking.clear()

    def speak(self) -> None:
        """Push again, first of all what was held back."""
        self.silent = False
        self._speaking.set()

    def _protocol(self, listener: Listener) -> asyncio.BaseProtocol:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A connection that breaks, or that breaks the rules, is over; the server is not.
            broken = contextlib.suppress(OSError, EOFError, ValueError)
            with broken, listener.serving(writer.transport):
                await self._serve(reader, writer)

        # Not pymap's ProxyProtocolReader: on Python 3.13 it loses idle connections.
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self._config, reader, writer, self._speaking)
        async with AsyncExitStack() as stack:
            connection_exit.set(stack)
            stack.enter_context(closing(connection))
            await connection.run(ConnectionState(self._login, self._config))


class _Config(Config):
    """pymap's settings for one vendor."""

    @classmethod
    def of(cls, vendor: Vendor, tls: ssl.SSLContext) -> "_Config":
        args = Namespace(
            host=None, port=0, debug=False, cert=None, key=None, tls=True, passlib_cfg=None,
            proxy_protocol=None, demo_data=False, demo_user="", demo_password="",
        )  # fmt: skip
        made = cls(
            args,
            host=None,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            ssl_context=tls,
            tls_enabled=vendor.imap_tls is Tls.STARTTLS,
            # The passwords are as short-lived as the world: hashing them would cost each login
            # a quarter of a second and a thread pool.
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            max_append_len=_MAX_APPEND,
        )
        made.title = vendor.title
        return made

    title = ""

    @property
    def greeting(self) -> bytes:
        """Said to who connects. The one of pymap looks the host's name up in the DNS each time."""
        return f"{self.title} IMAP server ready".encode("ascii")


class _Login(Login):
    """Lets accounts in, unless a fate says otherwise."""

    def __init__(self, config: Config, commons: Commons) -> None:
        super().__init__(config)
        self.commons = commons

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        """RFC 9051 §6.2.3."""
        if self.commons.fates.choose(AT_LOGIN, Case(credentials.authcid)):
            raise InvalidAuth
        return await super().authenticate(credentials)


class _Peer(SocketInfoLocal):
    """To pymap a client on loopback is trusted with a plaintext login. To a provider it is not."""

    @property
    def from_localhost(self) -> bool:
        return False


class _Connection(IMAPConnection):
    """One client. Its pushes can be held back, and none is missed."""

    __slots__ = ["_speaking"]

    def __init__(
        self,
        config: Config,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        speaking: Event,
    ) -> None:
        super().__init__(config.commands, config, reader, writer, _Peer(writer.transport))
        self._speaking = speaking

    async def handle_updates(self, state: ConnectionState, done: Event, cmd: IdleCommand) -> None:
        """Push during IDLE (RFC 2177).

        pymap's own loop only waits, so that a message which comes while the push of another is
        being written is told with the next one, perhaps minutes later. This one looks first.
        """
        while not done.is_set():
            if not self._speaking.is_set():
                await done.or_event(self._speaking).wait()
                continue
            untagged = await self._changes(state, cmd)
            if not untagged:
                untagged = list(await self._exec(state.receive_updates(cmd, done)))
                if not self._speaking.is_set():
                    await done.or_event(self._speaking).wait()
            await asyncio.shield(self.write_updates(untagged))

    async def _changes(self, state: ConnectionState, cmd: IdleCommand) -> Iterable[Response]:
        selected = await state.session.check_mailbox(state.selected)
        state._selected, untagged = selected.fork(cmd)  # noqa: SLF001 - as receive_updates does
        return list(untagged)
