"""TLS: what is verified, what is refused, and what is said about it."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from probe.config.settings import Tls
from probe.core.event import Accepted, Cause, Submission, Unsent
from probe.mail.reply import Stage
from probe.transport import certificate
from tests.transport.smtp.conftest import Scene, context_of
from tests.transport.smtp.harness import BRIEF, dialogue
from tests.transport.smtp.scripted import GREETING, Peer, Script, hang, upgrade

NOW = datetime.now(UTC)  # noqa: TID251 - certificates are judged by the real clock
OFFER = "250-mx.test\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 8BITMIME"

both = pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])


def served(context: ssl.SSLContext, tls: Tls) -> tuple[Script, ssl.SSLContext | None]:
    """What a scripted server needs to offer this kind of protection."""
    if tls is Tls.IMPLICIT:
        return {}, context
    return {"EHLO": OFFER, "STARTTLS": upgrade(context)}, None


def why_unsent(event: Submission) -> str:
    """The detail of a failure in the TLS stage."""
    assert isinstance(event, Unsent), event
    assert (event.stage, event.cause) == (Stage.TLS, Cause.TLS), event
    return event.detail


@both
async def test_a_verified_connection_is_used_and_its_certificate_reported(
    scene: Scene, authority: trustme.CA, ca_file: Path, tls: Tls
) -> None:
    ends = NOW.replace(microsecond=0) + timedelta(days=30)
    context = context_of(authority.issue_cert("127.0.0.1", not_after=ends))
    _, bench = await scene(*served(context, tls), tls=tls, ca_file=ca_file)
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert set(event.timings) == set(Stage)
    assert any(line.startswith("*: TLSv1.3 established") for line in dialogue(event.transcript))
    assert bench.certificates == [("127.0.0.1", "smtp", ends.timestamp())]


@both
async def test_an_expired_certificate_is_refused_with_its_date(
    scene: Scene, authority: trustme.CA, ca_file: Path, tls: Tls
) -> None:
    ended = NOW.replace(microsecond=0) - timedelta(days=3)
    leaf = authority.issue_cert("127.0.0.1", not_before=ended - timedelta(9), not_after=ended)
    server, bench = await scene(*served(context_of(leaf), tls), tls=tls, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert f"the certificate of 127.0.0.1 expired on {ended:%Y-%m-%d}" in detail
    assert "renew" in detail
    assert bench.certificates == [("127.0.0.1", "smtp", ended.timestamp())]
    assert sum(server.count("AUTH")) == 0


@both
async def test_a_certificate_for_another_name_is_refused_with_its_names(
    scene: Scene, authority: trustme.CA, ca_file: Path, tls: Tls
) -> None:
    context = context_of(authority.issue_cert("mx1.north.test", "mx2.north.test"))
    server, bench = await scene(*served(context, tls), tls=tls, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert detail == (
        "the certificate of 127.0.0.1 is for mx1.north.test, mx2.north.test, not for "
        "127.0.0.1: check the host in the config"
    )
    assert bench.certificates == []
    assert sum(server.count("AUTH")) == 0


@both
async def test_a_certificate_of_an_unknown_authority_is_refused(
    scene: Scene, ca_file: Path, tls: Tls
) -> None:
    context = context_of(trustme.CA().issue_cert("127.0.0.1"))
    server, bench = await scene(*served(context, tls), tls=tls, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert "issued by an unknown authority" in detail
    assert "ca_file" in detail
    assert sum(server.count("AUTH")) == 0


async def test_a_certificate_is_not_valid_before_its_time(
    scene: Scene, authority: trustme.CA, ca_file: Path
) -> None:
    begins = NOW + timedelta(days=3)
    leaf = authority.issue_cert("127.0.0.1", not_before=begins, not_after=begins + timedelta(9))
    _, bench = await scene({}, context_of(leaf), tls=Tls.IMPLICIT, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert f"not valid yet before {begins:%Y-%m-%d}" in detail
    assert "clock" in detail


async def test_the_look_at_a_bad_certificate_is_not_in_the_transcript(
    scene: Scene, authority: trustme.CA, ca_file: Path
) -> None:
    context = context_of(authority.issue_cert("other.test"))
    server, bench = await scene({}, context, tls=Tls.IMPLICIT, ca_file=ca_file)
    event = await bench.submit()
    assert dialogue(event.transcript) == [
        f"*: connected to 127.0.0.1 port {server.port}",
        f"*: {why_unsent(event)}",
    ]
    assert set(event.timings) == {Stage.RESOLVE, Stage.CONNECT, Stage.TLS}


async def test_plain_smtp_where_tls_is_expected_is_said(scene: Scene, ca_file: Path) -> None:
    server, bench = await scene(tls=Tls.IMPLICIT, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert detail == (
        f"127.0.0.1 port {server.port} does not speak TLS from the first octet: "
        "check the port, or set tls: starttls"
    )


async def test_tls_where_plain_smtp_is_expected_is_a_time_out(
    scene: Scene, ca_file: Path, server_context: ssl.SSLContext
) -> None:
    _, bench = await scene({}, server_context, tls=Tls.STARTTLS, ca_file=ca_file, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.CONNECT, Cause.TIMEOUT)


async def test_a_greeting_injected_in_clear_before_tls_is_not_believed(
    scene: Scene, ca_file: Path
) -> None:
    async def inject(peer: Peer) -> None:
        await peer.say("220 mx.test\r\n250-mx.test\r\n250 AUTH PLAIN\r\n235 ok")
        await peer.hang()

    server, bench = await scene({GREETING: inject}, tls=Tls.IMPLICIT, ca_file=ca_file)
    why_unsent(await bench.submit())
    await server.peers[0].gone.wait()


async def test_a_handshake_that_hangs_is_given_up(scene: Scene, ca_file: Path) -> None:
    server, bench = await scene({GREETING: hang}, tls=Tls.IMPLICIT, ca_file=ca_file, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.TLS, Cause.TIMEOUT)
    await server.peers[0].gone.wait()


async def test_a_starttls_handshake_that_hangs_is_given_up(scene: Scene, ca_file: Path) -> None:
    async def ready_and_hang(peer: Peer) -> None:
        await peer.say("220 ready")
        await peer.hang()

    at: Script = {"EHLO": OFFER, "STARTTLS": ready_and_hang}
    server, bench = await scene(at, tls=Tls.STARTTLS, ca_file=ca_file, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.TLS, Cause.TIMEOUT)
    await server.peers[0].gone.wait()


async def test_a_cancelled_handshake_closes_the_connection(scene: Scene, ca_file: Path) -> None:
    server, bench = await scene({GREETING: hang}, tls=Tls.IMPLICIT, ca_file=ca_file)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.submit())
        await server.reached(GREETING).wait()
        task.cancel()
    await server.peers[0].gone.wait()


async def test_a_stripped_starttls_never_lets_the_password_out(
    scene: Scene, ca_file: Path
) -> None:
    server, bench = await scene(tls=Tls.STARTTLS, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert "does not offer STARTTLS" in detail
    assert "stripping" in detail
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs() == ["EHLO", "QUIT"]


async def test_a_refused_starttls_is_refused(scene: Scene, ca_file: Path) -> None:
    at: Script = {"EHLO": OFFER, "STARTTLS": "454 4.7.0 TLS not available"}
    server, bench = await scene(at, tls=Tls.STARTTLS, ca_file=ca_file)
    event = await bench.submit()
    assert event.transcript
    assert getattr(event, "stage", None) is Stage.TLS
    assert getattr(event, "reply", None)
    assert sum(server.count("AUTH")) == 0


async def test_replies_injected_behind_the_answer_to_starttls_are_not_believed(
    scene: Scene, ca_file: Path, server_context: ssl.SSLContext
) -> None:
    injected = "\r\n250-evil.test\r\n250 AUTH LOGIN"
    at: Script = {"EHLO": OFFER, "STARTTLS": upgrade(server_context, injected)}
    server, bench = await scene(at, tls=Tls.STARTTLS, ca_file=ca_file)
    detail = why_unsent(await bench.submit())
    assert "injects" in detail
    await server.peers[0].gone.wait()
    assert sum(server.count("AUTH")) == 0


async def test_what_was_offered_in_clear_is_asked_again_under_tls(
    scene: Scene, ca_file: Path, server_context: ssl.SSLContext
) -> None:
    at: Script = {"EHLO": OFFER, "STARTTLS": upgrade(server_context)}
    server, bench = await scene(at, tls=Tls.STARTTLS, ca_file=ca_file)
    assert isinstance(await bench.submit(), Accepted)
    assert server.peers[0].verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "No such file"), ("not PEM", "no certificate in PEM form")]
)
async def test_a_ca_file_that_cannot_be_used_is_said(
    scene: Scene, tmp_path: Path, content: str | None, sentence: str
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    server, bench = await scene(tls=Tls.STARTTLS, ca_file=path)
    detail = why_unsent(await bench.submit())
    assert f"ca_file {path} cannot be used" in detail
    assert sentence in detail
    assert server.peers == []


def test_the_lenient_context_still_verifies_the_chain() -> None:
    context = certificate.lenient(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname
