"""Many submissions: senders do not wait for each other, and nothing is left behind."""

import asyncio
from pathlib import Path

from probe.core.event import Accepted, Unsent
from probe.transport.smtp import Submitter
from tests.transport.smtp.conftest import Scene
from tests.transport.smtp.harness import MESSAGE, NOW, RECIPIENT, mailbox
from tests.transport.smtp.scripted import drop, hang


def open_sockets() -> int:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("socket" in str(link.readlink()) for link in links)


async def test_a_sender_whose_server_hangs_does_not_hold_up_the_others(scene: Scene) -> None:
    stuck, _ = await scene({"MAIL": hang})
    quick, _ = await scene()
    senders = {"stuck": mailbox(stuck.port), "quick": mailbox(quick.port)}
    submitter = Submitter(senders.__getitem__, lambda: NOW, lambda *_: None)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(submitter.submit("stuck", RECIPIENT, MESSAGE))
        await stuck.reached("MAIL").wait()
        for _ in range(3):
            event = await submitter.submit("quick", RECIPIENT, MESSAGE)
            assert isinstance(event, Accepted)
        assert not waiting.done()
        await submitter.close()
    assert isinstance(waiting.result(), Unsent)


async def test_a_hundred_connections_leave_no_socket_and_no_task(scene: Scene) -> None:
    server, bench = await scene(connection_messages=1)
    tasks, sockets = len(asyncio.all_tasks()), open_sockets()
    for number in range(100):
        server.script["RCPT"] = drop if number % 3 == 0 else "250 2.1.5 ok"
        await bench.submit()
    await bench.submitter.close()
    for peer in server.peers:
        await peer.gone.wait()
    assert len(server.peers) == 100
    assert open_sockets() == sockets
    assert len(asyncio.all_tasks()) == tasks


async def test_cancelling_at_any_moment_leaves_no_socket_and_one_event_each(scene: Scene) -> None:
    """Cut a submission after every number of turns of the loop that it can take."""
    server, bench = await scene()
    sockets = open_sockets()
    ended: list[str] = []

    async def submit() -> None:
        try:
            ended.append(type(await bench.submit()).__name__)
        except asyncio.CancelledError as error:
            ended.append(type(getattr(error, "submission", None)).__name__)

    finished = False
    turns = 0
    while not finished:
        turns += 1
        async with asyncio.TaskGroup() as group:
            task = group.create_task(submit())
            for _ in range(turns):
                await asyncio.sleep(0)
            finished = task.done()
            task.cancel()
    await bench.submitter.close()
    for peer in server.peers:
        await peer.gone.wait()
    assert len(ended) == turns
    assert set(ended) <= {"Unsent", "Unconfirmed", "Accepted"}
    assert {"Unsent", "Accepted"} <= set(ended)
    assert open_sockets() == sockets
