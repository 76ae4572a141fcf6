"""aiosmtpd in this loop: an SMTP server that was not written by us."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.transport.smtp.harness import PASSWORD

USERNAME = b"probe@north.test"


@dataclass
class Handler:
    """Takes every message, and counts the logins that were tried."""

    messages: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(mechanism)
        good = data == LoginPassword(USERNAME, PASSWORD.encode())
        # handled=True would send no reply at all
        return AuthResult(success=good, handled=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.messages.append(envelope.content)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 2.0.0 Ok: queued as A1B2C3D4E5"


@dataclass
class Real:
    """A running aiosmtpd; ``starttls`` is what it upgrades with, ``tls`` what it begins with."""

    handler: Handler = field(default_factory=Handler)
    port: int = 0
    _server: asyncio.Server | None = None

    async def start(
        self,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        def protocol() -> SMTP:
            return SMTP(
                self.handler,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=self.handler.authenticate,
                auth_required=starttls is not None,  # without TLS it warns
                auth_require_tls=starttls is not None,
                decode_data=False,
                enable_SMTPUTF8=True,
                hostname="mx.test",
                **options,
            )

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
