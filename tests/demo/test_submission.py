"""The submission servers: who is let in, and the fates that strike there."""

import asyncio
import smtplib
import socket
from dataclasses import replace

import pytest

from probe.config.secret import Secret
from probe.config.settings import MailboxSettings, Tls
from probe.demo import post
from probe.demo.fates import Fate, Rule, Step
from probe.demo.ledger import What
from probe.demo.submission import MAX_MESSAGE
from probe.demo.world import World
from probe.mail.reply import Reply
from tests.demo.clients import (
    PATIENCE,
    context,
    message,
    new_message_id,
    read,
    send,
    smtp_connect,
    smtp_session,
)
from tests.demo.conftest import Box

SENDERS = ["northmail-a", "bluepost-a", "harbor-a"]
IMPATIENCE = 0.3
"""For clients that are to give up."""


@pytest.mark.parametrize("sender", SENDERS)
async def test_a_submission_needs_a_login(box: Box, sender: str) -> None:
    def submit() -> None:
        with smtp_connect(box(sender).smtp.endpoint) as client:
            client.ehlo()
            assert client.mail(box(sender).mailbox.address)[0] == 530

    await asyncio.to_thread(submit)


@pytest.mark.parametrize("sender", SENDERS)
async def test_a_wrong_password_is_answered_with_535(box: Box, sender: str) -> None:
    right = box(sender)
    endpoint = replace(right.smtp.endpoint, password=Secret("wrong"))
    wrong = replace(right, smtp=replace(right.smtp, endpoint=endpoint))
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        await send(wrong, "a@harbor.test")
    assert caught.value.smtp_code == 535


@pytest.mark.parametrize("sender", ["northmail-a", "harbor-a"])
async def test_no_password_is_taken_before_starttls(box: Box, sender: str) -> None:
    endpoint = box(sender).smtp.endpoint
    assert endpoint.tls is Tls.STARTTLS

    def log_in() -> None:
        with smtplib.SMTP(endpoint.host, endpoint.port, timeout=PATIENCE) as client:
            client.ehlo()
            assert client.has_extn("starttls")
            assert not client.has_extn("auth")
            assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] == 530
            assert client.starttls(context=context(endpoint.ca_file))[0] == 220
            client.ehlo()
            assert client.has_extn("auth")

    await asyncio.to_thread(log_in)


async def test_nobody_sends_in_the_name_of_another(box: Box) -> None:
    def submit() -> None:
        with smtp_session(box("northmail-a")) as client:
            assert client.mail("b@northmail.test")[0] == 553

    await asyncio.to_thread(submit)


async def test_a_password_can_stop_working_and_work_again(world: World, box: Box) -> None:
    active = world.fates.set(
        Rule(fate=Fate.WRONG_PASSWORD, from_address=box("bluepost-a").mailbox.address)
    )
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await send(box("bluepost-a"), "a@harbor.test")
    await send(box("bluepost-b"), "a@harbor.test")
    active.lift()
    await send(box("bluepost-a"), "a@harbor.test")


async def test_a_message_that_is_too_large_is_refused(world: World, box: Box) -> None:
    lines = "x" * 70 + "\r\n"
    large = message("a@harbor.test", "a@northmail.test", "<large@x>", lines * (MAX_MESSAGE // 70))
    with pytest.raises(smtplib.SMTPSenderRefused) as caught:
        await send(box("harbor-a"), "a@northmail.test", large)
    assert caught.value.smtp_code == 552
    assert world.ledger.of(What.SUBMITTED) == ()


async def test_a_full_queue_says_later_and_keeps_what_it_has(
    world: World, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "_MAX_QUEUE", 1)
    active = world.fates.set(Rule(fate=Fate.DELAY_NOTICE, seconds=60.0))
    kept = await send(box("northmail-a"), "a@harbor.test")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        await send(box("northmail-a"), "a@harbor.test")
    assert caught.value.smtp_code == 452
    active.lift()
    await world.ledger.until(What.STORED, kept)


@pytest.mark.parametrize("sender", SENDERS)
async def test_each_vendor_s_accepting_reply_names_the_message(
    world: World, box: Box, sender: str
) -> None:
    one, message_id = box(sender), new_message_id()

    def submit() -> Reply:
        with smtp_session(one) as client:
            client.mail(one.mailbox.address)
            client.rcpt("a@harbor.test")
            code, text = client.data(message(one.mailbox.address, "a@harbor.test", message_id))
            return Reply(code, text.decode())

    reply = await asyncio.to_thread(submit)
    (submitted,) = world.ledger.of(What.SUBMITTED, message_id)
    assert reply.code == 250
    assert str(reply.enhanced) == "2.0.0"
    assert submitted.queue_id in str(reply.queue_id)


@pytest.mark.parametrize(
    ("at", "error"),
    [
        (Step.GREETING, smtplib.SMTPConnectError),
        (Step.AUTH, smtplib.SMTPAuthenticationError),
        (Step.MAIL, smtplib.SMTPSenderRefused),
        (Step.RCPT, smtplib.SMTPRecipientsRefused),
        (Step.DATA, smtplib.SMTPDataError),
    ],
)
async def test_a_refusal_strikes_at_its_step_with_its_words(
    world: World, box: Box, at: Step, error: type[smtplib.SMTPException]
) -> None:
    reply = "554 5.7.1 not you" if at is not Step.AUTH else "454 4.7.0 not now"
    active = world.fates.set(Rule(fate=Fate.REFUSE, from_provider="harbor", at=at, reply=reply))
    with pytest.raises(error) as caught:
        await send(box("harbor-a"), "a@northmail.test")
    assert reply[4:] in str(caught.value)
    assert world.ledger.of(What.REFUSED)[0].detail == reply
    await send(box("northmail-a"), "a@harbor.test")
    active.lift()
    await send(box("harbor-a"), "a@northmail.test")


@pytest.mark.parametrize("at", list(Step))
@pytest.mark.parametrize("sender", ["bluepost-a", "harbor-a"])
async def test_a_hanging_server_says_nothing_until_the_client_gives_up(
    world: World, box: Box, sender: str, at: Step
) -> None:
    provider = sender.partition("-")[0]
    world.fates.set(Rule(fate=Fate.HANG, from_provider=provider, at=at, kept=False))
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        await send(box(sender), "a@northmail.test", patience=IMPATIENCE)
    assert world.ledger.of(What.SUBMITTED) == ()


@pytest.mark.parametrize("at", list(Step))
async def test_a_server_that_hung_goes_on_when_the_rule_is_lifted(
    world: World, box: Box, at: Step
) -> None:
    active = world.fates.set(Rule(fate=Fate.HANG, from_provider="northmail", at=at))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(send(box("northmail-a"), "a@harbor.test"))
        async with asyncio.timeout(PATIENCE):
            await active.struck_once.wait()
        active.lift()
    await world.ledger.until(What.STORED, sending.result())


@pytest.mark.parametrize("fate", [Fate.HANG, Fate.CUT])
@pytest.mark.parametrize("kept", [True, False])
async def test_after_data_without_a_reply_the_message_travels_on_only_if_it_was_kept(
    world: World,
    box: Box,
    fate: Fate,
    kept: bool,
) -> None:
    world.fates.set(Rule(fate=fate, from_provider="bluepost", kept=kept))
    with pytest.raises((TimeoutError, ConnectionError, smtplib.SMTPServerDisconnected)):
        await send(box("bluepost-a"), "a@northmail.test", patience=IMPATIENCE)
    await world.settled()
    assert len(await read(box("northmail-a"))) == kept


async def test_a_client_that_speaks_nonsense_harms_nobody(world: World, box: Box) -> None:
    def babble() -> None:
        for listener in (world.northmail.smtp, world.bluepost.smtp, world.harbor.imap):
            with socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE) as raw:
                raw.sendall(b"\x00\xff" * 40_000 + b"\r\n")

    await asyncio.to_thread(babble)
    await world.ledger.until(What.STORED, await send(box("northmail-a"), "a@bluepost.test"))


def test_the_settings_say_how_each_vendor_protects_submission(box: Box) -> None:
    def tls(one: MailboxSettings) -> Tls:
        return one.smtp.endpoint.tls

    assert [tls(box(sender)) for sender in SENDERS] == [Tls.STARTTLS, Tls.IMPLICIT, Tls.STARTTLS]
