"""The watch on pymap, with real pushes."""

import asyncio
import gc
from asyncio import sslproto

import pytest

from probe.config.settings import Tls
from probe.core.mailbox import Folder
from probe.core.observation import Arrived, Bookmark, FolderFound, Look, WatchCause, WatchLost
from tests.transport.imap.conftest import Certificates
from tests.transport.imap.real_server import PASSWORD, USER, real_server
from tests.transport.imap.world import endpoint, now, watching

MESSAGE = b"Subject: mailprobe x\r\nX-Ours: 1000\r\n\r\nbody\r\n"


@pytest.mark.parametrize("mode", [Tls.PLAIN, Tls.IMPLICIT, Tls.STARTTLS])
async def test_a_message_is_seen_when_it_comes(mode: Tls, certificates: Certificates) -> None:
    certificate = None if mode is Tls.PLAIN else certificates.server
    async with real_server(certificate, implicit=mode is Tls.IMPLICIT) as server:
        at = endpoint(
            server.port, user=USER, password=PASSWORD, tls=mode, ca_file=certificates.ca_file
        )
        async with watching(at, poll=1e6) as watched:
            await watched.until_verified()
            began = now()
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(watched.until_kind(Arrived))
                uid = await server.put(MESSAGE)
                arrived = await waiting
    assert arrived.ref.uid == uid
    assert began <= arrived.at <= now()
    assert arrived.header == MESSAGE.removesuffix(b"body\r\n")
    assert arrived.body is None
    assert arrived.internal_date is not None


async def test_every_message_of_a_burst_is_reported_once_and_none_is_marked_seen() -> None:
    async with (
        real_server() as server,
        watching(endpoint(server.port, user=USER, password=PASSWORD), poll=1e6) as watched,
    ):
        await watched.until_verified()
        async with asyncio.TaskGroup() as group:
            collected = group.create_task(collect(watched, 120))
            uids = [await server.put(MESSAGE) for _ in range(120)]
        arrived = collected.result()
        flags = await server.flags()
    assert [one.ref.uid for one in arrived] == uids
    moments = [one.at for one in arrived]
    assert moments == sorted(moments)
    assert set(map(frozenset, flags.values())) == {frozenset()}


async def collect(watched: object, number: int) -> list[Arrived]:
    return [await watched.until_kind(Arrived) for _ in range(number)]  # type: ignore[attr-defined]  # a Watched


async def test_a_message_in_junk_is_found_by_a_look() -> None:
    async with (
        real_server() as server,
        watching(endpoint(server.port, user=USER, password=PASSWORD), poll=1e6) as watched,
    ):
        await watched.until_verified()
        uid = await server.put(MESSAGE, "Junk")
        watched.errands.put_nowait(Look())
        arrived = await watched.until_kind(Arrived)
    assert (arrived.ref.folder, arrived.ref.uid) == (Folder.JUNK, uid)
    assert arrived.not_before is not None
    assert arrived.not_before < arrived.at
    assert [(one.folder, one.how) for one in watched.of(FolderFound)] == [
        (Folder.INBOX, "inbox"),
        (Folder.JUNK, "name"),
    ]


async def test_mail_that_came_while_nobody_watched_is_found_by_the_next_watch() -> None:
    async with real_server() as server:
        at = endpoint(server.port, user=USER, password=PASSWORD)
        marks: dict[Folder, Bookmark] = {}
        async with watching(at) as watched:
            for folder in (Folder.JUNK, Folder.INBOX):
                marks[folder] = (await watched.until_verified(folder)).bookmark
        uids = {
            (Folder.INBOX, await server.put(MESSAGE)),
            (Folder.JUNK, await server.put(MESSAGE, "Junk")),
        }
        async with watching(at, bookmarks=marks) as watched:
            await watched.until_verified()
    arrived = watched.of(Arrived)
    assert {(one.ref.folder, one.ref.uid) for one in arrived} == uids
    assert all(one.not_before == marks[one.ref.folder].verified_at for one in arrived)


async def test_a_wrong_password_is_about_credentials() -> None:
    async with real_server() as server:
        with pytest.raises(WatchLost) as caught:
            async with watching(endpoint(server.port, user=USER, password="wrong")) as watched:
                await watched.until_verified()
    assert caught.value.cause is WatchCause.CREDENTIALS


async def test_one_login_serves_readings_looks_and_pushes() -> None:
    async with (
        real_server() as server,
        watching(endpoint(server.port, user=USER, password=PASSWORD), poll=0.05) as watched,
    ):
        for _ in range(10):
            watched.errands.put_nowait(Look())
            await watched.until_verified(Folder.JUNK)
        assert server.logins == 1


async def test_idle_connections_survive_a_garbage_collection() -> None:
    async with (
        real_server() as server,
        watching(endpoint(server.port, user=USER, password=PASSWORD), poll=1e6) as watched,
    ):
        await watched.until_verified()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(watched.until_kind(Arrived))
            gc.collect()
            await server.put(MESSAGE)
            await waiting


def test_R2_the_read_buffer_of_a_tls_connection_is_reduced() -> None:  # noqa: N802 - the row's id
    assert sslproto.SSLProtocol.max_size == 16 * 1024
