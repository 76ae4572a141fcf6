"""Foreign clients for the world: the standard library's, so that nothing of ours tests itself."""

import asyncio
import imaplib
import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from itertools import count
from pathlib import Path

from probe.config.settings import Endpoint, MailboxSettings, Tls

_serial = count(1)
_ids_lock = threading.Lock()

PATIENCE = 10.0
"""An outer guard; nothing takes so long."""


def context(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def new_message_id() -> str:
    with _ids_lock:
        return f"<probe-{next(_serial)}@tests.example>"


def message(sender: str, recipient: str, message_id: str, body: str = "Good day.") -> str:
    return (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: A probe\r\n"
        f"Message-ID: {message_id}\r\n\r\n{body}\r\n"
    )


def smtp_connect(endpoint: Endpoint, timeout: float = PATIENCE) -> smtplib.SMTP:
    """Connected, with TLS, not logged in."""
    trusted = context(endpoint.ca_file)
    if endpoint.tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(endpoint.host, endpoint.port, context=trusted, timeout=timeout)
    client = smtplib.SMTP(endpoint.host, endpoint.port, timeout=timeout)
    try:
        client.starttls(context=trusted)
    except BaseException:
        client.close()
        raise
    return client


@contextmanager
def smtp_session(box: MailboxSettings, timeout: float = PATIENCE) -> Iterator[smtplib.SMTP]:
    endpoint = box.smtp.endpoint
    client = smtp_connect(endpoint, timeout)
    try:
        client.login(endpoint.username, endpoint.password.reveal())
        yield client
        client.quit()
    finally:
        client.close()


def send_now(
    box: MailboxSettings, recipient: str, text: str | bytes = "", timeout: float = PATIENCE
) -> str:
    """Submit one message and return its Message-ID. Raises what smtplib raises."""
    message_id = new_message_id()
    sender = box.mailbox.address
    with smtp_session(box, timeout) as client:
        client.sendmail(sender, [recipient], text or message(sender, recipient, message_id))
    return message_id


async def send(
    box: MailboxSettings, recipient: str, text: str | bytes = "", patience: float = PATIENCE
) -> str:
    return await asyncio.to_thread(send_now, box, recipient, text, patience)


@contextmanager
def imap_session(box: MailboxSettings) -> Iterator[imaplib.IMAP4]:
    endpoint = box.imap.endpoint
    trusted = context(endpoint.ca_file)
    client: imaplib.IMAP4
    if endpoint.tls is Tls.IMPLICIT:
        client = imaplib.IMAP4_SSL(
            endpoint.host, endpoint.port, ssl_context=trusted, timeout=PATIENCE
        )
    else:
        client = imaplib.IMAP4(endpoint.host, endpoint.port, timeout=PATIENCE)
    with client:
        if endpoint.tls is Tls.STARTTLS:
            client.starttls(trusted)
        client.login(endpoint.username, endpoint.password.reveal())
        yield client


def read_now(box: MailboxSettings, folder: str = "INBOX") -> list[bytes]:
    """All messages of a folder, oldest first."""
    with imap_session(box) as client:
        status, selected = client.select(f'"{folder}"', readonly=True)
        assert status == "OK"
        if selected == [b"0"]:
            return []
        _, answer = client.fetch("1:*", "(BODY.PEEK[])")
        return [item[1] for item in answer if isinstance(item, tuple)]


async def read(box: MailboxSettings, folder: str = "INBOX") -> list[EmailMessage]:
    raw = await asyncio.to_thread(read_now, box, folder)
    parser = BytesParser(policy=policy.default)
    return [parser.parsebytes(content) for content in raw]


class Idler:
    """A client that waits for pushes, on asyncio streams, for implicit TLS only."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, box: MailboxSettings) -> "Idler":
        endpoint = box.imap.endpoint
        assert endpoint.tls is Tls.IMPLICIT
        trusted = context(endpoint.ca_file)
        made = cls(*await asyncio.open_connection(endpoint.host, endpoint.port, ssl=trusted))
        await made._line_with(b"* OK")
        await made.command(f"LOGIN {endpoint.username} {endpoint.password.reveal()}")
        await made.command("SELECT INBOX")
        made._writer.write(b"i IDLE\r\n")
        await made._line_with(b"+ ")
        return made

    async def command(self, text: str) -> list[bytes]:
        self._writer.write(f"c {text}\r\n".encode())
        lines = [await self._line()]
        while not lines[-1].startswith(b"c "):
            lines.append(await self._line())
        assert lines[-1].startswith(b"c OK"), lines[-1]
        return lines

    async def exists(self, number: int) -> None:
        """Wait until the server tells of so many messages."""
        await self._line_with(b"* %d EXISTS" % number)

    async def done(self) -> list[bytes]:
        """End IDLE; what the server said until then."""
        self._writer.write(b"DONE\r\n")
        lines = [await self._line()]
        while not lines[-1].startswith(b"i "):
            lines.append(await self._line())
        return lines

    async def end(self) -> None:
        """Wait until the server closes the connection."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while await self._reader.readline():
                    pass

    async def close(self) -> None:
        self._writer.transport.abort()
        with suppress(ConnectionError, ssl.SSLError):
            await self._writer.wait_closed()

    async def _line(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            line = await self._reader.readline()
        assert line, "the server closed the connection"
        return line

    async def _line_with(self, wanted: bytes) -> None:
        while wanted not in await self._line():
            pass
