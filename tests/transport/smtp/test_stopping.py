"""Stopping a submission, in whatever stage it is: one event, and the connection is closed."""

import asyncio

import pytest

from probe.core.event import Accepted, Cause, Submission, Unconfirmed, Unsent
from probe.mail.reply import Stage
from probe.transport.smtp import submission_of
from tests.transport.smtp.conftest import Scene
from tests.transport.smtp.scripted import END, GREETING, Peer, hang

STAGES = {
    GREETING: Stage.CONNECT,
    "EHLO": Stage.CONNECT,
    "AUTH": Stage.AUTH,
    "MAIL": Stage.ENVELOPE,
    "RCPT": Stage.ENVELOPE,
    "DATA": Stage.DATA,
}
every_moment = pytest.mark.parametrize("moment", [*STAGES, END])


def assert_cancelled(event: Submission | None, moment: str) -> None:
    assert isinstance(event, Unconfirmed if moment == END else Unsent)
    assert event.cause is Cause.CANCELLED
    if isinstance(event, Unsent):
        assert event.stage is STAGES[moment]
    assert event.transcript[-1].text == event.detail


@every_moment
async def test_a_cancelled_submission_closes_and_says_what_became_of_it(
    scene: Scene, moment: str
) -> None:
    server, bench = await scene({moment: hang})
    found: list[Submission | None] = []

    async def submit() -> None:
        try:
            await bench.submit()
        except asyncio.CancelledError as error:
            found.append(submission_of(error))
            raise

    async with asyncio.TaskGroup() as group:
        task = group.create_task(submit())
        await server.reached(moment).wait()
        task.cancel()
    assert task.cancelled()
    assert_cancelled(found[0], moment)
    await server.peers[0].gone.wait()


@every_moment
async def test_stop_makes_submit_return_and_closes(scene: Scene, moment: str) -> None:
    server, bench = await scene({moment: hang})
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.submit())
        await server.reached(moment).wait()
        bench.submitter.stop()
    assert_cancelled(task.result(), moment)
    await server.peers[0].gone.wait()


async def test_a_cancellation_that_comes_with_the_reply_is_not_swallowed(scene: Scene) -> None:
    server, bench = await scene()
    task: asyncio.Task[Submission] | None = None

    async def accept_and_cancel(_: object) -> None:
        await server.peers[0].say("250 2.1.0 ok")
        assert task
        task.cancel()

    server.script["MAIL"] = accept_and_cancel
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.submit())
    assert task.cancelled()


async def test_stop_also_ends_those_that_wait_for_their_turn(scene: Scene) -> None:
    server, bench = await scene({"MAIL": hang})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.submit()) for _ in range(3)]
        await server.reached("MAIL").wait()
        bench.submitter.stop()
    assert [type(task.result()) for task in tasks] == [Unsent] * 3
    assert {task.result().cause for task in tasks} == {Cause.CANCELLED}  # type: ignore[union-attr]  # all are Unsent
    assert len(server.peers) == 1


async def test_nothing_is_begun_after_stop(scene: Scene) -> None:
    server, bench = await scene()
    bench.submitter.stop()
    event = await bench.submit()
    assert isinstance(event, Unsent)
    assert event.cause is Cause.CANCELLED
    assert server.peers == []


async def test_close_says_quit_on_kept_connections_and_waits_for_their_end(scene: Scene) -> None:
    server, bench = await scene()
    assert isinstance(await bench.submit(), Accepted)
    await bench.submitter.close()
    await server.peers[0].gone.wait()
    assert server.peers[0].verbs()[-1] == "QUIT"


async def test_close_does_not_wait_long_for_a_server_that_ignores_quit(scene: Scene) -> None:
    server, bench = await scene({"QUIT": hang})
    assert isinstance(await bench.submit(), Accepted)
    async with asyncio.timeout(10):
        await bench.submitter.close()
    await server.peers[0].gone.wait()


async def test_close_ends_what_is_under_way(scene: Scene) -> None:
    server, bench = await scene({END: hang})
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.submit())
        await server.reached(END).wait()
        await bench.submitter.close()
    assert_cancelled(task.result(), END)


async def test_the_callers_own_deadline_works_around_a_submission(scene: Scene) -> None:
    deadlines: list[asyncio.Timeout] = []

    async def let_it_pass(peer: Peer) -> None:
        deadlines[0].reschedule(asyncio.get_running_loop().time())
        await hang(peer)

    server, bench = await scene({"RCPT": let_it_pass})

    async def submit() -> None:
        async with asyncio.timeout(None) as deadline:
            deadlines.append(deadline)
            await bench.submit()

    with pytest.raises(TimeoutError) as caught:
        await submit()
    # not __cause__, which the asyncio of Python 3.11.2 (Debian 12) does not set
    assert isinstance(caught.value.__context__, asyncio.CancelledError)
    event = submission_of(caught.value.__context__)
    assert isinstance(event, Unsent)
    await server.peers[0].gone.wait()
