"""Greeting, TLS, capabilities and login, against a server that misbehaves (rows G, A, L1, L2)."""

# ruff: noqa: N802 - a name begins with the id of its row, which is upper case

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from probe.config.settings import Tls
from probe.core.observation import WatchCause, WatchLost
from probe.transport import tls as tls_contexts
from probe.transport.dial import dial
from probe.transport.imap import sasl
from probe.transport.imap.client import Client
from probe.transport.imap.login import authenticate_sasl, log_in
from probe.transport.imap.session import Session
from tests.transport.imap.conftest import Certificates
from tests.transport.imap.scripted import (
    CAPABILITY,
    GREETING,
    OK,
    Action,
    Peer,
    Script,
    close,
    hang,
    reset,
    scripted,
)
from tests.transport.imap.world import HASTY, endpoint, now

PASSWORD = 'Hunter"2\\x'
PLAIN_ONLY: list[Action] = [b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\n", OK]

SASL_ONLY: list[Action] = [b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR\r\n", OK]


async def attempt(port: int, **how: object) -> Session:
    return await log_in(
        endpoint(port, **how),  # type: ignore[arg-type]  # by name
        now=now,
        certificate_seen=lambda *_: None,
    )


async def failure(port: int, **how: object) -> WatchLost:
    with pytest.raises(WatchLost) as caught:
        (await attempt(port, **how)).abort()
    return caught.value


def no(text: bytes) -> Script:
    return {"LOGIN": [b"TAG " + text + b"\r\n"]}


REFUSED_AT_ONCE: list[tuple[str, Sequence[Action], Script, WatchCause, str]] = [
    (
        "G2",
        [b"* BYE too many connections\r\n", close],
        {},
        WatchCause.THROTTLED,
        "too many connections",
    ),
    ("G2b", [b"* BYE going down\r\n", close], {}, WatchCause.CLOSED, "going down"),
    ("G3", [b"HTTP/1.1 400 Bad Request\r\n"], {}, WatchCause.PROTOCOL, "HTTP/1.1 400 Bad Request"),
    ("G4", [b"* BYE BROKEN backend\r\n"], {}, WatchCause.CLOSED, "BROKEN backend"),
    ("G4b", [b"* NO BROKEN backend\r\n"], {}, WatchCause.PROTOCOL, "BROKEN backend"),
    ("G4c", [b"* 5 EXISTS\r\n"], {}, WatchCause.PROTOCOL, "5 EXISTS"),
    ("G5", [GREETING], {"CAPABILITY": [b"TAG NO not today\r\n"]}, WatchCause.REFUSED, "not today"),
    (
        "G5b",
        [GREETING],
        {"CAPABILITY": [b"* CAPABILITY IMAP4rev2 IDLE\r\n", OK]},
        WatchCause.PROTOCOL,
        "it offers IDLE IMAP4REV2",
    ),
    ("G9", [b"\x15\x03\x01\x00\x02\x02\x0a"], {}, WatchCause.TLS, "tls: implicit"),
    ("L1", [GREETING], {"LOGIN": [close]}, WatchCause.CLOSED, "closed the connection"),
    ("L1b", [GREETING], {"LOGIN": [reset]}, WatchCause.CLOSED, "connection lost"),
    (
        "L2",
        [GREETING],
        {"LOGIN": [b"* BYE maintenance\r\n", close]},
        WatchCause.CLOSED,
        "maintenance",
    ),
    ("P13", [GREETING], {"LOGIN": [b"ZZZ9 OK done\r\n"]}, WatchCause.PROTOCOL, "done"),
    (
        "A7b",
        [GREETING],
        {"CAPABILITY": [b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n", OK]},
        WatchCause.REFUSED,
        "LOGIN is disabled",
    ),
]


@pytest.mark.parametrize(
    ("greeting", "script", "cause", "words"),
    [row[1:] for row in REFUSED_AT_ONCE],
    ids=[row[0] for row in REFUSED_AT_ONCE],
)
async def test_a_login_that_cannot_be_fails_at_once_with_the_servers_words(
    greeting: Sequence[Action], script: Script, cause: WatchCause, words: str
) -> None:
    async with scripted(script, greeting=greeting) as server:
        lost = await failure(server.port)
        await server.gone.wait()
    assert lost.cause is cause
    assert words in lost.detail


LOGIN_ANSWERS = [
    (b"NO [AUTHENTICATIONFAILED] Authentication failed.", WatchCause.CREDENTIALS, None),
    (b"NO [AUTHORIZATIONFAILED] not you", WatchCause.CREDENTIALS, None),
    (b"NO LOGIN failed, please try again.", WatchCause.CREDENTIALS, None),
    (b"NO AUTHENTICATE failed.", WatchCause.CREDENTIALS, None),
    (
        b"NO Request is throttled. Suggested Backoff Time: 92415 milliseconds",
        WatchCause.THROTTLED,
        92.415,
    ),
    (
        b"BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds",
        WatchCause.THROTTLED,
        1.0,
    ),
    (b"NO [ALERT] Too many simultaneous connections. (Failure)", WatchCause.THROTTLED, None),
    (b"NO [UNAVAILABLE] Temporary System Problem", WatchCause.THROTTLED, None),
    (b"NO [UNAVAILABLE] Internal error", WatchCause.THROTTLED, None),
    (b"NO [LIMIT] enough", WatchCause.THROTTLED, None),
    (b"NO [INUSE] locked", WatchCause.THROTTLED, None),
    (b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.", WatchCause.THROTTLED, None),
    (b"NO Server Unavailable. 15", WatchCause.THROTTLED, None),
    (b"BAD User is authenticated but not connected.", WatchCause.REFUSED, None),
    (b"NO User is authenticated but not connected.", WatchCause.REFUSED, None),
    (b"BAD no such command", WatchCause.REFUSED, None),
    (b"NO [PRIVACYREQUIRED] use TLS", WatchCause.REFUSED, None),
]


@pytest.mark.parametrize(("answer", "cause", "retry_after"), LOGIN_ANSWERS)
async def test_only_a_real_no_to_the_login_is_about_credentials(
    answer: bytes, cause: WatchCause, retry_after: float | None
) -> None:
    async with scripted(no(answer)) as server:
        lost = await failure(server.port)
    assert lost.cause is cause
    assert lost.retry_after == retry_after
    assert answer.partition(b" ")[2].decode() in lost.detail


async def test_the_no_counts_even_if_the_connection_ends_with_it() -> None:
    answer: list[Action] = [b"TAG NO [AUTHENTICATIONFAILED] wrong\r\n", close]
    async with scripted({"LOGIN": answer}) as server:
        assert (await failure(server.port)).cause is WatchCause.CREDENTIALS


async def test_G1_a_server_that_says_nothing_is_silent_and_its_connection_is_dropped() -> None:
    async with scripted(greeting=[hang]) as server:
        lost = await failure(server.port, timeout=HASTY)
        await server.gone.wait()
    assert lost.cause is WatchCause.SILENT
    assert "tls: implicit" in lost.detail


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN"])
async def test_a_login_that_is_not_answered_is_silent_never_credentials(command: str) -> None:
    async with scripted({command: [hang]}) as server:
        lost = await failure(server.port, timeout=HASTY)
        await server.gone.wait()
    assert lost.cause is WatchCause.SILENT
    assert command in lost.detail


async def test_G6_capabilities_are_compared_without_case() -> None:
    script = {"CAPABILITY": [b"* CAPABILITY imap4rev1 idle uidplus move\r\n", OK]}
    async with scripted(script) as server:
        session = await attempt(server.port)
        assert session.can("IDLE")
        session.abort()


async def test_G7_a_login_replaces_the_capabilities_by_those_in_its_answer() -> None:
    answer = b"TAG OK [CAPABILITY IMAP4rev1 IDLE MULTIAPPEND] Login successful.\r\n"
    async with scripted({"LOGIN": [answer]}) as server:
        session = await attempt(server.port)
        known = session._protocol.capabilities
        session.abort()
    assert known == {"IMAP4REV1", "IDLE", "MULTIAPPEND"}
    assert server.count(b"CAPABILITY") == 1


async def test_A2_after_a_login_that_tells_no_capabilities_they_are_asked_for_again() -> None:
    asked = 0

    async def tell(peer: Peer) -> None:
        nonlocal asked
        asked += 1
        more = b" MOVE XLATER" if asked > 1 else b" STARTTLS"
        await peer.say(b"* CAPABILITY IMAP4rev1" + more + b"\r\n" + OK)

    async with scripted({"CAPABILITY": [tell]}) as server:
        session = await attempt(server.port)
        assert session.can("XLATER")
        assert not session.can("STARTTLS")
        session.abort()


async def test_preauth_needs_no_login() -> None:
    async with scripted(greeting=[b"* PREAUTH you again\r\n"]) as server:
        session = await attempt(server.port)
        assert await session.folders()
        session.abort()
    assert server.count(b"LOGIN") == 0


async def test_A6_names_and_passwords_are_quoted() -> None:
    async with scripted() as server:
        (await attempt(server.port, user="front desk", password=PASSWORD)).abort()
        await server.gone.wait()
    assert rb'LOGIN "front desk" "Hunter\"2\\x"' in server.received


async def test_A7_a_name_that_login_cannot_carry_goes_by_authenticate_plain() -> None:
    expected = base64.b64encode("\0büro\0pä".encode())

    async def challenge(peer: Peer) -> None:
        await peer.say(b"+ \r\n")
        answers.append(await peer.hear())
        await peer.say(OK)

    answers: list[bytes] = []
    script: Script = {
        "CAPABILITY": [b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", OK],
        "AUTHENTICATE": [challenge],
    }
    async with scripted(script) as server:
        (await attempt(server.port, user="büro", password="pä")).abort()
        await server.gone.wait()
    assert answers == [expected]
    assert b"AUTHENTICATE PLAIN" in server.received


async def test_A7c_a_name_that_nothing_can_carry_is_a_clear_refusal() -> None:
    async with scripted() as server:
        lost = await failure(server.port, user="büro")
    assert lost.cause is WatchCause.REFUSED
    assert "not ASCII" in lost.detail
    assert server.count(b"LOGIN") == 0


async def test_A12_logindisabled_is_obeyed() -> None:
    script: Script = {"CAPABILITY": PLAIN_ONLY, "AUTHENTICATE": [b"+ \r\n", hang]}
    async with scripted(script) as server:
        await failure(server.port, timeout=HASTY)
    assert server.count(b"AUTHENTICATE PLAIN") == 1
    assert server.count(b"LOGIN") == 0


@asynccontextmanager
async def greeted(port: int, capabilities: str) -> AsyncIterator[Client]:
    """A connection before its login."""
    dialled = await dial("127.0.0.1", port, timeout=5)
    client = Client(dialled.socket, "127.0.0.1", timeout=30, now=now, tls=None)
    try:
        await client.wait_hello_from_server()
        client.protocol.capabilities = set(capabilities.split())
        yield client
    finally:
        client.abort()


@pytest.mark.parametrize("sasl_ir", [True, False], ids=["A1", "A1 and A3"])
async def test_a_challenge_that_explains_a_refusal_is_answered_and_kept(sasl_ir: bool) -> None:
    reason = base64.b64encode(json.dumps({"status": "400", "scope": "mail"}).encode())
    token = sasl.xoauth2("ü@x", "t0ken")  # A5: UTF-8
    heard: list[bytes] = []

    async def refuse(peer: Peer) -> None:
        if not sasl_ir:
            await peer.say(b"+ \r\n")
            heard.append(await peer.hear())
        await peer.say(b"+ " + reason + b"\r\n")
        heard.append(await peer.hear())
        await peer.say(b"TAG NO AUTHENTICATE failed.\r\n")

    async with (
        scripted({"AUTHENTICATE": [refuse]}) as server,
        greeted(server.port, "IMAP4REV1 SASL-IR" if sasl_ir else "IMAP4REV1") as client,
    ):
        with pytest.raises(WatchLost) as caught:
            await authenticate_sasl(client, "XOAUTH2", token)
    encoded = base64.b64encode(token)
    assert heard[-1] == b""
    assert (encoded in server.received[0]) is sasl_ir
    assert (heard[0] == encoded) is not sasl_ir
    assert caught.value.cause is WatchCause.CREDENTIALS
    assert '"status": "400"' in caught.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        b"TAG NO wrong: LOGIN u ECHO\r\n",
        b"TAG BAD LOGIN u ECHO\r\n",
        b"* BYE LOGIN u ECHO\r\n",
        b"nonsense ECHO\r\n",
        b"ZZZ9 OK ECHO\r\n",
    ],
)
@pytest.mark.parametrize(
    "echo", [PASSWORD, 'Hunter\\"2\\\\x', base64.b64encode(b"\0u\0" + PASSWORD.encode()).decode()]
)
async def test_A8_a_password_that_the_server_echoes_is_in_no_exception(
    answer: bytes, echo: str
) -> None:
    said = [answer.replace(b"ECHO", echo.encode())]
    by_login = echo.startswith("Hunter")
    script: Script = {"LOGIN": said, "AUTHENTICATE": said}
    if not by_login:
        script = {
            **script,
            "CAPABILITY": [b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR\r\n", OK],
        }
    async with scripted(script) as server:
        lost = await failure(server.port, password=PASSWORD)
    assert echo not in str(lost)
    assert "**" in str(lost)


@pytest.mark.parametrize("by", ["LOGIN", "PLAIN"], ids=["A9", "A10"])
async def test_nothing_secret_is_logged_even_at_debug(
    by: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "aioimaplib.aioimaplib")
    script: Script = {"CAPABILITY": SASL_ONLY} if by == "PLAIN" else {}
    async with scripted(script) as server:
        session = await attempt(server.port, password=PASSWORD)
        await session.open("INBOX")
        await session.logout()
        await server.gone.wait()
    secrets = [PASSWORD, "Hunter", base64.b64encode(b"\0u\0" + PASSWORD.encode()).decode()]
    assert any(secret.encode() in b"\n".join(server.received) for secret in secrets)
    assert not [secret for secret in secrets if secret in caplog.text]


# --- TLS -------------------------------------------------------------------------------


def upgrade(certificates: Certificates, *before: bytes) -> list[Action]:
    """Accept STARTTLS, and slip these octets in before the handshake."""

    async def handshake(peer: Peer) -> None:
        await peer.say(b"TAG OK go\r\n" + b"".join(before))
        await peer.writer.start_tls(certificates.server)

    return [handshake]


STARTTLS_OFFERED = [b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n", OK]


async def test_G8_starttls_is_done_before_the_login(certificates: Certificates) -> None:
    offers = iter([b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n", CAPABILITY, CAPABILITY])

    async def offer(peer: Peer) -> None:
        await peer.say(next(offers) + OK)

    script: Script = {"CAPABILITY": [offer], "STARTTLS": upgrade(certificates)}
    async with scripted(script) as server:
        session = await attempt(server.port, tls=Tls.STARTTLS, ca_file=certificates.ca_file)
        assert session.can("IDLE")
        assert not session.can("LOGINDISABLED")
        session.abort()
        await server.gone.wait()
    verbs = [line.split()[0] for line in server.received]
    assert verbs == [b"CAPABILITY", b"STARTTLS", b"CAPABILITY", b"LOGIN", b"CAPABILITY"]


async def test_G8b_a_server_without_starttls_never_sees_the_password() -> None:
    async with scripted() as server:
        lost = await failure(server.port, tls=Tls.STARTTLS)
    assert lost.cause is WatchCause.TLS
    assert server.count(b"LOGIN") == 0


async def test_preauth_before_starttls_is_an_attack() -> None:
    async with scripted(greeting=[b"* PREAUTH hi\r\n"]) as server:
        lost = await failure(server.port, tls=Tls.STARTTLS)
    assert lost.cause is WatchCause.TLS
    assert server.received == []


async def test_G10_what_came_before_the_handshake_is_discarded(certificates: Certificates) -> None:
    offers = iter([b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", CAPABILITY, CAPABILITY])

    async def offer(peer: Peer) -> None:
        await peer.say(next(offers) + OK)

    forged = b"* CAPABILITY IMAP4rev1 XFORGED\r\n* BYE forged\r\n"
    script: Script = {"CAPABILITY": [offer], "STARTTLS": upgrade(certificates, forged)}
    async with scripted(script) as server:
        session = await attempt(server.port, tls=Tls.STARTTLS, ca_file=certificates.ca_file)
        assert not session.can("XFORGED")
        await session.open("INBOX")
        session.abort()


async def test_implicit_tls_tells_when_the_certificate_ends(certificates: Certificates) -> None:
    seen: list[tuple[str, str, float]] = []
    async with scripted(tls=certificates.server) as server:
        at = endpoint(server.port, tls=Tls.IMPLICIT, ca_file=certificates.ca_file)
        session = await log_in(at, now=now, certificate_seen=lambda *said: seen.append(said))
        session.abort()
    [(host, protocol, not_after)] = seen
    assert (host, protocol) == ("127.0.0.1", "imap")
    assert not_after > now()


async def test_an_unknown_authority_is_a_tls_failure(certificates: Certificates) -> None:
    async with scripted(tls=certificates.server) as server:
        lost = await failure(server.port, tls=Tls.IMPLICIT)
    assert lost.cause is WatchCause.TLS
    assert "certificate" in lost.detail


async def test_G9b_tls_on_a_plain_port_fails_at_once_and_says_what_to_check() -> None:
    async with scripted() as server:
        lost = await failure(server.port, tls=Tls.IMPLICIT)
    assert lost.cause is WatchCause.TLS
    assert "port" in lost.detail


async def test_a_handshake_that_is_not_answered_is_silence() -> None:
    async with scripted(greeting=[hang]) as server:
        lost = await failure(server.port, tls=Tls.IMPLICIT, timeout=HASTY)
        await server.gone.wait()
    assert lost.cause is WatchCause.SILENT
    assert "tls: starttls" in lost.detail


async def test_a_handshake_that_is_cancelled_drops_its_connection() -> None:
    connected = asyncio.Event()

    async def accept(_: Peer) -> None:
        connected.set()

    async with scripted(greeting=[accept, hang]) as server, asyncio.TaskGroup() as group:
        login = group.create_task(attempt(server.port, tls=Tls.IMPLICIT))
        await connected.wait()
        login.cancel()
        await server.gone.wait()


async def test_a_ca_file_that_is_none_is_a_tls_failure_with_its_path() -> None:
    lost = await failure(1, tls=Tls.IMPLICIT, ca_file=__file__)
    assert lost.cause is WatchCause.TLS
    assert "test_login.py" in lost.detail


async def test_R1_connections_share_one_context(certificates: Certificates) -> None:
    first = tls_contexts.context(certificates.ca_file)
    assert tls_contexts.context(certificates.ca_file) is first
    assert first.verify_mode is ssl.CERT_REQUIRED


async def test_a_port_where_nobody_listens_is_a_connect_failure() -> None:
    async with scripted() as server:
        port = server.port
    lost = await failure(port, timeout=5.0)
    assert lost.cause is WatchCause.CONNECT


async def test_a_login_that_is_cancelled_drops_its_connection() -> None:
    async with scripted({"LOGIN": [hang]}) as server, asyncio.TaskGroup() as group:
        login = group.create_task(attempt(server.port))
        await server.until_heard(b"LOGIN")
        login.cancel()
        await server.gone.wait()
