"""How a provider's MX answers when another provider offers it a message."""

from datetime import timedelta

from probe.demo.fates import Active, Fate
from probe.demo.provider import Provider
from probe.demo.store import INBOX
from probe.demo.vendors import Vendor, Words
from probe.mail.reply import Reply

_OK = Reply(250, "2.0.0 Ok")
_UNREACHABLE = Reply(451, "4.4.1 Connection refused")


def reply_from(words: str) -> Reply:
    """A vendor's or a rule's words as a reply."""
    return Reply(int(words[:3]), words[4:])


def folder_for(fate: Active | None, vendor: Vendor) -> str:
    """Where a message is put."""
    return vendor.junk if fate and fate.rule.fate is Fate.JUNK else INBOX


async def answer(
    target: Provider, recipient: str, fate: Active | None, attempt: int, waited: timedelta
) -> Reply:
    """The reply to one attempt."""
    usual = target.vendor.words
    if not target.mx_open:
        return _UNREACHABLE
    if fate and (words := _usual_words(usual, fate, attempt, waited)):
        return reply_from(fate.rule.words(words, recipient))
    if not target.store.knows(recipient):
        return reply_from(usual.unknown.format(recipient=recipient))
    if not await target.store.has_room(recipient, folder_for(fate, target.vendor)):
        return reply_from(usual.full.format(recipient=recipient))
    return _OK


def _usual_words(words: Words, fate: Active, attempt: int, waited: timedelta) -> str:
    """What an MX usually says when this is the fate; empty where it says nothing."""
    if fate.lifted.is_set():
        return ""
    match fate.rule.fate:
        case Fate.BOUNCE:
            return words.unknown
        case Fate.MAILBOX_FULL:
            return words.full
        case Fate.GREYLIST if attempt == 1:
            return words.later
        case Fate.DELAY_NOTICE if waited.total_seconds() < fate.rule.seconds:
            return words.later
        case _:
            return ""
