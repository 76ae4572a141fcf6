"""Logging in: against aiosmtpd, and against a script that counts every AUTH."""

import base64
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from probe.config.secret import Secret
from probe.config.settings import Mechanism, Tls
from probe.core.event import Accepted, Cause, Refused, Submission, Unsent
from probe.mail.reply import Stage
from tests.transport.smtp.conftest import Scene
from tests.transport.smtp.harness import (
    BRIEF,
    MESSAGE,
    PASSWORD,
    RECIPIENT,
    Bench,
    dialogue,
    mailbox,
)
from tests.transport.smtp.real import Real
from tests.transport.smtp.scripted import Act, Peer, Script, drop


@pytest.fixture
async def real() -> AsyncIterator[Real]:
    server = Real()
    yield server
    await server.stop()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def assert_no_password(event: Submission) -> None:
    """Neither in clear nor as SASL wraps it, in anything that the event carries or shows."""
    shown = repr(event) + str(asdict(event))
    sasl = encoded(f"\0probe@north.test\0{PASSWORD}")
    assert not [form for form in (PASSWORD, encoded(PASSWORD), sasl) if form in shown]


@pytest.mark.parametrize("mechanism", [None, Mechanism.PLAIN, Mechanism.LOGIN])
@pytest.mark.parametrize("tls", list(Tls))
async def test_mail_goes_through_aiosmtpd(
    real: Real,
    ca_file: Path,
    server_context: ssl.SSLContext,
    tls: Tls,
    mechanism: Mechanism | None,
) -> None:
    await real.start(
        starttls=server_context if tls is Tls.STARTTLS else None,
        tls=server_context if tls is Tls.IMPLICIT else None,
    )
    bench = Bench(mailbox(real.port, tls=tls, ca_file=ca_file, mechanism=mechanism))
    event = await bench.submit()
    await bench.submitter.close()
    assert isinstance(event, Accepted)
    assert event.reply.queue_id == "A1B2C3D4E5"
    assert real.handler.messages == [MESSAGE]
    assert real.handler.envelopes == [("probe@north.test", [RECIPIENT])]
    assert real.handler.logins == [(mechanism or Mechanism.PLAIN).value.upper()]
    assert_no_password(event)


@pytest.mark.parametrize("mechanism", [None, Mechanism.PLAIN, Mechanism.LOGIN])
async def test_a_wrong_password_is_tried_exactly_once(
    real: Real, mechanism: Mechanism | None
) -> None:
    await real.start()
    wrong = Secret("wrong " + PASSWORD)
    bench = Bench(mailbox(real.port, mechanism=mechanism, password=wrong))
    event = await bench.submit()
    await bench.submitter.close()
    assert isinstance(event, Refused)
    assert (event.stage, event.reply.code) == (Stage.AUTH, 535)
    assert len(real.handler.logins) == 1
    assert real.handler.messages == []
    assert_no_password(event)


async def cram_md5(peer: Peer) -> None:
    """The server's side of RFC 2195."""
    challenge = "<1896.697170952@mx.test>"
    await peer.say(f"334 {encoded(challenge)}")
    answer = base64.b64decode(await peer.reader.readline()).decode()
    digest = hmac.new(PASSWORD.encode(), challenge.encode(), hashlib.md5).hexdigest()
    good = answer == f"probe@north.test {digest}"
    await peer.say("235 2.7.0 welcome" if good else "535 5.7.8 no")


async def test_cram_md5_answers_the_challenge_and_hides_the_answer(scene: Scene) -> None:
    server, bench = await scene({"AUTH": cram_md5}, mechanism=Mechanism.CRAM_MD5)
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert "C: AUTH CRAM-MD5" in dialogue(event.transcript)
    answers = [line for line in dialogue(event.transcript) if line.startswith("C: **")]
    assert answers == ["C: **"]
    assert server.count("AUTH") == [1]


async def test_login_hides_the_name_and_the_password(scene: Scene) -> None:
    async def login(peer: Peer) -> None:
        await peer.say("334 UGFzc3dvcmQ6")
        await peer.reader.readline()
        await peer.say("235 2.7.0 welcome")

    _, bench = await scene({"AUTH": login}, mechanism=Mechanism.LOGIN)
    event = await bench.submit()
    assert isinstance(event, Accepted)
    shown = dialogue(event.transcript)
    begin = shown.index("C: AUTH LOGIN **")
    assert shown[begin : begin + 4] == [
        "C: AUTH LOGIN **",
        "S: 334 UGFzc3dvcmQ6",
        "C: **",
        "S: 235 2.7.0 welcome",
    ]
    assert_no_password(event)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("PLAIN LOGIN CRAM-MD5 XOAUTH2", "PLAIN"),
        ("XOAUTH2 LOGIN CRAM-MD5", "LOGIN"),
        ("login plain", "PLAIN"),
        ("SCRAM-SHA-256 CRAM-MD5", "CRAM-MD5"),
    ],
)
async def test_the_best_of_what_is_offered_is_chosen(
    scene: Scene, offered: str, chosen: str
) -> None:
    server, bench = await scene({"EHLO": f"250-mx.test\r\n250 AUTH {offered}", "AUTH": "535 no"})
    assert isinstance(await bench.submit(), Refused)
    assert server.peers[0].commands[1].startswith(f"AUTH {chosen}")


@pytest.mark.parametrize(
    ("ehlo", "mechanism", "sentence"),
    [
        ("250 mx.test", None, "offers no login: is this its submission port (587 or 465)?"),
        (
            "250-mx.test\r\n250 AUTH XOAUTH2 OAUTHBEARER",
            None,
            "takes no password: it offers only OAUTHBEARER, XOAUTH2 to log in",
        ),
        (
            "250-mx.test\r\n250 AUTH PLAIN LOGIN",
            Mechanism.CRAM_MD5,
            "does not offer CRAM-MD5 but LOGIN, PLAIN: change the mechanism",
        ),
    ],
)
async def test_no_common_mechanism_is_said_and_nothing_is_tried(
    scene: Scene, ehlo: str, mechanism: Mechanism | None, sentence: str
) -> None:
    server, bench = await scene({"EHLO": ehlo}, mechanism=mechanism)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.AUTH, Cause.CREDENTIALS)
    assert event.detail == f"127.0.0.1 port {server.port} {sentence}"
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs() == ["EHLO", "QUIT"]


@pytest.mark.parametrize("code", ["535 5.7.8 bad", "454 4.7.0 later", "534 5.7.9 app password"])
@pytest.mark.parametrize("mechanism", [None, *Mechanism])
async def test_a_refused_login_is_one_auth_on_one_connection(
    scene: Scene, mechanism: Mechanism | None, code: str
) -> None:
    async def refuse(peer: Peer) -> None:
        mute = peer.commands[-1].startswith("AUTH PLAIN")
        if not mute:
            await peer.say(f"334 {encoded('<1@mx.test>')}")
            await peer.reader.readline()
        await peer.say(code)

    server, bench = await scene({"AUTH": refuse}, mechanism=mechanism)
    event = await bench.submit()
    assert isinstance(event, Refused)
    assert event.stage is Stage.AUTH
    assert str(event.reply) == code
    assert server.count("AUTH") == [1]
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs() == ["EHLO", "AUTH", "QUIT"]


@pytest.mark.parametrize("act", ["334 what else?", "334 !!!", drop])
@pytest.mark.parametrize("mechanism", list(Mechanism))
async def test_a_server_that_garbles_the_login_is_no_refusal(
    scene: Scene, mechanism: Mechanism, act: str | Act
) -> None:
    at: Script = {"AUTH": act}
    server, bench = await scene(at, mechanism=mechanism, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent | Refused)
    assert event.stage is Stage.AUTH
    assert server.count("AUTH") == [1]
    assert_no_password(event)


@pytest.mark.parametrize(
    "echo", [PASSWORD, encoded(PASSWORD), encoded(f"\0probe@north.test\0{PASSWORD}")]
)
async def test_a_server_that_echoes_the_password_does_not_get_it_recorded(
    scene: Scene, echo: str
) -> None:
    _, bench = await scene({"AUTH": f"535 5.7.8 rejected: {echo}"})
    event = await bench.submit()
    assert isinstance(event, Refused)
    assert event.reply.text == "5.7.8 rejected: **"
    assert_no_password(event)


async def test_an_echoed_password_in_what_is_no_reply_is_masked_too(scene: Scene) -> None:
    _, bench = await scene({"AUTH": f"you said {PASSWORD}"})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert "you said **" in event.detail
    assert_no_password(event)


async def test_nothing_that_holds_the_settings_shows_the_password(scene: Scene) -> None:
    _, bench = await scene()
    await bench.submit()
    submitter = bench.submitter
    lane = submitter._lanes["north"]
    kept = lane._kept
    assert kept
    shown = "".join(map(repr, (bench.mailbox, submitter, lane, kept, kept._channel.wire.exchange)))
    assert PASSWORD not in shown
    assert encoded(PASSWORD) not in shown
