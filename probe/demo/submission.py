"""A provider's submission server (RFC 6409): logins, limits, and the fates that strike there."""

import asyncio
import hmac
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from probe.config.secret import Secret
from probe.config.settings import Tls
from probe.demo.commons import Commons
from probe.demo.fates import AT_LOGIN, AT_SUBMISSION, Active, Case, Fate, Step
from probe.demo.ledger import Entry, What
from probe.demo.listener import Listener
from probe.demo.vendors import Vendor

# A probe has a few KiB. With the limits of queue and folders this bounds what the world holds.
MAX_MESSAGE = 64 * 1024
# RFC 5321 §4.5.3.1.8 asks for 100.
_MAX_RECIPIENTS = 100
# RFC 5321 §4.5.3.2.7: a server waits for the next command at least 5 minutes.
_COMMAND_TIMEOUT = 300.0
_EARLY_REFUSALS = {
    Step.GREETING: "421 4.3.2 System not accepting network messages",
    Step.AUTH: "454 4.7.0 Temporary authentication failure",
}


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message as its sender gave it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    helo: str
    peer: str


class QueueFullError(Exception):
    """The world takes no more messages for now."""


Accept = Callable[[Submitted], str]
"""Takes a message over for all its recipients and gives it a queue id. Raises QueueFullError."""


class SubmissionServer:
    """Listens, and hands what it accepts to the post office."""

    def __init__(
        self,
        vendor: Vendor,
        passwords: Mapping[str, Secret],
        commons: Commons,
        tls: ssl.SSLContext,
        accept: Accept,
    ) -> None:
        # aiosmtpd logs every line, and challenges with what was answered to them.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
        self.vendor = vendor
        self.passwords = passwords
        self.commons = commons
        self.tls = tls
        self.accept = accept
        implicit = vendor.submission_tls is Tls.IMPLICIT
        self.listener = Listener(self._protocol, tls if implicit else None)

    def _protocol(self, listener: Listener) -> asyncio.BaseProtocol:
        return _Dialogue(self, listener)

    def choose(self, step: Step, sender: str, recipient: str = "") -> Active | None:
        """The fate that strikes at this step."""
        case = Case(sender or f"@{self.vendor.domain}", recipient, step)
        return self.commons.fates.choose(AT_SUBMISSION, case)

    def log_in(self, address: str, password: bytes) -> bool:
        """Whether the password is right, and no fate says otherwise."""
        known = self.passwords.get(address.lower())
        if known is None or not hmac.compare_digest(known.reveal().encode(), password):
            return False
        return self.commons.fates.choose(AT_LOGIN, Case(address.lower())) is None

    def note_refused(self, reply: str, sender: str, recipient: str = "") -> None:
        """Write down that a sender was told no."""
        entry = Entry(self.commons.now(), What.REFUSED, sender, recipient, detail=reply)
        self.commons.ledger.note(entry)


class _Dialogue(SMTP):
    """One connection."""

    def __init__(self, server: SubmissionServer, listener: Listener) -> None:
        implicit = server.vendor.submission_tls is Tls.IMPLICIT
        super().__init__(
            _Handler(server),
            data_size_limit=MAX_MESSAGE,
            hostname=server.vendor.host("smtp"),
            ident=f"ESMTP {server.vendor.title}",
            tls_context=None if implicit else server.tls,
            require_starttls=not implicit,
            auth_require_tls=not implicit,
            authenticator=self._authenticate_by_password,
            timeout=_COMMAND_TIMEOUT,
            loop=asyncio.get_running_loop(),
        )
        self._desk = server
        self._listener = listener
        self.account = ""
        """The address that logged in."""

    @property
    def client(self) -> str:
        """The address of the other end."""
        name = self.transport.get_extra_info("peername") if self.transport else None
        return str(name[0]) if name else ""

    async def _handle_client(self) -> None:
        """Greet and serve; a connection that breaks is the client's right, not an error."""
        assert self.transport is not None  # set by connection_made, which starts this
        try:
            with self._listener.serving(self.transport):
                if await self.go_on(Step.GREETING):
                    await super()._handle_client()
        except ConnectionError:
            return

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """RFC 4954."""
        if await self.go_on(Step.AUTH):
            await super().smtp_AUTH(arg)

    def _authenticate_by_password(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _: str, given: object
    ) -> AuthResult:
        if isinstance(given, LoginPassword):
            address = given.login.decode("utf-8", "replace")
            if self._desk.log_in(address, given.password):
                self.account = address.lower()
                return AuthResult(success=True)
        # handled=False: with aiosmtpd's default no reply at all would be sent.
        words = self._desk.vendor.words.wrong_password
        return AuthResult(success=False, handled=False, message=words)

    async def go_on(self, step: Step) -> bool:
        """Meet the fate of a step before any address is known; False if the answer is given."""
        active = self._desk.choose(step, "")
        if active is None:
            return True
        if active.rule.fate is Fate.REFUSE:
            reply = active.rule.reply or _EARLY_REFUSALS[step]
            self._desk.note_refused(reply, "")
            await self.push(reply)
            return False
        await self.suffer(active)
        return True

    async def suffer(self, active: Active) -> None:
        """Hang until the rule is lifted or the client has gone, or cut the connection."""
        if active.rule.fate is Fate.CUT:
            await self._listener.abort_current()
        await active.lifted.wait()


class _Handler:
    """What aiosmtpd calls for each command; the method names are its interface."""

    def __init__(self, desk: SubmissionServer) -> None:
        self._desk = desk

    async def handle_MAIL(  # noqa: N802
        self, server: _Dialogue, _: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        sender = address.lower()
        if not server.account:
            return "530 5.7.0 Authentication required"
        if sender != server.account:
            return f"553 5.7.1 <{address}>: Sender address rejected: not owned by user"
        if refusal := await self._meet(server, Step.MAIL, sender):
            return refusal
        envelope.mail_from = sender
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: _Dialogue, _: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        recipient = address.lower()
        if refusal := await self._meet(server, Step.RCPT, server.account, recipient):
            return refusal
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: _Dialogue, session: Session, envelope: Envelope
    ) -> str:
        first = envelope.rcpt_tos[0]
        active = self._desk.choose(Step.DATA, server.account, first)
        if active is None:
            return self._accept(server, session, envelope)
        if active.rule.fate is Fate.REFUSE:
            return self._refuse(active, server.account, first)
        kept = active.rule.kept
        reply = self._accept(server, session, envelope) if kept else "451 4.3.0 Try again"
        await server.suffer(active)
        return reply

    async def _meet(
        self, server: _Dialogue, step: Step, sender: str, recipient: str = ""
    ) -> str | None:
        """The refusal that a fate asks for, after hanging if it asks for that."""
        active = self._desk.choose(step, sender, recipient)
        if active is None:
            return None
        if active.rule.fate is Fate.REFUSE:
            return self._refuse(active, sender, recipient)
        await server.suffer(active)
        return None

    def _refuse(self, active: Active, sender: str, recipient: str) -> str:
        reply = active.rule.words(self._desk.vendor.words.refused, recipient)
        self._desk.note_refused(reply, sender, recipient)
        return reply

    def _accept(self, server: _Dialogue, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)  # aiosmtpd's decode_data is off
        vendor, commons = self._desk.vendor, self._desk.commons
        submitted = Submitted(
            sender=server.account,
            recipients=tuple(envelope.rcpt_tos),
            content=envelope.content,
            helo=session.host_name or "",
            peer=server.client,
        )
        try:
            queue_id = self._desk.accept(submitted)
        except QueueFullError:
            return "452 4.3.1 Insufficient system storage"
        return vendor.words.accepted.format(
            queue_id=queue_id,
            message_id=f"{queue_id}@{vendor.host('smtp')}",
            seconds=int(commons.now()),
            host=vendor.host("smtp"),
        )
