"""From an endpoint to a logged-in session; each thing that can go wrong has its cause."""

import base64
import binascii
import socket
import ssl
from collections.abc import Callable, Sequence

from aioimaplib.aioimaplib import AUTH

from probe.config.settings import Endpoint, Tls
from probe.core.observation import WatchCause, WatchLost
from probe.mail.reply import Stage
from probe.transport import certificate, tls
from probe.transport.dial import DialError, dial
from probe.transport.imap import names, refusal, sasl
from probe.transport.imap.client import Client
from probe.transport.imap.request import Request
from probe.transport.imap.session import Session
from probe.transport.imap.words import words

CertificateSeen = Callable[[str, str, float], None]
"""Called with host, ``imap`` and the end of the certificate's validity."""


async def log_in(
    endpoint: Endpoint, *, now: Callable[[], float], certificate_seen: CertificateSeen
) -> Session:
    """Connect, protect, log in.

    Raises:
        WatchLost: with the step that failed as its cause.
    """
    context = None if endpoint.tls is Tls.PLAIN else _context(endpoint)
    implicit = context if endpoint.tls is Tls.IMPLICIT else None
    client = Client(
        await _dial(endpoint), endpoint.host, timeout=endpoint.timeout, now=now, tls=implicit
    )
    try:
        await _greeting(client, endpoint)
        if endpoint.tls is Tls.STARTTLS and context is not None:
            await _start_tls(client, endpoint, context)
        _tell_certificate(client, certificate_seen)
        await authenticate(client, endpoint.username, endpoint.password.reveal())
    except BaseException:
        client.abort()
        raise
    return Session(client)


async def authenticate(client: Client, user: str, password: str) -> None:
    """Log in, by LOGIN where it can carry the name, else by AUTHENTICATE PLAIN.

    Raises:
        WatchLost: CREDENTIALS only if the server really said so.
    """
    protocol = client.protocol
    await _know_capabilities(client)
    if protocol.state == AUTH:  # PREAUTH: the server knows who we are
        return
    token = sasl.plain(user, password)
    protocol.secrets = tuple(filter(None, (password, names.escape(password))))
    can_login = "LOGINDISABLED" not in protocol.capabilities  # RFC 9051 §6.2.3
    if can_login and names.quotable(user) and names.quotable(password):
        await _finish(client, "LOGIN", names.quote(user), names.quote(password))
    elif "AUTH=PLAIN" in protocol.capabilities:
        await authenticate_sasl(client, "PLAIN", token)
    else:
        why = "the name or password is not ASCII" if can_login else "LOGIN is disabled here"
        raise WatchLost(WatchCause.REFUSED, f"{why}, and AUTHENTICATE PLAIN is not offered")


async def authenticate_sasl(client: Client, mechanism: str, initial: bytes) -> None:
    """AUTHENTICATE with one message (RFC 9051 §6.2.2).

    A server that refuses may first explain itself in a challenge, as Google does in JSON; it is
    answered with an empty line, which makes the server say its NO.
    """
    protocol = client.protocol
    encoded = base64.b64encode(initial).decode()
    protocol.secrets = (encoded, *protocol.secrets)
    inline = "SASL-IR" in protocol.capabilities  # RFC 4959
    unsent = [] if inline else [encoded]
    explained: list[str] = []

    def answer(challenge: bytes) -> str:
        if unsent:
            return unsent.pop()
        explained.append(_decoded(challenge))
        return ""

    arguments = (mechanism, encoded) if inline else (mechanism,)
    await _finish(client, "AUTHENTICATE", *arguments, answer=answer, explained=explained)


async def _finish(
    client: Client,
    name: str,
    *arguments: str,
    answer: Callable[[bytes], str] | None = None,
    explained: Sequence[str] = (),
) -> None:
    """Send the login, judge the answer, and learn what the server can do now."""
    protocol = client.protocol
    # RFC 9051 §6.1.1: what was offered before the login says nothing about after it.
    protocol.capabilities = set()
    request = Request(name, protocol.new_tag(), *arguments, challenge=answer)
    await protocol.execute(request)
    if not request.is_ok:
        lost = refusal.login_refused(request.status)
        detail = protocol.scrub(" ".join((lost.detail, *explained[:1])))
        raise WatchLost(lost.cause, detail, retry_after=lost.retry_after)
    protocol.state = AUTH
    await _know_capabilities(client)


async def _know_capabilities(client: Client) -> None:
    protocol = client.protocol
    if not protocol.capabilities:
        request = Request("CAPABILITY", protocol.new_tag())
        await protocol.execute(request)
        if not request.is_ok:
            raise refusal.refused(request.status, doing="CAPABILITY")
    if not protocol.capabilities & {"IMAP4REV1", "IMAP4"}:
        offered = words(" ".join(sorted(protocol.capabilities))) or "nothing"
        raise WatchLost(
            WatchCause.PROTOCOL, f"the server does not speak IMAP4rev1; it offers {offered}"
        )


async def _dial(endpoint: Endpoint) -> socket.socket:
    try:
        dialled = await dial(endpoint.host, endpoint.port, timeout=endpoint.timeout)
    except DialError as error:
        cause = WatchCause.RESOLVE if error.stage is Stage.RESOLVE else WatchCause.CONNECT
        raise WatchLost(cause, str(error)) from None
    return dialled.socket


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        return tls.context(endpoint.ca_file)
    except OSError as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else None
        why = reason or "it holds no certificate in PEM form"
        detail = f"ca_file {endpoint.ca_file} cannot be used: {why}"
        raise WatchLost(WatchCause.TLS, detail) from None


async def _greeting(client: Client, endpoint: Endpoint) -> None:
    """Wait for the TLS handshake, if any, and for the greeting."""
    try:
        await client.wait_hello_from_server()
    except TimeoutError:
        other = "not for TLS, set tls: starttls" if client.is_tls else "for TLS, set tls: implicit"
        detail = f"no greeting within {client.timeout:g} s; if this port is {other}"
        raise WatchLost(WatchCause.SILENT, detail) from None
    except OSError as error:
        raise _handshake_failed(endpoint, error) from None


async def _start_tls(client: Client, endpoint: Endpoint, context: ssl.SSLContext) -> None:
    protocol = client.protocol
    # RFC 9051 §11.1: PREAUTH forbids STARTTLS, so that an attacker would only have to say it.
    if protocol.state == AUTH:
        raise WatchLost(WatchCause.TLS, "the server greets with PREAUTH, so STARTTLS cannot be")
    await _know_capabilities(client)
    if "STARTTLS" not in protocol.capabilities:
        raise WatchLost(
            WatchCause.TLS,
            "it offers no STARTTLS, and nothing was sent in clear: check the port, "
            "or set tls: implicit",
        )
    request = Request("STARTTLS", protocol.new_tag())
    await protocol.execute(request)
    if not request.is_ok:
        raise WatchLost(WatchCause.TLS, f"STARTTLS: {words(request.status.text)}")
    try:
        await client.start_tls(context)
    except OSError as error:
        raise _handshake_failed(endpoint, error) from None


def _handshake_failed(endpoint: Endpoint, error: OSError) -> WatchLost:
    """What asyncio raises while connecting on a connected socket is about TLS."""
    if isinstance(error, ssl.SSLError):
        detail = certificate.failure(endpoint.host, endpoint.port, error)
        return WatchLost(WatchCause.TLS, detail)
    return WatchLost(WatchCause.TLS, f"handshake: {words(str(error))}")


def _tell_certificate(client: Client, certificate_seen: CertificateSeen) -> None:
    wire = client.protocol.transport
    tls_object = wire.get_extra_info("ssl_object") if wire is not None else None
    peer = tls_object.getpeercert() if tls_object is not None else None
    ends = certificate.not_after(peer)
    if ends is not None:
        certificate_seen(client.host, "imap", ends)


def _decoded(challenge: bytes) -> str:
    try:
        return words(base64.b64decode(challenge, validate=True))
    except binascii.Error:
        return words(challenge)
