"""The IMAP servers: what is pushed, who is let in, and what a full folder says."""

import asyncio
import imaplib
import re
from dataclasses import replace

import pytest

from probe.config.secret import Secret
from probe.config.settings import Tls
from probe.demo import store
from probe.demo.fates import Fate, Rule
from probe.demo.ledger import What
from probe.demo.world import World
from tests.demo.clients import PATIENCE, Idler, imap_session, read, read_now, send
from tests.demo.conftest import Box


@pytest.mark.parametrize("recipient", ["northmail-a", "bluepost-a"])
async def test_an_idling_client_is_told_of_a_message_when_it_is_stored(
    world: World, box: Box, recipient: str
) -> None:
    idler = await Idler.connect(box(recipient))
    sent = await send(box("harbor-a"), box(recipient).mailbox.address)
    await idler.exists(1)
    assert world.ledger.of(What.STORED, sent)
    await idler.close()


async def test_no_message_of_a_burst_is_left_untold(world: World, box: Box) -> None:
    idler = await Idler.connect(box("northmail-a"))
    content = b"Subject: burst\r\n\r\n"
    for _ in range(50):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(
                    world.northmail.store.store("a@northmail.test", "INBOX", content)
                )
    await idler.exists(100)
    await idler.close()


async def test_a_silent_server_pushes_nothing_but_answers(world: World, box: Box) -> None:
    idler = await Idler.connect(box("bluepost-a"))
    world.bluepost.store.silence()
    sent = await send(box("harbor-a"), "a@bluepost.test")
    await world.ledger.until(What.STORED, sent)
    assert len(await read(box("bluepost-a"))) == 1
    said = await idler.done()
    assert any(b"1 EXISTS" in line for line in said), "told when the client asks"
    await idler.close()


async def test_a_server_that_speaks_again_tells_what_it_held_back(world: World, box: Box) -> None:
    world.bluepost.store.silence()
    idler = await Idler.connect(box("bluepost-a"))
    await world.ledger.until(What.STORED, await send(box("harbor-a"), "a@bluepost.test"))
    world.bluepost.store.speak()
    await idler.exists(1)
    await idler.close()


@pytest.mark.parametrize("recipient", ["northmail-a", "bluepost-a", "harbor-a"])
async def test_a_wrong_password_is_named_as_such(box: Box, recipient: str) -> None:
    right = box(recipient)
    endpoint = replace(right.imap.endpoint, password=Secret("wrong"))
    wrong = replace(right, imap=replace(right.imap, endpoint=endpoint))
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        await asyncio.to_thread(read_now, wrong)


async def test_a_right_password_is_refused_while_the_fate_says_so(world: World, box: Box) -> None:
    rule = Rule(fate=Fate.WRONG_PASSWORD, from_address="a@northmail.test")
    active = world.fates.set(rule)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        await read(box("northmail-a"))
    assert await read(box("northmail-b")) == []
    active.lift()
    assert await read(box("northmail-a")) == []


async def test_no_password_is_taken_before_starttls(box: Box) -> None:
    endpoint = box("harbor-a").imap.endpoint
    assert endpoint.tls is Tls.STARTTLS

    def log_in() -> None:
        with imaplib.IMAP4(endpoint.host, endpoint.port, timeout=PATIENCE) as client:
            assert "LOGINDISABLED" in client.capabilities
            assert "STARTTLS" in client.capabilities
            with pytest.raises(imaplib.IMAP4.error, match="LOGIN is disabled"):
                client.login(endpoint.username, endpoint.password.reveal())

    await asyncio.to_thread(log_in)


async def test_the_settings_name_every_junk_folder_and_only_a_sent_folder_that_is_used(
    world: World,
) -> None:
    for settings in world.mailboxes:
        vendor = world.providers[settings.mailbox.provider].vendor
        assert vendor.junk in settings.imap.junk.guesses

        def folders(settings: object = settings) -> set[str]:
            with imap_session(settings) as client:  # type: ignore[arg-type]
                _, lines = client.list()
            return {
                re.sub(r'.*"/" "?|"$', "", line.decode())
                for line in lines
                if isinstance(line, bytes)
            }

        there = await asyncio.to_thread(folders)
        assert there == {"INBOX", vendor.junk, vendor.sent}
        assert there & set(settings.imap.junk.guesses) == {vendor.junk}
        assert settings.imap.sent.absent == (not vendor.keeps_sent)


async def test_a_folder_that_is_full_takes_no_more_and_the_sender_is_told(
    world: World, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_FOLDER", 1)
    await world.ledger.until(What.STORED, await send(box("harbor-a"), "a@northmail.test"))
    second = await send(box("harbor-a"), "a@northmail.test")
    (returned,) = await world.ledger.until(What.RETURNED, second)
    assert returned.detail.startswith("552 5.2.2")
    assert len(await read(box("northmail-a"))) == 1


async def test_cleaning_a_folder_removes_the_message_for_good(world: World, box: Box) -> None:
    await world.ledger.until(What.STORED, await send(box("harbor-a"), "a@northmail.test"))

    def clean() -> None:
        with imap_session(box("northmail-a")) as client:
            client.select("INBOX")
            _, found = client.uid("SEARCH", "ALL")
            uid = found[0].decode()
            client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
            assert client.uid("EXPUNGE", uid)[0] == "OK"

    await asyncio.to_thread(clean)
    assert await read(box("northmail-a")) == []
