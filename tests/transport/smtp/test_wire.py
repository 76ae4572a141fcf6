"""The hand-over: exactly when a message may have been taken, and when it cannot have been."""

import asyncio

import pytest

from probe.core.event import Accepted, Cause, Refused, Unconfirmed, Unsent
from probe.mail.reply import Stage
from tests.transport.smtp.conftest import Protected, Scene
from tests.transport.smtp.harness import BRIEF, MESSAGE, dialogue
from tests.transport.smtp.scripted import (
    END,
    WHILE_SENDING,
    Act,
    Peer,
    drop,
    finish,
    hang,
)

LARGE = MESSAGE + b"0123456789abcdef" * 64 * 1024 * 16
"""16 MiB: more than the kernel takes while the server does not read."""


@pytest.mark.parametrize("cut", [drop, finish])
async def test_a_connection_lost_instead_of_the_final_reply_is_unconfirmed(
    protected: Protected, cut: Act
) -> None:
    server, bench = await protected({END: cut})
    event = await bench.submit()
    assert isinstance(event, Unconfirmed)
    assert event.cause is Cause.DISCONNECTED
    assert event.detail == (
        f"127.0.0.1 port {server.port} closed the connection after the message was handed over"
    )
    assert event.timings[Stage.DATA] > 0
    assert len(server.peers) == 1
    assert len(server.peers[0].messages) == 1


async def test_silence_after_the_message_is_unconfirmed(protected: Protected) -> None:
    server, bench = await protected({END: hang}, timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unconfirmed)
    assert event.cause is Cause.TIMEOUT
    await server.peers[0].gone.wait()


async def test_the_total_time_ending_after_the_message_is_unconfirmed(scene: Scene) -> None:
    server, bench = await scene({END: hang}, total_timeout=BRIEF)
    event = await bench.submit()
    assert isinstance(event, Unconfirmed)
    assert event.cause is Cause.TIMEOUT
    await server.peers[0].gone.wait()


@pytest.mark.parametrize("reply", ["354 go on", "gibberish", "25"])
async def test_no_clear_answer_to_the_message_is_unconfirmed(scene: Scene, reply: str) -> None:
    server, bench = await scene({END: reply})
    event = await bench.submit()
    assert isinstance(event, Unconfirmed)
    assert event.cause is Cause.PROTOCOL
    await server.peers[0].gone.wait()


async def test_half_a_final_reply_is_unconfirmed(scene: Scene) -> None:
    async def half(peer: Peer) -> None:
        peer.writer.write(b"250-2.0.0 Ok: queued")
        await peer.writer.drain()
        await finish(peer)

    _, bench = await scene({END: half})
    assert isinstance(await bench.submit(), Unconfirmed)


async def test_any_positive_reply_to_the_message_accepts_it(scene: Scene) -> None:
    _, bench = await scene({END: "252 2.0.0 whatever"})
    assert isinstance(await bench.submit(), Accepted)


async def test_a_message_cut_before_its_end_is_unsent(protected: Protected) -> None:
    async def read_some_and_crash(peer: Peer) -> None:
        await peer.reader.readexactly(10_000)
        await peer.drop()

    server, bench = await protected({WHILE_SENDING: read_some_and_crash})
    event = await bench.submit(LARGE)
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.DATA, Cause.DISCONNECTED)
    assert "C: ." not in dialogue(event.transcript)
    assert server.peers[0].messages == []


async def test_a_server_that_stops_reading_the_message_leaves_it_unsent(
    protected: Protected,
) -> None:
    enough = asyncio.Event()

    async def stall(peer: Peer) -> None:
        await enough.wait()
        await peer.hang()

    server, bench = await protected({WHILE_SENDING: stall}, timeout=BRIEF)
    event = await bench.submit(LARGE)
    enough.set()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.DATA, Cause.TIMEOUT)
    assert "C: ." not in dialogue(event.transcript)
    await server.peers[0].gone.wait()


async def test_a_refusal_in_the_middle_of_the_message_is_heard(protected: Protected) -> None:
    enough = asyncio.Event()

    async def refuse_and_stop_reading(peer: Peer) -> None:
        await peer.reader.readexactly(1)
        await peer.say("552 5.3.4 message too big")
        await enough.wait()
        await peer.hang()

    server, bench = await protected({WHILE_SENDING: refuse_and_stop_reading})
    event = await bench.submit(LARGE)
    enough.set()
    assert isinstance(event, Refused)
    assert (event.stage, event.reply.code) == (Stage.DATA, 552)
    assert "C: ." not in dialogue(event.transcript)
    await server.peers[0].gone.wait()


async def test_a_large_message_arrives_whole(protected: Protected) -> None:
    async def take(peer: Peer) -> None:
        total, tail = 0, b""
        while not tail.endswith(b"\r\n.\r\n"):
            chunk = await peer.reader.read(1 << 20)
            total, tail = total + len(chunk), (tail + chunk)[-5:]
        peer.messages.append(str(total).encode())
        await peer.say("250 2.0.0 ok")
        await peer.drop()

    server, bench = await protected({WHILE_SENDING: take})
    assert isinstance(await bench.submit(LARGE), Accepted)
    assert server.peers[0].messages == [str(len(LARGE) + len(b".") + len(b"\r\n.\r\n")).encode()]


async def test_line_ends_and_leading_dots_are_made_what_smtp_wants(scene: Scene) -> None:
    server, bench = await scene()
    assert isinstance(await bench.submit(b"Subject: x\n\n.\n..\nend"), Accepted)
    assert server.peers[0].messages == [b"Subject: x\r\n\r\n..\r\n...\r\nend\r\n.\r\n"]


async def test_an_answer_ahead_of_the_message_is_out_of_step(scene: Scene) -> None:
    server, bench = await scene({"DATA": "354 go ahead\r\n250 2.0.0 already accepted"})
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert (event.stage, event.cause) == (Stage.DATA, Cause.PROTOCOL)
    await server.peers[0].gone.wait()
