"""Masks a mailbox's password in what its mail says, before that is written down.

A server knows the password of who logged in, and may quote it in a bounce: into the journal, and
from there onto a page. What the servers say directly is masked by the transport.
"""

import base64
from dataclasses import dataclass, replace

from probe.config.settings import Endpoint, MailboxSettings
from probe.core.event import Notified, Sighted
from probe.mail.dsn import Dsn

SHORTEST = 8
"""Characters. Shorter ones are ordinary words, without which a header could not be read; no
provider takes them."""

MASK = "**"


@dataclass(frozen=True, slots=True, repr=False)
class Masking:
    """The forms of one mailbox's passwords."""

    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: MailboxSettings) -> "Masking":
        """For both of its servers."""
        endpoints = (settings.smtp.endpoint, settings.imap.endpoint)
        found = [form for endpoint in endpoints for form in _forms(endpoint)]
        return cls(tuple(sorted(set(found), key=len, reverse=True)))

    def sighted(self, event: Sighted) -> Sighted:
        """With a header that can be shown."""
        return replace(event, header=self.text(event.header))

    def notified(self, event: Notified) -> Notified:
        """With words that can be shown."""
        return replace(event, dsn=self._dsn(event.dsn), raw=self.text(event.raw))

    def text(self, text: str) -> str:
        """Without any form of a password."""
        for form in self.forms:
            text = text.replace(form, MASK)
        return text

    def _dsn(self, dsn: Dsn) -> Dsn:
        recipients = tuple(
            replace(
                one,
                recipient=self.text(one.recipient),
                diagnostic=self._maybe(one.diagnostic),
                remote_mta=self._maybe(one.remote_mta),
            )
            for one in dsn.recipients
        )
        return replace(dsn, recipients=recipients, reporting_mta=self._maybe(dsn.reporting_mta))

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)


def _forms(endpoint: Endpoint) -> list[str]:
    secret = endpoint.password.reveal()
    if len(secret) < SHORTEST:
        return []
    sasl = f"\0{endpoint.username}\0{secret}"  # RFC 4616
    return [secret, *(base64.b64encode(text.encode()).decode() for text in (secret, sasl))]
