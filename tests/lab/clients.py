"""A plain sender and reader for the lab's own tests: the standard library, nothing of ours."""

import imaplib
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Self

from tests.lab import addresses
from tests.lab.provider import Account

PATIENCE = 50.0
"""Seconds of silence after which a test gives up, shortly before pytest does.

Mail takes about one, on a busy machine with its retries ten times as long."""


def compose(sender: Account, recipient: str, token: str) -> EmailMessage:
    """Write a message that can be found by its token."""
    message = EmailMessage()
    message["From"] = sender.address
    message["To"] = recipient
    message["Subject"] = f"lab {token}"
    message["Message-ID"] = f"<{token}@{sender.provider}.test>"
    message.set_content("A message of the mail lab.\n")
    return message


def submit(sender: Account, recipient: str, token: str, ca: ssl.SSLContext) -> str:
    """Submit a message as its owner would, and return the server's last word."""
    host = addresses.PROVIDERS[sender.provider]
    with smtplib.SMTP(host, addresses.SUBMISSION, timeout=PATIENCE) as smtp:
        smtp.starttls(context=ca)
        smtp.login(sender.address, sender.password)
        code, reply = smtp.mail(sender.address)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, reply, sender.address)
        code, reply = smtp.rcpt(recipient)
        if code != 250:
            raise smtplib.SMTPRecipientsRefused({recipient: (code, reply)})
        code, reply = smtp.data(compose(sender, recipient, token).as_bytes())
        if code != 250:
            raise smtplib.SMTPDataError(code, reply)
        return reply.decode()


class Reader:
    """One IMAP session over TLS that waits for mail with IDLE (RFC 2177)."""

    def __init__(self, owner: Account, ca: ssl.SSLContext, folder: str = "INBOX") -> None:
        host = addresses.PROVIDERS[owner.provider]
        self._imap = imaplib.IMAP4_SSL(host, addresses.IMAPS, ssl_context=ca, timeout=PATIENCE)
        try:
            self._imap.login(owner.address, owner.password)
            self._imap.select(folder, readonly=True)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._imap.shutdown()

    def certificate(self) -> Mapping[str, object]:
        """Return what the server showed, as ssl.getpeercert() does."""
        assert isinstance(self._imap.sock, ssl.SSLSocket)
        return self._imap.sock.getpeercert() or {}

    def patience(self, seconds: float) -> None:
        """Give up after so many seconds of silence."""
        self._imap.sock.settimeout(seconds)

    def wait_for(self, token: str) -> bytes:
        """Return the message in which this text stands, once it is there."""
        while not (numbers := self.find(token)):
            if not self._news_during_search():
                news = self.idle()
                while not news:
                    news = b" EXISTS" in self.hear()
                self.done()
        _, parts = self._imap.fetch(numbers[0], "(BODY.PEEK[])")
        assert isinstance(parts[0], tuple)
        return bytes(parts[0][1])

    def find(self, token: str) -> list[str]:
        """Return the numbers of the messages in which this text stands."""
        self._imap.response("EXISTS")  # what is known already is no news
        _, found = self._imap.search(None, "TEXT", f'"{token}"')
        return bytes(found[0]).decode().split()

    def _news_during_search(self) -> bool:
        """Say whether mail came too late for the SEARCH but was told in its answer."""
        _, counts = self._imap.response("EXISTS")
        return counts != [None]

    def idle(self) -> bool:
        """Ask to be told of news, and say whether there is some at once."""
        self._imap.send(b"lab IDLE\r\n")
        news = False
        while not (line := self.hear()).startswith(b"+"):
            news = news or b" EXISTS" in line
        return news

    def done(self) -> None:
        """Leave IDLE."""
        self._imap.send(b"DONE\r\n")
        while not self.hear().startswith(b"lab "):
            pass

    def hear(self) -> bytes:
        """Return the server's next line; EOFError when it has hung up."""
        line = self._imap.readline()
        if not line:
            raise EOFError("the server closed the connection")
        return line
