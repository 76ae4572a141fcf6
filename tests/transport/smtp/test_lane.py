"""Reuse: which connection a message goes over, and when a connection is left."""

import asyncio
from dataclasses import replace

import pytest

from probe.config.secret import Secret
from probe.core.event import Accepted, Cause, Refused, Submission, Unconfirmed, Unsent
from probe.mail.reply import Stage
from tests.transport.smtp.conftest import Scene
from tests.transport.smtp.harness import BRIEF, Bench, dialogue, mailbox
from tests.transport.smtp.scripted import END, Act, Peer, drop, finish, hang


def on_message(*acts: str | Act) -> Act:
    """Act by the number of the call; the last one holds for all further ones."""
    calls = 0

    async def act(peer: Peer) -> None:
        nonlocal calls
        chosen = acts[min(calls, len(acts) - 1)]
        calls += 1
        await (peer.say(chosen) if isinstance(chosen, str) else chosen(peer))

    return act


async def submitted(bench: Bench, times: int) -> list[Submission]:
    return [await bench.submit() for _ in range(times)]


def reused(events: list[Submission]) -> list[bool]:
    return [isinstance(event, Accepted) and event.reused for event in events]


async def test_the_next_message_goes_over_the_open_connection(scene: Scene) -> None:
    server, bench = await scene()
    events = await submitted(bench, 3)
    assert reused(events) == [False, True, True]
    assert server.count("AUTH") == [1]
    assert server.count("MAIL") == [3]
    second = events[1]
    assert isinstance(second, Accepted)
    assert set(second.timings) == {Stage.ENVELOPE, Stage.DATA}
    assert dialogue(second.transcript)[:2] == [
        "*: over the connection opened earlier",
        "C: MAIL FROM:<probe@north.test>",
    ]
    assert second.transcript[0].offset < 5


async def test_a_connection_is_left_after_its_number_of_messages(scene: Scene) -> None:
    server, bench = await scene(connection_messages=2)
    assert reused(await submitted(bench, 5)) == [False, True, False, True, False]
    assert server.count("MAIL") == [2, 2, 1]
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs()[-1] == "QUIT"


async def test_an_unused_connection_is_left_after_its_idle_time(scene: Scene) -> None:
    server, bench = await scene(connection_idle=0.05)
    await bench.submit()
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs()[-1] == "QUIT"
    assert reused(await submitted(bench, 1)) == [False]


async def test_submissions_of_one_sender_go_one_after_the_other(scene: Scene) -> None:
    server, bench = await scene()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.submit()) for _ in range(5)]
    assert reused([task.result() for task in tasks]) == [False, True, True, True, True]
    assert server.peers[0].verbs()[2:] == ["MAIL", "RCPT", "DATA"] * 5


async def test_waiting_for_the_turn_is_not_measured_and_has_an_end(scene: Scene) -> None:
    _, bench = await scene({"MAIL": hang}, total_timeout=BRIEF)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.submit()) for _ in range(2)]
    first, second = (task.result() for task in tasks)
    assert isinstance(first, Unsent)
    assert isinstance(second, Unsent)
    assert {first.cause, second.cause} == {Cause.TIMEOUT}


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", END])
async def test_after_a_refusal_the_connection_is_reset_and_used_again(
    scene: Scene, moment: str
) -> None:
    server, bench = await scene({moment: on_message("550 5.7.1 no", "250 ok")})
    first, second = await submitted(bench, 2)
    assert isinstance(first, Refused)
    assert isinstance(second, Accepted)
    assert second.reused
    assert dialogue(second.transcript)[1] == "C: RSET"
    assert server.count("AUTH") == [1]


async def test_a_refused_data_command_is_followed_by_a_reset(scene: Scene) -> None:
    server, bench = await scene({"DATA": "451 4.3.0 later"})
    first, second = await submitted(bench, 2)
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert server.peers[0].verbs()[2:] == ["MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"]


async def test_after_a_421_the_connection_is_not_used_again(scene: Scene) -> None:
    server, bench = await scene({"RCPT": on_message("421 4.3.2 closing", "250 ok")})
    first, second = await submitted(bench, 2)
    assert isinstance(first, Refused)
    assert isinstance(second, Accepted)
    assert not second.reused
    assert len(server.peers) == 2


@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
@pytest.mark.parametrize("cut", [drop, finish])
async def test_a_kept_connection_that_turns_out_dead_is_replaced_silently(
    scene: Scene, moment: str, cut: Act
) -> None:
    server, bench = await scene({moment: on_message("250 ok", cut, "250 ok")})
    first, second = await submitted(bench, 2)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert not second.reused
    assert Stage.CONNECT in second.timings
    assert second.transcript[0].text.startswith("the server had closed the idle connection")
    assert server.count("AUTH") == [1, 1]
    assert [len(peer.messages) for peer in server.peers] == [1, 1]


async def test_a_421_instead_of_an_answer_to_mail_is_a_dead_connection(scene: Scene) -> None:
    server, bench = await scene({"MAIL": on_message("250 ok", "421 4.4.2 idle", "250 ok")})
    _, second = await submitted(bench, 2)
    assert isinstance(second, Accepted)
    assert len(server.peers) == 2


async def test_a_421_to_the_recipient_is_the_servers_word(scene: Scene) -> None:
    server, bench = await scene({"RCPT": on_message("250 ok", "421 4.7.0 too many")})
    _, second = await submitted(bench, 2)
    assert isinstance(second, Refused)
    assert len(server.peers) == 1


async def test_a_server_that_refuses_rset_is_connected_anew(scene: Scene) -> None:
    at = {"RSET": "500 what?", "RCPT": on_message("550 no", "250 ok")}
    server, bench = await scene(at)
    _, second = await submitted(bench, 2)
    assert isinstance(second, Accepted)
    assert len(server.peers) == 2


async def test_a_dead_connection_is_replaced_only_once(scene: Scene) -> None:
    server, bench = await scene({"MAIL": on_message("250 ok", drop)})
    _, second = await submitted(bench, 2)
    assert isinstance(second, Unsent)
    assert second.cause is Cause.DISCONNECTED
    assert len(server.peers) == 2


async def test_silence_on_a_kept_connection_is_not_tried_again(scene: Scene) -> None:
    server, bench = await scene({"MAIL": on_message("250 ok", hang)}, timeout=BRIEF)
    _, second = await submitted(bench, 2)
    assert isinstance(second, Unsent)
    assert second.cause is Cause.TIMEOUT
    assert len(server.peers) == 1


async def test_a_message_that_was_begun_is_never_sent_again(scene: Scene) -> None:
    server, bench = await scene({END: on_message("250 ok", drop)})
    _, second = await submitted(bench, 2)
    assert isinstance(second, Unconfirmed)
    assert len(server.peers) == 1


async def test_a_connection_lost_at_data_is_not_tried_again(scene: Scene) -> None:
    server, bench = await scene({"DATA": "354 go ahead"})
    await bench.submit()
    server.script["DATA"] = drop
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.stage is Stage.DATA
    assert len(server.peers) == 1


async def test_a_connection_closed_while_idle_is_noticed_before_it_is_used(scene: Scene) -> None:
    server, bench = await scene()
    await bench.submit()
    server.peers[0].writer.transport.abort()
    await server.peers[0].gone.wait()
    events = await submitted(bench, 1)
    assert reused(events) == [False]


async def test_a_changed_password_opens_a_new_connection(scene: Scene) -> None:
    server, bench = await scene()
    await bench.submit()
    bench.mailbox = mailbox(server.port, password=Secret("another password"))
    assert reused(await submitted(bench, 1)) == [False]
    assert server.count("AUTH") == [1, 1]
    await server.peers[0].gone.wait()


async def test_a_reload_that_changes_nothing_here_keeps_the_connection(scene: Scene) -> None:
    server, bench = await scene()
    await bench.submit()
    bench.mailbox = replace(mailbox(server.port), sends_per_day=7)
    assert reused(await submitted(bench, 1)) == [True]


async def test_a_surplus_after_the_final_reply_does_not_take_back_the_acceptance(
    scene: Scene,
) -> None:
    server, bench = await scene({END: "250 2.0.0 ok\r\n421 4.4.2 closing"})
    events = await submitted(bench, 2)
    assert [type(event) for event in events] == [Accepted, Accepted]
    assert reused(events) == [False, False]
    assert len(server.peers) == 2


async def test_what_the_server_says_unasked_is_not_taken_for_an_answer(scene: Scene) -> None:
    server, bench = await scene()
    await bench.submit()
    await server.peers[0].say("550 5.7.1 unasked")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await reader.readline()  # by now the loop has read what was said before
    writer.close()
    event = await bench.submit()
    assert isinstance(event, Accepted)
    assert not event.reused
