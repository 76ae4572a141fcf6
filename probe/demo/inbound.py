"""How a provider's MX answers when another provider offers it a message."""

from datetime import timedelta

from probe.demo.fates import Active, Fate
from probe.demo.provider import Provider
from probe.demo.store import INBOX
from probe.demo.vendors import Vendor
from probe.mail.reply import Reply

_OK = Reply(250, "2.0.0 Ok")
_UNREACHABLE = Reply(451, "4.4.1 Connection refused")


def reply_from(words: str, recipient: str) -> Reply:
    """A vendor's or a rule's words as a reply."""
    words = words.replace("{recipient}", recipient)
    return Reply(int(words[:3]), words[4:])


def folder_for(fate: Active | None, vendor: Vendor) -> str:
    """Where a message is put."""
    return vendor.junk if fate and fate.rule.fate is Fate.JUNK else INBOX


async def answer(
    target: Provider, recipient: str, fate: Active | None, attempt: int, waited: timedelta
) -> Reply:
    """The reply to one attempt."""
    if not target.mx_open:
        return _UNREACHABLE
    if fate and (words := _words_of_fate(target.vendor, fate, attempt, waited)):
        return reply_from(words, recipient)
    if not target.store.knows(recipient):
        return reply_from(target.vendor.words.unknown, recipient)
    if not await target.store.has_room(recipient, folder_for(fate, target.vendor)):
        return reply_from(target.vendor.words.full, recipient)
    return _OK


def _words_of_fate(vendor: Vendor, fate: Active, attempt: int, waited: timedelta) -> str:
    """What a fate makes the MX say; empty where it does not speak."""
    rule, words = fate.rule, vendor.words
    if fate.lifted.is_set():
        return ""
    match rule.fate:
        case Fate.BOUNCE:
            return rule.reply or words.unknown
        case Fate.MAILBOX_FULL:
            return rule.reply or words.full
        case Fate.GREYLIST if attempt == 1:
            return rule.reply or words.later
        case Fate.DELAY_NOTICE if waited.total_seconds() < rule.seconds:
            return rule.reply or words.later
        case _:
            return ""
