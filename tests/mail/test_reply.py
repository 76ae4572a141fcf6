"""Replies, in the shapes in which servers send them."""

import pytest

from probe.mail.reply import EnhancedStatus, Reply

QUEUED = {
    "Postfix": ("2.0.0 Ok: queued as 4F2B81C0DE", "4F2B81C0DE"),
    "Postfix, long ids": ("2.0.0 Ok: queued as 4ZkQ7m2BWcz9sSx", "4ZkQ7m2BWcz9sSx"),
    "iCloud": ("2.0.0 Ok: queued as 7D0A6C80123", "7D0A6C80123"),
    "an appliance": ("2.0.0 Ok: queued as <a1b2c3d4.1>", "a1b2c3d4.1"),
    "Exim": ("OK id=1tABCd-0001Xy-2k", "1tABCd-0001Xy-2k"),
    "Exim 4.97": ("OK id=1tABCd-00000001Xy2-3abC", "1tABCd-00000001Xy2-3abC"),
    "Exchange Online": (
        "2.0.0 OK <YQ1PR01MB0000AB12@YQ1PR01MB0000.test> [Hostname=YQ1PR01MB0000.test]",
        "YQ1PR01MB0000AB12@YQ1PR01MB0000.test",
    ),
    "Exchange between servers": (
        "2.6.0 <probe@north.test> [InternalId=4466765987850, Hostname=mx.test] Queued mail",
        "4466765987850",
    ),
    "Google": (
        "2.0.0 OK  1750000000 d9443c01a7336-22c4abc1234sm1234567b3a.12 - gsmtp",
        "d9443c01a7336-22c4abc1234sm1234567b3a.12",
    ),
    "Sendmail": ("2.0.0 55FK1b2c012345 Message accepted for delivery", "55FK1b2c012345"),
    "Zoho": ("Message received", None),
    "qmail": ("ok 1750000000 qp 12345", None),
    "Yahoo": ("OK , completed", None),
    "words only": ("2.0.0 OK queued for delivery", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "queue_id"), QUEUED.values(), ids=QUEUED.keys())
def test_the_queue_id_is_found_in_each_servers_own_words(text: str, queue_id: str | None) -> None:
    assert Reply(250, text).queue_id == queue_id


def test_the_queue_id_is_found_on_a_later_line() -> None:
    assert Reply(250, "2.0.0 thank you\n2.0.0 Ok: queued as 4F2B81C0DE").queue_id == "4F2B81C0DE"


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (250, "2.1.5 Ok", "2.1.5"),
        (550, "5.1.1 <a@blue.test>: Recipient address rejected", "5.1.1"),
        (550, "5.1.1\nThe account does not exist", "5.1.1"),
        (550, "5.7.606 Access denied, banned sending IP", "5.7.606"),
        (451, "4.7.500 Server busy", "4.7.500"),
        (550, "#5.1.0 Address rejected", "5.1.0"),
        (554, "5.7.1: relaying denied", "5.7.1"),
        (554, "5.7.1", "5.7.1"),
        (421, " 4.3.2 closing", "4.3.2"),
    ],
)
def test_the_enhanced_status_is_read(code: int, text: str, status: str) -> None:
    found = Reply(code, text).enhanced
    assert isinstance(found, EnhancedStatus)
    assert str(found) == status


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "no such user"),
        (550, "user unknown 5.1.1"),
        (550, "5.1.1.7 is on a block list"),
        (550, "5.1.1234 too long"),
        (550, "5.1 too short"),
        (550, "3.1.1 no such class"),
        (550, "4.2.2 mailbox full"),  # RFC 2034 §4: the classes must agree
        (250, "5.1.1 what?"),
        (550, "5.1.10x"),
        (550, ""),
    ],
)
def test_what_only_looks_like_an_enhanced_status_is_not_one(code: int, text: str) -> None:
    assert Reply(code, text).enhanced is None


def test_statuses_have_an_order() -> None:
    parsed = [EnhancedStatus.parse(text) for text in ("5.7.1", "5.1.10", "4.9.9", "5.1.9")]
    known = [status for status in parsed if status]
    assert [str(status) for status in sorted(known)] == ["4.9.9", "5.1.9", "5.1.10", "5.7.1"]


@pytest.mark.parametrize(("code", "permanent"), [(250, False), (451, False), (550, True)])
def test_only_a_five_hundred_is_permanent(code: int, permanent: bool) -> None:
    assert Reply(code, "words").permanent is permanent


def test_a_reply_of_many_lines_is_shown_in_one() -> None:
    assert str(Reply(550, "5.1.1 no\n5.1.1 ask")) == "550 5.1.1 no / 5.1.1 ask"
