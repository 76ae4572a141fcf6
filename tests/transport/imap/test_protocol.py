"""One command at a time, against a server that misbehaves (rows L, P, C, N1 to N3)."""
# ruff: noqa: N802 - a name begins with the id of its row, which is upper case

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aioimaplib.aioimaplib import Command

from probe.core.observation import WatchCause, WatchLost
from probe.transport.imap import mirror, names, reader, request
from probe.transport.imap.client import Client
from probe.transport.imap.mirror import SETTLING
from probe.transport.imap.request import Request
from probe.transport.imap.session import Session
from tests.transport.imap.scripted import (
    OK,
    OPENED,
    Action,
    Peer,
    Script,
    close,
    hang,
    line,
    reset,
    scripted,
    until_done,
)
from tests.transport.imap.world import HASTY, PATIENT, session


async def search(at: Session) -> list[int]:
    return await at.search("ALL")


async def idle_for_a_push(at: Session) -> None:
    at.stirred.clear()
    async with at.idling():
        await at.stirred.wait()


async def noop(at: Session) -> None:
    await at.noop()


async def headers(at: Session) -> None:
    await at.headers([1])


async def select(at: Session) -> None:
    await at.open("INBOX", writable=True)


Doing = Callable[[Session], Awaitable[object]]


async def loss(script: Script, doing: Doing, *, timeout: float = PATIENT) -> WatchLost:  # noqa: ASYNC109 - the endpoint's
    """What ends the connection while we do this; it must be gone then, for everybody."""
    async with scripted(script) as server, session(server.port, timeout=timeout) as at:
        with pytest.raises(WatchLost) as caught:
            await doing(at)
        await server.gone.wait()
        with pytest.raises(WatchLost) as again:
            await at.noop()
    assert again.value.cause is caught.value.cause
    return caught.value


IDLING = b"+ idling\r\n"
FOREVER = b"* 1 FETCH (BODY[] {99999999999}\r\n"

LOST: list[tuple[str, str, Sequence[Action], Doing, WatchCause, str]] = [
    ("L3", "IDLE", [b"* BYE timeout\r\n", close], idle_for_a_push, WatchCause.CLOSED, "timeout"),
    ("L4", "IDLE", [IDLING, close], idle_for_a_push, WatchCause.CLOSED, "closed the connection"),
    ("L5", "IDLE", [IDLING, reset], idle_for_a_push, WatchCause.CLOSED, "connection lost"),
    (
        "L6",
        "IDLE",
        [IDLING, b"* BYE timeout\r\n", close],
        idle_for_a_push,
        WatchCause.CLOSED,
        "timeout",
    ),
    ("L7", "IDLE", [b"TAG NO nope\r\n"], idle_for_a_push, WatchCause.REFUSED, "nope"),
    ("P7", "UID FETCH", [FOREVER, b"x" * 100_000], headers, WatchCause.PROTOCOL, "99999999999"),
    ("P8", "NOOP", [b"x" * 100_000] * 200, noop, WatchCause.PROTOCOL, "a line is longer"),
    ("P10", "NOOP", [b"* \xff\xfe\x00 FETCH\r\n"], noop, WatchCause.PROTOCOL, "not an IMAP resp"),
    (
        "P12",
        "UID FETCH",
        [b"* 1 FETCH (BODY[] {4}\r\nabcd\r\n"],
        headers,
        WatchCause.PROTOCOL,
        "not closed",
    ),
    (
        "P12b",
        "UID FETCH",
        [b"* 1 FETCH (BODY[] {4}\r\nabcd)\r\nX OK (evil\r\n"],
        headers,
        WatchCause.PROTOCOL,
        "nothing that was asked: (evil",
    ),
    ("C12", "NOOP", [b"+ more, please\r\n"], noop, WatchCause.PROTOCOL, "nothing was waiting"),
    (
        "deep",
        "UID FETCH",
        [b"* 1 FETCH " + b"(" * 99 + b"\r\n"],
        headers,
        WatchCause.PROTOCOL,
        "deep",
    ),
    (
        "overquota",
        "IDLE",
        [IDLING, b"* BYE [OVERQUOTA] Account exceeded command or bandwidth limits.\r\n"],
        idle_for_a_push,
        WatchCause.THROTTLED,
        "bandwidth",
    ),
]


@pytest.mark.parametrize(
    ("command", "actions", "doing", "cause", "words"),
    [row[1:] for row in LOST],
    ids=[row[0] for row in LOST],
)
async def test_what_ends_a_connection_is_known_at_once_with_the_servers_words(
    command: str, actions: Sequence[Action], doing: Doing, cause: WatchCause, words: str
) -> None:
    lost = await loss({command: actions}, doing)
    assert lost.cause is cause
    assert words in lost.detail


async def test_a_throttling_answer_tells_how_long_to_stay_away() -> None:
    throttled = b"TAG NO Request is throttled. Suggested Backoff Time: 5000 milliseconds\r\n"
    async with scripted({"UID SEARCH": [throttled]}) as server, session(server.port) as at:
        with pytest.raises(WatchLost) as caught:
            await search(at)
    assert caught.value.cause is WatchCause.THROTTLED
    assert caught.value.retry_after == 5.0


async def drip(peer: Peer) -> None:
    """Send a little, again and again, until the client has had enough."""
    while not peer.writer.is_closing():
        await peer.say(b"* OK still here\r\n")
        await asyncio.sleep(0.01)


async def deaf_idle(peer: Peer) -> None:
    """Begin to IDLE, push, and hear nothing any more: a NAT has forgotten us."""
    await peer.say(IDLING + b"* 4 EXISTS\r\n")
    await hang(peer)


async def store(at: Session) -> None:
    await at.mark_deleted([1])


async def expunge(at: Session) -> None:
    await at.expunge([1])


async def body(at: Session) -> None:
    await at.body(1)


SILENT: list[tuple[str, str, Action, Doing]] = [
    ("L8", "IDLE", deaf_idle, idle_for_a_push),
    ("L8b", "IDLE", hang, idle_for_a_push),
    ("P9", "NOOP", drip, noop),
    ("C2", "UID FETCH", hang, headers),
    ("C3", "SELECT", hang, select),
    ("C11 STORE", "UID STORE", hang, store),
    ("C11 EXPUNGE", "UID EXPUNGE", hang, expunge),
    ("C11 FETCH", "UID FETCH", hang, body),
    ("C11 SEARCH", "UID SEARCH", hang, search),
]


@pytest.mark.parametrize(
    ("command", "action", "doing"), [row[1:] for row in SILENT], ids=[row[0] for row in SILENT]
)
async def test_every_wait_has_a_deadline_and_ends_the_connection(
    command: str, action: Action, doing: Doing
) -> None:
    lost = await loss({command: [action]}, doing, timeout=HASTY)
    assert lost.cause is WatchCause.SILENT
    assert command in lost.detail


async def test_C1_a_cancelled_command_drops_the_connection() -> None:
    async with scripted({"UID SEARCH": [hang]}) as server, session(server.port) as at:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(search(at))
            await server.until_heard(b"UID SEARCH")
            first.cancel()
        with pytest.raises(WatchLost, match="given up"):
            await search(at)
        await server.gone.wait()


async def test_C9_a_second_command_waits_for_the_answer_to_the_first() -> None:
    go_on = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await go_on.wait()
        await peer.say(b"* SEARCH 1\r\n" + OK)

    async with scripted({"UID SEARCH": [slowly]}) as server, session(server.port) as at:
        async with asyncio.TaskGroup() as group:
            searches = [group.create_task(search(at)) for _ in range(2)]
            await server.until_heard(b"UID SEARCH")
            assert server.count(b"UID SEARCH") == 1
            go_on.set()
        assert [task.result() for task in searches] == [[1], [1]]


async def test_a_loss_fails_those_too_who_wait_for_their_turn() -> None:
    async with scripted({"UID SEARCH": [hang]}) as server, session(server.port) as at:
        tasks = [asyncio.get_running_loop().create_task(search(at)) for _ in range(3)]
        await server.until_heard(b"UID SEARCH")
        at.abort()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, WatchLost) for end in ends)


async def test_L9_the_socket_is_kept_alive_and_gives_up_on_unacknowledged_octets() -> None:
    async with scripted() as server, session(server.port) as at:
        transport = at._protocol.transport
        assert transport is not None
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0


# --- answers ---------------------------------------------------------------------------


async def answer_to(at: Session, name: str, *args: str, prefix: str = "") -> Request:
    return await at.ask(name, *args, prefix=prefix)


async def test_P1_three_thousand_lines_are_three_thousand_lines() -> None:
    script = {"NOOP": [line(b"* OK x", 3000), OK]}
    async with scripted(script) as server, session(server.port) as at:
        assert len((await answer_to(at, "NOOP")).untagged) == 3000


@pytest.mark.parametrize("times", [300, 3000], ids=["P2", "P4"])
async def test_a_long_fetch_is_returned_whole(times: int) -> None:
    script = {"UID FETCH": [line(rb"* N FETCH (UID N FLAGS (\Seen))", times), OK]}
    async with scripted(script) as server, session(server.port) as at:
        answer = await answer_to(at, "FETCH", "1:*", "(UID FLAGS)", prefix="UID")
    assert [item.uid for item in answer.untagged] == list(range(1, times + 1))  # type: ignore[union-attr]  # all are Fetch


async def test_an_answer_without_end_is_refused() -> None:
    endless = [line(b"* OK x", 1000)] * (request.MAX_UNTAGGED // 1000 + 1)
    lost = await loss({"NOOP": endless}, noop)
    assert lost.cause is WatchCause.PROTOCOL


async def test_answers_with_too_many_octets_are_refused() -> None:
    literal = b"* 1 FETCH (BODY[] {%d}\r\n" % reader.MAX_LITERAL + b"x" * reader.MAX_LITERAL
    many = [literal + b")\r\n"] * (request.MAX_OCTETS // reader.MAX_LITERAL + 1)
    lost = await loss({"UID FETCH": many}, headers)
    assert lost.cause is WatchCause.PROTOCOL


async def test_P11_braces_in_text_for_people_are_no_literal() -> None:
    script = {"EXAMINE": [b"* OK see rule {5}\r\n* 1 EXISTS\r\n", OPENED]}
    async with scripted(script) as server, session(server.port) as at:
        assert at.opened == "INBOX"


async def test_P15_lines_may_end_with_lf_only() -> None:
    script = {"UID SEARCH": [b"* SEARCH 5\nTAG OK done\n"]}
    async with scripted(script) as server, session(server.port) as at:
        assert await search(at) == [5]


async def test_P14_a_flood_of_pushes_takes_no_memory() -> None:
    async def flood(peer: Peer) -> None:
        await peer.say(IDLING)
        for _ in range(20):
            await peer.say(b"* 1 EXISTS\r\n* 2 EXISTS\r\n" * 1000)
        await peer.say(b"* 9 EXISTS\r\n")
        await until_done(peer)

    async with scripted({"IDLE": [flood]}) as server, session(server.port) as at:
        async with at.idling() as idle:
            while at._protocol.mirror.count != 9:
                at.stirred.clear()
                await at.stirred.wait()
            assert idle.untagged == []
        assert len(at._protocol.mirror._starts) <= mirror.MAX_RUNS


async def test_C4_news_between_the_lines_of_an_answer_is_kept() -> None:
    script = {"UID SEARCH": [b"* 7 EXISTS\r\n* SEARCH 1\r\n* 3 EXPUNGE\r\n", OK]}
    async with scripted(script) as server, session(server.port) as at:
        at.stirred.clear()
        assert await search(at) == [1]
        assert at._protocol.mirror.count == 6
        assert at.stirred.is_set()


async def test_C5_news_after_a_fetch_is_kept() -> None:
    script = {"UID FETCH": [b"* 8 EXISTS\r\n* VANISHED 4\r\n", OK]}
    async with scripted(script) as server, session(server.port) as at:
        at.stirred.clear()
        await headers(at)
        assert at._protocol.mirror.count == 7
        assert at.stirred.is_set()


async def test_C6_a_push_that_was_dealt_with_does_not_end_the_next_idle() -> None:
    """The second IDLE lasts until the server pushes again."""
    rounds = 0

    async def push(peer: Peer) -> None:
        nonlocal rounds
        rounds += 1
        await peer.say(IDLING + b"* %d EXISTS\r\n" % (3 + rounds))
        await until_done(peer)

    async with scripted({"IDLE": [push]}) as server, session(server.port) as at:
        for count in (4, 5):
            await idle_for_a_push(at)
            assert at._protocol.mirror.count == count


async def test_C8_a_search_names_no_charset() -> None:
    async with scripted() as server, session(server.port) as at:
        await search(at)
        await at.search("SUBJECT", '"mailprobe"')
    assert not [said for said in server.received if b"CHARSET" in said]


async def test_an_idle_that_the_server_ends_is_over() -> None:
    async with scripted({"IDLE": [IDLING, OK]}) as server, session(server.port) as at:
        await idle_for_a_push(at)
        await at.noop()
    assert server.count(b"DONE") == 0


async def test_a_push_before_the_plus_is_not_lost() -> None:
    early: Script = {"IDLE": [b"* 4 EXISTS\r\n", IDLING, until_done]}
    async with scripted(early) as server, session(server.port) as at:
        at.stirred.clear()
        async with at.idling():
            assert at.stirred.is_set()


async def test_only_a_push_in_a_settled_idle_is_exact() -> None:
    async def pushes(peer: Peer) -> None:
        await peer.say(IDLING + b"* 4 EXISTS\r\n")
        await asyncio.sleep(SETTLING * 1.5)  # the clock here is the wall's
        await peer.say(b"* 5 EXISTS\r\n")
        await until_done(peer)

    async with scripted({"IDLE": [pushes]}) as server, session(server.port) as at:
        seen = at._protocol.mirror.seen
        async with at.idling():
            while at._protocol.mirror.count < 5:
                at.stirred.clear()
                await at.stirred.wait()
        early, late = seen(4), seen(5)
    assert early is not None
    assert not early.exact
    assert late is not None
    assert late.exact
    assert late.at > early.at


# --- what is never sent ----------------------------------------------------------------


async def library_append(client: Client) -> None:
    await client.append(b"From: x\r\n\r\n", "INBOX")


async def library_quota(client: Client) -> None:
    await client.getquotaroot("Other")


async def library_expunge(client: Client) -> None:
    await client.expunge()


async def library_store(client: Client) -> None:
    await client.store("1:*", "+FLAGS", "(\\Deleted)")


async def library_move(client: Client) -> None:
    await client.move("1:*", "Trash")


async def library_delete(client: Client) -> None:
    await client.delete("INBOX")


@pytest.mark.parametrize(
    "call",
    [
        library_append,
        library_quota,
        library_expunge,
        library_store,
        library_move,
        library_delete,
    ],
    ids=["C12 append", "C10 getquotaroot", "expunge", "store", "move", "delete"],
)
async def test_the_librarys_own_commands_send_nothing(
    call: Callable[[Client], Awaitable[None]],
) -> None:
    async with scripted() as server, session(server.port) as at:
        before = len(server.received)
        with pytest.raises(PermissionError):
            await call(at._client)
        assert at._protocol.literal_data is None
        await at.noop()
        assert server.received[before:] == [b"NOOP"]


async def test_a_command_that_the_state_does_not_allow_is_not_sent() -> None:
    async with scripted() as server, session(server.port, opened=False) as at:
        with pytest.raises(PermissionError):
            await search(at)
    assert server.count(b"UID SEARCH") == 0


async def test_A11_a_request_does_not_print_its_arguments() -> None:
    secret = Request("LOGIN", "T1", "u", '"Hunter2"')
    assert "Hunter2" not in f"{secret!r} {secret} {secret.title}"
    assert b"Hunter2" in secret.line()


async def test_R3_contents_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "aioimaplib.aioimaplib")
    script = {"UID FETCH": [b"* 1 FETCH (UID 1 BODY[HEADER] {6}\r\nprivat)\r\n", OK]}
    async with scripted(script) as server, session(server.port) as at:
        fetched, _ = await at.headers([1])
        assert fetched[0].section("HEADER") == b"privat"
    assert "privat" not in caplog.text


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Junk E-mail", b'EXAMINE "Junk E-mail"'),
        ("Courrier indésirable", b'EXAMINE "Courrier ind&AOk-sirable"'),
        ("[Gmail]/Spam", b'EXAMINE "[Gmail]/Spam"'),
        ('a"b\\c', b'EXAMINE "a\\"b\\\\c"'),
    ],
    ids=["N1", "N2", "N3", "quotes"],
)
async def test_folder_names_are_encoded_and_always_quoted(name: str, sent: bytes) -> None:
    async with scripted() as server, session(server.port, opened=False) as at:
        await at.open(names.encode(name))
    assert sent in server.received


async def test_a_line_end_in_an_argument_is_never_sent() -> None:
    async with scripted() as server, session(server.port, opened=False) as at:
        with pytest.raises(ValueError, match="CR"):
            await at.open("INBOX\r\nX1 LOGOUT")
        with pytest.raises(ValueError, match="CR"):
            Request("NOOP", "T1", "a\nb")
    assert server.count(b"EXAMINE") == 0


def test_the_library_still_has_what_we_replace() -> None:
    """A new release that renames these must not silently bring its own methods back."""
    from aioimaplib.aioimaplib import IMAP4, IMAP4ClientProtocol  # noqa: PLC0415 - one use

    for name in ("data_received", "connection_lost", "execute", "send", "wait"):
        assert hasattr(IMAP4ClientProtocol, name)
    assert hasattr(IMAP4, "create_client")
    assert hasattr(Command, "wait")
