"""Every fate in transit, end to end: submitted by smtplib, read by imaplib."""

import asyncio
import email.utils
import re
from email.message import EmailMessage, Message

import pytest

from probe.demo.fates import Fate, Rule
from probe.demo.ledger import What
from probe.demo.world import World
from tests.demo.clients import message, new_message_id, read, send, smtp_session
from tests.demo.conftest import Box

PAIRS = [
    (sender, recipient)
    for sender in ("northmail-a", "bluepost-a", "harbor-a")
    for recipient in ("northmail-b", "bluepost-b", "harbor-b")
]


def status_of(notice: EmailMessage) -> list[Message]:
    """The blocks of the delivery-status part."""
    part = next(p for p in notice.walk() if p.get_content_type() == "message/delivery-status")
    blocks = part.get_payload()
    return [block for block in blocks if isinstance(block, Message)]


@pytest.mark.parametrize(("sender", "recipient"), PAIRS)
async def test_a_message_arrives_once_in_the_inbox_and_nothing_of_it_is_changed(
    world: World, box: Box, sender: str, recipient: str
) -> None:
    to = box(recipient)
    sent = await send(box(sender), to.mailbox.address)
    (stored,) = await world.ledger.until(What.STORED, sent)
    (arrived,) = await read(to)
    assert arrived["Message-ID"] == sent
    assert arrived.get_content() == "Good day.\r\n"
    assert arrived["Return-Path"] == f"<{box(sender).mailbox.address}>"
    assert (stored.recipient, stored.folder) == (to.mailbox.address, "INBOX")


@pytest.mark.parametrize(("sender", "recipient"), PAIRS)
async def test_the_received_fields_tell_the_way_newest_first(
    world: World, box: Box, sender: str, recipient: str
) -> None:
    to = box(recipient)
    await world.ledger.until(What.STORED, await send(box(sender), to.mailbox.address))
    (arrived,) = await read(to)
    hops = [" ".join(str(field).split()) for field in arrived.get_all("Received", [])]
    servers = [re.search(r"\bby (\S+)", hop)[1] for hop in hops]  # type: ignore[index]
    sources = [re.search(r"^from (\S+)", hop)[1] for hop in hops]  # type: ignore[index]
    origin, target = sender.partition("-")[0], recipient.partition("-")[0]
    if origin == target:
        assert servers == [f"store.{target}.test", f"smtp.{origin}.test"]
    else:
        assert servers == [
            f"store.{target}.test",
            f"mx.{target}.test",
            f"out.{origin}.test",
            f"smtp.{origin}.test",
        ]
    assert sources[:-1] == servers[1:], "each server names the one before it"
    times = [email.utils.parsedate_to_datetime(hop.rpartition(";")[2]) for hop in hops]
    assert times == sorted(times, reverse=True)
    assert all(time.tzinfo for time in times)


async def test_the_recipient_s_mx_says_what_it_found_out_about_the_sender(
    world: World, box: Box
) -> None:
    for recipient in ("bluepost-a", "harbor-a"):
        to = box(recipient)
        await world.ledger.until(What.STORED, await send(box("northmail-a"), to.mailbox.address))
        (arrived,) = await read(to)
        found = " ".join(str(arrived["Authentication-Results"]).split())
        assert "spf=pass (sender IP is 192.0.2.25) smtp.mailfrom=northmail.test" in found
        names = arrived.keys()
        assert names.index("Authentication-Results") < names.index("Received", 2)


async def test_one_vendor_keeps_a_copy_in_the_sender_s_sent_folder(world: World, box: Box) -> None:
    sent = [await send(box(f"{p}-a"), "b@northmail.test") for p in ("bluepost", "harbor")]
    for each in sent:
        await world.ledger.until(What.STORED, each)
    (copy,) = await read(box("bluepost-a"), "Sent Mail")
    assert copy["Message-ID"] == sent[0]
    assert await read(box("harbor-a"), "Sent Items") == []


async def test_a_message_for_two_is_one_copy_in_sent_and_arrives_twice(
    world: World, box: Box
) -> None:
    sender, message_id = box("bluepost-a"), new_message_id()
    recipients = ["a@northmail.test", "a@harbor.test"]
    text = message(sender.mailbox.address, recipients[0], message_id)

    def submit() -> None:
        with smtp_session(sender) as client:
            assert client.sendmail(sender.mailbox.address, recipients, text) == {}

    await asyncio.to_thread(submit)
    stored = await world.ledger.until(What.STORED, message_id, count=2)
    assert {entry.recipient for entry in stored} == set(recipients)
    assert len({entry.queue_id for entry in stored}) == 1
    assert len(await read(sender, "Sent Mail")) == 1


@pytest.mark.parametrize(
    ("recipient", "folder"),
    [("northmail-a", "Junk"), ("bluepost-a", "Spam"), ("harbor-a", "Bulk Mail")],
)
async def test_junked_mail_is_in_the_folder_that_the_vendor_has_for_it(
    world: World, box: Box, recipient: str, folder: str
) -> None:
    to = box(recipient)
    world.fates.set(Rule(fate=Fate.JUNK, to_address=to.mailbox.address))
    sent = await send(box("northmail-b"), to.mailbox.address)
    (stored,) = await world.ledger.until(What.STORED, sent)
    assert stored.folder == folder
    assert await read(to) == []
    (junked,) = await read(to, folder)
    assert junked["Message-ID"] == sent


async def test_dropped_mail_is_accepted_and_nobody_is_told(world: World, box: Box) -> None:
    world.fates.set(Rule(fate=Fate.DROP, from_provider="northmail", to_provider="harbor"))
    sent = await send(box("northmail-a"), "a@harbor.test")
    await world.ledger.until(What.DROPPED, sent)
    await world.settled()
    assert await read(box("harbor-a")) == await read(box("northmail-a")) == []
    assert world.ledger.of(What.STORED, sent) == world.ledger.of(What.RETURNED, sent) == ()


async def test_a_duplicate_is_the_same_message_twice(world: World, box: Box) -> None:
    world.fates.set(Rule(fate=Fate.DUPLICATE, to_provider="bluepost"))
    sent = await send(box("harbor-a"), "a@bluepost.test")
    await world.ledger.until(What.STORED, sent, count=2)
    assert [m["Message-ID"] for m in await read(box("bluepost-a"))] == [sent, sent]


async def test_a_delayed_message_is_stored_no_earlier_than_its_delay(
    world: World, box: Box
) -> None:
    world.fates.set(Rule(fate=Fate.DELAY, to_provider="harbor", seconds=0.3))
    sent = await send(box("northmail-a"), "a@harbor.test")
    (stored,) = await world.ledger.until(What.STORED, sent)
    (submitted,) = world.ledger.of(What.SUBMITTED, sent)
    assert stored.at - submitted.at >= 0.3


async def test_a_greylisted_message_is_deferred_once_and_then_delivered(
    world: World, box: Box
) -> None:
    world.fates.set(Rule(fate=Fate.GREYLIST, to_provider="northmail"))
    sent = await send(box("bluepost-a"), "a@northmail.test")
    await world.ledger.until(What.STORED, sent)
    (deferred,) = world.ledger.of(What.DEFERRED, sent)
    assert deferred.detail.startswith("450 4.7.1")
    assert len(await read(box("northmail-a"))) == 1


@pytest.mark.parametrize("sender", ["northmail-a", "bluepost-a", "harbor-a"])
async def test_a_bounce_comes_back_from_the_sender_s_own_provider(
    world: World, box: Box, sender: str
) -> None:
    world.fates.set(
        Rule(fate=Fate.BOUNCE, to_provider="bluepost", reply="550 5.1.1 no <{recipient}>")
    )
    sent = await send(box(sender), "b@bluepost.test")
    await world.ledger.until(What.RETURNED, sent)
    await world.settled()
    (notice,) = await read(box(sender))
    origin = sender.partition("-")[0]
    assert notice["Return-Path"] == "<>"
    assert f"@{origin}.test" in notice["From"]
    assert notice["In-Reply-To"] == sent
    message_block, recipient_block = status_of(notice)
    assert message_block["Reporting-MTA"] == f"dns; out.{origin}.test"
    assert recipient_block["Final-Recipient"] == "rfc822; b@bluepost.test"
    assert recipient_block["Action"] == "failed"
    assert recipient_block["Status"] == "5.1.1"
    assert recipient_block["Remote-MTA"] == "dns; mx.bluepost.test"
    assert recipient_block["Diagnostic-Code"] == "smtp; 550 5.1.1 no <b@bluepost.test>"
    assert await read(box("bluepost-b")) == []


async def test_a_late_bounce_comes_from_the_recipient_s_provider(world: World, box: Box) -> None:
    world.fates.set(Rule(fate=Fate.BOUNCE_LATE, to_provider="harbor"))
    sent = await send(box("northmail-a"), "a@harbor.test")
    await world.ledger.until(What.RETURNED, sent)
    await world.settled()
    (notice,) = await read(box("northmail-a"))
    message_block, recipient_block = status_of(notice)
    assert message_block["Reporting-MTA"] == "dns; out.harbor.test"
    assert recipient_block["Status"] == "5.1.10"
    assert recipient_block["Remote-MTA"] is None
    hops = " ".join(str(hop) for hop in notice.get_all("Received", []))
    assert "by mx.northmail.test" in hops
    assert "by out.harbor.test" in hops


async def test_a_delay_notice_comes_first_and_the_message_later(world: World, box: Box) -> None:
    rule = Rule(fate=Fate.DELAY_NOTICE, to_provider="harbor", seconds=60.0)
    active = world.fates.set(rule)
    sent = await send(box("bluepost-a"), "a@harbor.test")
    await world.ledger.until(What.DEFERRED, sent, count=3)
    (notice,) = await read(box("bluepost-a"))
    _, recipient_block = status_of(notice)
    assert recipient_block["Action"] == "delayed"
    assert recipient_block["Status"].startswith("4.")
    assert email.utils.parsedate_to_datetime(recipient_block["Will-Retry-Until"])
    active.lift()
    await world.ledger.until(What.STORED, sent)
    assert len(await read(box("bluepost-a"))) == 1, "one notice, however often it was tried"


async def test_a_full_mailbox_bounces_in_the_vendor_s_own_words(world: World, box: Box) -> None:
    world.fates.set(Rule(fate=Fate.MAILBOX_FULL, to_address="a@northmail.test"))
    sent = await send(box("harbor-a"), "a@northmail.test")
    (returned,) = await world.ledger.until(What.RETURNED, sent)
    assert returned.detail.startswith("552 5.2.2 <a@northmail.test>")
    await world.ledger.until(What.STORED, await send(box("harbor-a"), "b@northmail.test"))


@pytest.mark.parametrize(
    ("recipient", "status"), [("nobody@bluepost.test", "5.1.1"), ("a@nowhere.test", "5.1.2")]
)
async def test_mail_to_nobody_bounces_without_any_fate(
    world: World, box: Box, recipient: str, status: str
) -> None:
    await world.ledger.until(What.RETURNED, await send(box("northmail-a"), recipient))
    await world.settled()
    (notice,) = await read(box("northmail-a"))
    assert status_of(notice)[1]["Status"] == status


async def test_mail_for_a_vendor_that_is_down_waits_and_arrives_when_it_is_back(
    world: World, box: Box
) -> None:
    await world.harbor.stop()
    sent = await send(box("northmail-a"), "a@harbor.test")
    await world.ledger.until(What.DEFERRED, sent, count=2)
    await world.harbor.start()
    await world.ledger.until(What.STORED, sent)
    assert len(await read(box("harbor-a"))) == 1


async def test_a_queue_gives_up_in_the_end() -> None:
    async with World.open(pace=0.01, queue_lifetime=0.1) as world:
        await world.harbor.stop()
        sender = world.mailboxes[0]
        sent = await send(sender, "a@harbor.test")
        await world.ledger.until(What.RETURNED, sent)
        await world.settled()
        (notice,) = await read(sender)
        assert status_of(notice)[1]["Action"] == "failed"
        assert status_of(notice)[1]["Status"] == "4.4.1"


async def test_a_bounce_that_cannot_be_delivered_is_not_bounced_again(
    world: World, box: Box
) -> None:
    world.fates.set(Rule(fate=Fate.BOUNCE))
    world.fates.set(Rule(fate=Fate.BOUNCE_LATE, to_provider="harbor"))
    for recipient in ("a@harbor.test", "b@northmail.test"):
        await send(box("northmail-a"), recipient)
    await world.settled()
    assert len(world.ledger.of(What.RETURNED)) == 2
    assert len(await read(box("northmail-a"))) == 2
