"""A refused login is not tried again for a while."""

from dataclasses import replace

import pytest

from probe.config.secret import Secret
from probe.config.settings import MailboxSettings
from probe.core.event import Refused, Submission
from probe.daemon.logins import CREDENTIALS_REST, Logins
from probe.mail.reply import Reply, Stage
from tests.daemon.house import House, a_box, a_way, some_settings
from tests.daemon.post import Fate
from tests.makers import START, accepted, refused, unsent

BOX = a_box("north")


class Hand:
    """A clock to turn by hand."""

    now = START


def at_login(code: int, text: str) -> Refused:
    return Refused(START, Stage.AUTH, Reply(code, text))


def noted(event: Submission) -> tuple[Logins, Hand]:
    hand = Hand()
    logins = Logins(lambda: hand.now)
    logins.note("north", BOX, event)
    return logins, hand


def with_password(box: MailboxSettings, password: str) -> MailboxSettings:
    endpoint = replace(box.smtp.endpoint, password=Secret(password))
    return replace(box, smtp=replace(box.smtp, endpoint=endpoint))


def test_a_refused_login_rests_and_is_tried_again_later() -> None:
    logins, hand = noted(at_login(535, "5.7.8 authentication failed"))

    assert logins.resting("north", BOX)
    hand.now += CREDENTIALS_REST - 1
    assert logins.resting("north", BOX)
    hand.now += 2
    assert not logins.resting("north", BOX)


def test_another_password_is_tried_at_once() -> None:
    logins, _ = noted(at_login(535, "5.7.8 authentication failed"))

    assert not logins.resting("north", with_password(BOX, "the right one"))


def test_other_mailboxes_do_not_rest() -> None:
    logins, _ = noted(at_login(535, "5.7.8 authentication failed"))

    assert not logins.resting("south", BOX)


@pytest.mark.parametrize(
    "event",
    [at_login(454, "4.7.0 too many login attempts"), refused(), unsent(), accepted()],
    ids=["throttled", "a refused recipient", "unsent", "accepted"],
)
def test_nothing_else_is_a_refused_login(event: Submission) -> None:
    logins, _ = noted(event)

    assert not logins.resting("north", BOX)


async def test_the_mailbox_sends_nothing_while_its_login_rests(house: House) -> None:
    house.post.plan = lambda *_: Fate(answer=Refused, refused_at=Stage.AUTH)
    await house.ready(some_settings(a_way("north", "blue", 30.0), a_way("north", "green", 30.0)))
    await house.passes(CREDENTIALS_REST * 2.5)

    assert len(house.post.of("north")) == 3
    assert house.engine.live().oddities.unfired > 100
