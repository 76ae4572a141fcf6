"""pymap on loopback: a real IMAP server with a mailbox that the test can fill."""

import asyncio
import contextlib
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, DictBackend, Identity
from pymap.backend.dict.mailbox import MailboxData
from pymap.concurrent import Event
from pymap.context import connection_exit
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing.command.select import IdleCommand
from pymap.parsing.message import AppendMessage
from pymap.parsing.response import Response
from pymap.parsing.specials.flag import Flag
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

USER, PASSWORD = "probe@blue.test", 'Hunter"2\\x'


class RealServer:
    """One user with INBOX, Junk and Sent."""

    def __init__(self, backend: DictBackend, config: Config) -> None:
        self._login = backend.login
        self._config = config
        self.port = 0
        self.logins = 0

    async def box(self, folder: str) -> MailboxData:
        async with Identity(USER, self._login, None, frozenset()).new_session() as session:
            return await session.mailbox_set.get_mailbox(folder)

    async def put(self, message: bytes, folder: str = "INBOX", *, seen: bool = False) -> int:
        """Deliver; the UID it got."""
        flags = frozenset({Flag(b"\\Seen")} if seen else ())
        box = await self.box(folder)
        stored = await box.append(AppendMessage(message, datetime.now(UTC), flags))  # noqa: TID251 - the server's clock
        return int(stored.uid)

    async def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """What is in the folder: UID and flags."""
        box = await self.box(folder)
        return {m.uid: {str(flag) for flag in m.permanent_flags} async for m in box.messages()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.logins += 1
        info = SocketInfoLocal(writer.transport)
        connection = _Connection(self._config.commands, self._config, reader, writer, info)
        # A client may go at any moment; that is what is tested.
        with contextlib.suppress(OSError, EOFError):
            async with AsyncExitStack() as stack:
                connection_exit.set(stack)
                stack.enter_context(closing(connection))
                await connection.run(ConnectionState(self._login, self._config))


class _Connection(IMAPConnection):
    """pymap waits for the next change without telling what came just before the IDLE."""

    async def handle_updates(self, state: ConnectionState, done: Event, cmd: IdleCommand) -> None:
        while not done.is_set():
            untagged = await self._changes(state, cmd)
            if not untagged:
                untagged = list(await self._exec(state.receive_updates(cmd, done)))
            await asyncio.shield(self.write_updates(untagged))

    async def _changes(self, state: ConnectionState, cmd: IdleCommand) -> list[Response]:
        selected = await state.session.check_mailbox(state.selected)
        state._selected, untagged = selected.fork(cmd)
        return list(untagged)


@asynccontextmanager
async def real_server(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> AsyncIterator[RealServer]:
    """A server, and its end."""
    args = Namespace(
        host=None, port=0, debug=False, cert=None, key=None, tls=tls is not None,
        passlib_cfg=None, proxy_protocol=None, demo_data=False, demo_user="", demo_password="",
        inherited_sockets=None,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        backend, config = await DictBackend.init(args, hash_context=Cleartext(), ssl_context=tls)
        config.apply_context()
        server = RealServer(backend, config)
        identity = Identity(USER, backend.login, None, frozenset())
        await identity.set(UserMetadata(config, USER, password=PASSWORD))
        async with identity.new_session() as session:
            for folder in ("Junk", "Sent"):
                await session.mailbox_set.add_mailbox(folder)
        listening = await asyncio.start_server(
            server.serve, "127.0.0.1", 0, ssl=tls if implicit else None
        )
        stack.push_async_callback(listening.wait_closed)
        stack.callback(listening.close)
        server.port = listening.sockets[0].getsockname()[1]
        yield server
