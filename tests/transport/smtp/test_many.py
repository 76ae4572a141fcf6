"""Many submissions: senders do not wait for each other, and nothing is left behind."""

import asyncio
from pathlib import Path

from probe.core.event import Accepted, Submission, Unconfirmed, Unsent
from probe.transport.smtp import Submitter, submission_of
from tests.transport.smtp.conftest import Protected, Scene
from tests.transport.smtp.harness import MESSAGE, NOW, RECIPIENT, Bench, mailbox
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


async def cut_after(turns: int, bench: Bench) -> tuple[bool, Submission | None]:
    """Cancel a submission after so many turns of the loop: was it through, and its event."""
    found: list[Submission | None] = []

    async def submit() -> None:
        try:
            found.append(await bench.submit())
        except asyncio.CancelledError as error:
            found.append(submission_of(error))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(submit())
        for _ in range(turns):
            await asyncio.sleep(0)
        through = task.done()
        task.cancel()
    return through, found[0]


async def test_cancelling_at_any_moment_leaves_no_socket_and_one_event_each(
    protected: Protected,
) -> None:
    """Cut submissions after ever more turns of the loop, until one is through."""
    server, bench = await protected({}, connection_messages=1)
    sockets, turns, through = open_sockets(), 0, False
    events: list[Submission | None] = []
    while not through:
        turns += 1 + turns // 8
        through, event = await cut_after(turns, bench)
        events.append(event)
    await bench.submitter.close()
    for peer in server.peers:
        await peer.gone.wait()
    assert isinstance(events[0], Unsent)
    assert isinstance(events[-1], Accepted)
    assert all(isinstance(event, Unsent | Unconfirmed | Accepted) for event in events)
    assert open_sockets() == sockets
