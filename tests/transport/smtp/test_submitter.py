"""Submission against a server that follows a script: what each turn of events comes to."""

import asyncio

import pytest

from probe.core.event import Accepted, Cause, Refused, Unsent
from probe.mail.reply import Stage
from tests.transport.smtp.conftest import Scene
from tests.transport.smtp.harness import BRIEF, MESSAGE, NOW, dialogue
from tests.transport.smtp.scripted import END, GREETING, Act, Peer, drop, finish, hang


async def test_an_accepted_message_is_told_with_its_reply_stages_and_transcript(
    scene: Scene,
) -> None:
    server, bench = await scene()
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert event.at == NOW
    assert event.reply.queue_id == "4F2B81C0DE"
    assert not event.reused
    assert set(event.timings) == set(Stage) - {Stage.TLS}
    assert all(seconds > 0 for seconds in event.timings.values())
    assert dialogue(event.transcript) == [
        f"*: connected to 127.0.0.1 port {server.port}",
        "S: 220 mx.test ESMTP",
        "C: EHLO mailprobe.invalid",
        "S: 250-mx.test",
        "S: 250-8BITMIME",
        "S: 250-SMTPUTF8",
        "S: 250 AUTH PLAIN LOGIN CRAM-MD5",
        "C: AUTH PLAIN **",
        "S: 235 2.7.0 welcome",
        "C: MAIL FROM:<probe@north.test>",
        "S: 250 2.1.0 ok",
        "C: RCPT TO:<probe@blue.test>",
        "S: 250 2.1.5 ok",
        "C: DATA",
        "S: 354 go ahead",
        f"C: ({len(MESSAGE) + 1} octets)",
        "C: .",
        "S: 250 2.0.0 Ok: queued as 4F2B81C0DE",
    ]
    offsets = [line.offset for line in event.transcript]
    assert offsets == sorted(offsets)
    assert offsets[0] > 0
    assert server.peers[0].messages == [MESSAGE.replace(b"\r\n.dot", b"\r\n..dot") + b".\r\n"]


MOMENTS = {
    GREETING: Stage.CONNECT,
    "EHLO": Stage.CONNECT,
    "AUTH": Stage.AUTH,
    "MAIL": Stage.ENVELOPE,
    "RCPT": Stage.ENVELOPE,
    "DATA": Stage.DATA,
}
"""Where a submission can fail before the hand-over, and the stage that it is in there."""

every_moment = pytest.mark.parametrize("moment", MOMENTS)


@pytest.mark.parametrize("reply", ["421 4.3.2 shutting down", "451 4.7.1 later", "550 5.7.1 no"])
@pytest.mark.parametrize("moment", [*MOMENTS, END])
async def test_a_refusal_is_told_with_its_stage_and_reply(
    scene: Scene, moment: str, reply: str
) -> None:
    _, bench = await scene({moment: reply})
    event = await bench.submit()
    assert isinstance(event, Refused)
    assert event.stage is MOMENTS.get(moment, Stage.DATA)
    assert str(event.reply) == reply
    assert str(event.reply.enhanced) == reply.split(" ")[1]
    assert [line for line in dialogue(event.transcript) if line[0] == "S"][-1] == f"S: {reply}"
    assert event.stage in event.timings


@every_moment
@pytest.mark.parametrize("cut", [drop, finish])
async def test_a_lost_connection_before_the_hand_over_is_unsent(
    scene: Scene, moment: str, cut: Act
) -> None:
    server, bench = await scene({moment: cut})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.DISCONNECTED
    assert event.stage is MOMENTS[moment]
    assert event.detail == (
        f"127.0.0.1 port {server.port} closed the connection (stage {event.stage})"
    )


@every_moment
async def test_silence_before_the_hand_over_is_unsent_and_closes(
    scene: Scene, moment: str
) -> None:
    server, bench = await scene({moment: hang}, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.TIMEOUT
    assert event.stage is MOMENTS[moment]
    assert f"gave no answer within {BRIEF} s" in event.detail
    assert event.timings[event.stage] >= BRIEF
    await server.peers[0].gone.wait()


@every_moment
@pytest.mark.parametrize(
    "reply",
    ["HTTP/1.1 400 Bad Request", "", "99 too small", "999 too large", "100 continue", "-25 ok"],
)
async def test_what_is_no_smtp_reply_is_a_protocol_error(
    scene: Scene, moment: str, reply: str
) -> None:
    server, bench = await scene({moment: reply})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    assert event.stage is MOMENTS[moment]
    assert "\n" not in event.detail
    await server.peers[0].gone.wait()


@every_moment
async def test_a_reply_of_another_kind_than_asked_is_a_protocol_error(
    scene: Scene, moment: str
) -> None:
    reply = "250 sure" if moment in {GREETING, "AUTH", "DATA"} else "354 go ahead"
    server, bench = await scene({moment: reply})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    assert event.stage is MOMENTS[moment]
    assert reply in event.detail
    await server.peers[0].gone.wait()


async def test_an_endless_line_is_not_read_to_its_end(scene: Scene) -> None:
    async def endless(peer: Peer) -> None:
        while True:
            peer.writer.write(b"x" * 65536)
            await peer.writer.drain()

    server, bench = await scene({"MAIL": endless})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    await server.peers[0].gone.wait()
    assert all(len(line.text) <= 500 for line in event.transcript)


async def test_an_endless_reply_is_not_read_to_its_end(scene: Scene) -> None:
    async def endless(peer: Peer) -> None:
        while True:
            await peer.say("250-and another thing")

    server, bench = await scene({"EHLO": endless})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    await server.peers[0].gone.wait()


async def test_a_reply_may_come_octet_by_octet(scene: Scene) -> None:
    async def dribble(peer: Peer) -> None:
        for octet in b"250-first\r\n250 2.1.0 ok\r\n":
            peer.writer.write(bytes([octet]))
            await peer.writer.drain()
            await asyncio.sleep(0)

    _, bench = await scene({"MAIL": dribble, "RCPT": dribble})
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert dialogue(event.transcript).count("S: 250-first") == 2


async def test_a_drip_does_not_outlast_the_time_for_one_answer(scene: Scene) -> None:
    async def drip(peer: Peer) -> None:
        await peer.say("250-first")
        while True:
            peer.writer.write(b"2")
            await peer.writer.drain()
            await asyncio.sleep(0.01)

    server, bench = await scene({"MAIL": drip}, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.TIMEOUT
    await server.peers[0].gone.wait()


async def test_a_server_slow_at_every_step_does_not_outlast_the_total_time(scene: Scene) -> None:
    server, bench = await scene({"RCPT": hang}, total_timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.TIMEOUT
    assert event.stage is Stage.ENVELOPE
    assert event.detail == f"not done within {BRIEF} s in all"
    await server.peers[0].gone.wait()


async def test_a_reply_of_many_lines_is_kept_whole(scene: Scene) -> None:
    _, bench = await scene({"RCPT": "550-5.1.1 no such user\r\n550 5.1.1 ask the postmaster"})
    event = await bench.submit()
    assert isinstance(event, Refused)
    assert event.reply.text == "5.1.1 no such user\n5.1.1 ask the postmaster"
    assert dialogue(event.transcript)[-2:] == [
        "S: 550-5.1.1 no such user",
        "S: 550 5.1.1 ask the postmaster",
    ]


async def test_a_reply_is_made_safe_to_store_and_to_show(scene: Scene) -> None:
    async def hostile(peer: Peer) -> None:
        peer.writer.write(b"550 5.7.1 \x1b[2J\xff\xfe\x00 no\r\n")
        await peer.writer.drain()

    _, bench = await scene({"RCPT": hostile})
    event = await bench.submit()
    assert isinstance(event, Refused)
    assert event.reply.text == "5.7.1  [2J\ufffd\ufffd  no"
    assert event.transcript[-1].text == "550 5.7.1  [2J\ufffd\ufffd  no"


async def test_a_transcript_has_a_bound(scene: Scene) -> None:
    longest = "\r\n".join([f"250-X-{number:04}-{'y' * 40}" for number in range(400)])
    _, bench = await scene({"EHLO": f"250-mx.test\r\n{longest}\r\n250 AUTH PLAIN"})
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert len(event.transcript) == 200


async def test_two_replies_to_one_command_are_not_taken_for_the_next_ones(scene: Scene) -> None:
    server, bench = await scene({"MAIL": "250 2.1.0 ok\r\n550 5.1.1 forged"})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    assert "more than one reply" in event.detail
    await server.peers[0].gone.wait()


async def test_no_server_there_is_unsent_at_connect(scene: Scene) -> None:
    server, bench = await scene()
    await server.stop()
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.CONNECT, Cause.CONNECT)
    assert "check the port" in event.detail


async def test_a_host_that_does_not_resolve_is_unsent_at_resolve(scene: Scene) -> None:
    _, bench = await scene(host="smtp.exampel.invalid")
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.RESOLVE, Cause.RESOLVE)
    assert set(event.timings) == {Stage.RESOLVE}


async def test_a_sender_that_a_reload_took_away_is_unsent(scene: Scene) -> None:
    _, bench = await scene()
    event = await bench.submitter.submit("gone", "probe@blue.test", MESSAGE)
    assert isinstance(event, Unsent)
    assert event.cause is Cause.CANCELLED
    assert event.detail == "mailbox gone is not in the config any more"


@pytest.mark.parametrize("address", ["a b@blue.test", "a@blue.test>\r\nRSET", "<a@b.test> X=1"])
async def test_an_address_cannot_carry_a_command(scene: Scene, address: str) -> None:
    server, bench = await scene()
    event = await bench.submit(to=address)
    assert isinstance(event, Unsent)
    assert event.cause is Cause.PROTOCOL
    await server.peers[0].gone.wait()
    assert server.count("RCPT") == [0]
    assert server.count("RSET") == [0]


async def test_eight_bit_messages_say_so_where_the_server_offers_it(scene: Scene) -> None:
    server, bench = await scene()
    assert isinstance(await bench.submit(MESSAGE + "é\r\n".encode()), Accepted)
    assert "MAIL FROM:<probe@north.test> BODY=8BITMIME" in server.peers[0].commands


async def test_an_international_address_needs_smtputf8(scene: Scene) -> None:
    server, bench = await scene()
    assert isinstance(await bench.submit(to="é@blue.test"), Accepted)
    assert "MAIL FROM:<probe@north.test> SMTPUTF8" in server.peers[0].commands
    assert "RCPT TO:<é@blue.test>" in server.peers[0].commands


async def test_an_international_address_is_unsent_where_smtputf8_is_missing(scene: Scene) -> None:
    _, bench = await scene({"EHLO": "250-mx.test\r\n250 AUTH PLAIN"})
    event = await bench.submit(to="é@blue.test")
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.ENVELOPE, Cause.PROTOCOL)
    assert "SMTPUTF8" in event.detail
