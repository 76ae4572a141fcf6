"""The whole world: it starts, carries everything, and leaves nothing behind."""

import asyncio
import gc
import smtplib
import ssl
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from probe.demo.fates import Fate, Rule
from probe.demo.ledger import What
from probe.demo.world import World
from tests.demo.clients import (
    Idler,
    message,
    new_message_id,
    read,
    read_now,
    send,
    smtp_session,
)
from tests.demo.conftest import Box


def send_many(world: World, sender_index: int, number: int) -> dict[str, str]:
    """Submit over one connection to all other mailboxes in turn: Message-ID to recipient."""
    boxes = world.mailboxes
    one = boxes[sender_index]
    others = [box.mailbox.address for box in boxes if box is not one]
    sent = {}
    with smtp_session(one) as client:
        for index in range(number):
            message_id, to = new_message_id(), others[index % len(others)]
            client.sendmail(
                one.mailbox.address, [to], message(one.mailbox.address, to, message_id)
            )
            sent[message_id] = to
    return sent


def open_files() -> set[str]:
    """What this process has open, sockets and files, but not its pipes and eventfds."""
    links = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists this directory
            links.add(str(descriptor.readlink()))
    return {link for link in links if "socket:" in link or "mailprobe" in link}


def world_directories() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("mailprobe-world-*"))


async def test_two_hundred_messages_over_all_pairs_arrive_each_exactly_once(
    world: World,
) -> None:
    batches = await asyncio.gather(
        *(asyncio.to_thread(send_many, world, index, 35) for index in range(6))
    )
    sent = {key: value for batch in batches for key, value in batch.items()}
    assert len(sent) == 210
    await world.settled()
    arrived: dict[str, str] = {}
    for box in world.mailboxes:
        for each in await read(box):
            assert each["Message-ID"] not in arrived
            arrived[each["Message-ID"]] = box.mailbox.address
    assert arrived == sent
    stored = {entry.message_id: entry.recipient for entry in world.ledger.of(What.STORED)}
    assert stored == sent


async def test_a_thousand_messages_leave_no_task_behind(world: World) -> None:
    before = len(asyncio.all_tasks())
    await asyncio.gather(*(asyncio.to_thread(send_many, world, index, 250) for index in range(4)))
    await world.settled()
    assert len(world.ledger.of(What.STORED)) == 1000
    for provider in world.providers.values():
        await provider.smtp.cut()
    assert len(asyncio.all_tasks()) == before


async def test_nothing_outlives_the_world() -> None:
    gc.collect()
    tasks, files, threads = asyncio.all_tasks(), open_files(), threading.active_count()
    directories = world_directories()
    async with World.open(pace=0.01) as world:
        idlers = [await Idler.connect(box) for box in world.mailboxes[:4]]
        world.fates.set(Rule(fate=Fate.DELAY, seconds=3600.0))
        world.fates.set(Rule(fate=Fate.HANG, from_provider="harbor"))
        _, writer = await asyncio.open_connection("127.0.0.1", world.northmail.smtp.port)
        await send_some_that_stay(world)
        assert world.on_the_way
    for idler in idlers:
        await idler.end()
        await idler.close()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    assert asyncio.all_tasks() == tasks
    assert open_files() == files
    assert threading.active_count() <= threads + 1, "asyncio's own thread pool for these clients"
    assert world_directories() == directories


async def send_some_that_stay(world: World) -> None:
    await send(world.mailboxes[0], "a@harbor.test")
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        await send(world.mailboxes[4], "a@northmail.test", patience=0.3)


async def test_an_error_inside_the_context_comes_out_and_the_ports_are_free() -> None:
    ports: list[int] = []

    async def fail() -> None:
        async with World.open() as world:
            ports.extend(provider.smtp.port for provider in world.providers.values())
            raise LookupError("of the test")

    with pytest.raises(LookupError):
        await fail()
    assert len(ports) == 3
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_an_outage_refuses_cuts_and_ends_on_the_same_ports(world: World, box: Box) -> None:
    idler = await Idler.connect(box("bluepost-a"))
    endpoints = (world.bluepost.smtp.port, world.bluepost.imap.port)
    await world.bluepost.stop()
    await idler.end()
    await idler.close()
    with pytest.raises(ConnectionRefusedError):
        await send(box("bluepost-a"), "a@harbor.test")
    with pytest.raises(ConnectionRefusedError):
        await read(box("bluepost-a"))
    waiting = await send(box("northmail-a"), "a@bluepost.test")
    await world.bluepost.start()
    assert (world.bluepost.smtp.port, world.bluepost.imap.port) == endpoints
    await world.ledger.until(What.STORED, waiting)
    assert [each["Message-ID"] for each in await read(box("bluepost-a"))] == [waiting]


async def test_imap_alone_can_be_down_and_mail_is_stored_meanwhile(world: World, box: Box) -> None:
    await world.harbor.imap.stop()
    await world.ledger.until(What.STORED, await send(box("northmail-a"), "a@harbor.test"))
    await world.harbor.imap.start()
    assert len(await read(box("harbor-a"))) == 1


async def test_there_are_two_mailboxes_at_each_of_three_providers(world: World) -> None:
    boxes = [settings.mailbox for settings in world.mailboxes]
    assert len({box.id for box in boxes}) == len({box.address for box in boxes}) == 6
    assert {box.provider for box in boxes} == {"northmail", "bluepost", "harbor"}
    assert all(box.domain == f"{box.provider}.test" for box in boxes)
    passwords = {settings.smtp.endpoint.password for settings in world.mailboxes}
    assert len(passwords) == 6
    assert not any(each.reveal() in repr(world.mailboxes) for each in passwords)


async def test_the_same_seed_gives_the_same_queue_ids(tmp_path: Path) -> None:
    async def first_queue_id(seed: int) -> str:
        async with World.open(directory=tmp_path, seed=seed, pace=0) as world:
            sent = await send(world.mailboxes[0], "a@harbor.test")
            return (await world.ledger.until(What.STORED, sent))[0].queue_id

    assert await first_queue_id(1) == await first_queue_id(1) != await first_queue_id(2)


async def test_the_clock_of_the_world_dates_its_mail_and_certificates(tmp_path: Path) -> None:
    noon = 1_772_625_600.0  # 4 March 2026
    async with World.open(directory=tmp_path, pace=0, now=lambda: noon) as world:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await send(world.mailboxes[2], "a@harbor.test")
        sent = await asyncio.to_thread(send_without_verifying, world)
        (stored,) = await world.ledger.until(What.STORED, sent)
        assert stored.at == noon


def send_without_verifying(world: World) -> str:
    one, message_id = world.mailboxes[2], new_message_id()
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    endpoint = one.smtp.endpoint
    with smtplib.SMTP_SSL(endpoint.host, endpoint.port, context=careless, timeout=10) as client:
        client.login(endpoint.username, endpoint.password.reveal())
        text = message(one.mailbox.address, "a@harbor.test", message_id)
        client.sendmail(one.mailbox.address, ["a@harbor.test"], text)
    return message_id


def test_certificates_are_for_the_owner_s_eyes(world: World, tmp_path: Path) -> None:
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["ca.pem", "server.pem"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert world.mailboxes[0].imap.endpoint.ca_file == tmp_path / "ca.pem"


async def test_a_directory_can_be_used_again(tmp_path: Path) -> None:
    for _ in range(2):
        async with World.open(directory=tmp_path) as world:
            assert await asyncio.to_thread(read_now, world.mailboxes[0]) == []
