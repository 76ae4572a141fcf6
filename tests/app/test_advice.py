"""Each thing that can be wrong with a mailbox: one line, once, with what to do."""

from dataclasses import replace

import pytest

from probe.app import advice
from probe.config.secret import Secret
from probe.config.settings import Endpoint, ImapSettings, MailboxSettings, SmtpSettings, Tls
from probe.core.event import Accepted, Cause, Event, Refused, Unconfirmed, Unsent
from probe.core.mailbox import Mailbox
from probe.core.observation import WatchCause, WatchLost
from probe.mail.reply import Reply, Stage

PASSWORD = "correct horse battery staple"
ADDRESS = "probe@north.test"


def a_box(provider: str = "northmail", username: str = ADDRESS) -> MailboxSettings:
    secret = Secret(PASSWORD)
    return MailboxSettings(
        Mailbox("north", ADDRESS, provider),
        SmtpSettings(Endpoint("smtp.north.test", 587, Tls.STARTTLS, username, secret)),
        ImapSettings(Endpoint("imap.north.test", 993, Tls.IMPLICIT, username, secret)),
        sends_per_day=100,
    )


def refused(stage: Stage, code: int, text: str) -> Refused:
    return Refused(0.0, stage, Reply(code, text))


def unsent(cause: Cause, detail: str, stage: Stage = Stage.CONNECT) -> Unsent:
    return Unsent(0.0, stage, cause, detail)


ACCEPTED = Accepted(0.0, Reply(250, "2.0.0 Ok"))
NO_LOGIN = WatchLost(WatchCause.CREDENTIALS, "login: NO invalid credentials")
REFUSED_LOGIN = refused(Stage.AUTH, 535, "5.7.8 authentication failed")


def the_problems(
    lost: WatchLost | None, event: Event | None, box: MailboxSettings | None = None
) -> list[str]:
    return list(advice.problems(box or a_box(), lost, event))


def test_where_all_is_well_nothing_is_said() -> None:
    assert the_problems(None, ACCEPTED) == []


@pytest.mark.parametrize(
    ("event", "end"),
    [
        (refused(Stage.ENVELOPE, 550, "5.7.60 may not send as this sender"),
         ": check that this account may send, and that the address probe@north.test is right"),
        (refused(Stage.ENVELOPE, 451, "4.7.1 later"),
         ": this may pass, try again in some minutes"),
        (refused(Stage.AUTH, 454, "4.7.0 too many login attempts"),
         ": this may pass, try again in some minutes"),
        (refused(Stage.DATA, 554, "5.7.1 spam"),
         ": the provider does not take this message; ask its support why"),
        (refused(Stage.CONNECT, 554, "no service"), ": ask the provider's support why"),
        (unsent(Cause.CONNECT, "smtp.north.test port 587 refuses connections: check the port"),
         "check the port; if it is right, the server is down"),
        (unsent(Cause.RESOLVE, "smtp.north.test does not resolve: check the host name"),
         "check the host name"),
        (unsent(Cause.TIMEOUT, "smtp.north.test port 587 gave no answer within 30 s"),
         ": if this port is for TLS, set tls: implicit"),
        (unsent(Cause.TIMEOUT, "smtp.north.test port 587 gave no answer within 30 s", Stage.DATA),
         f": {advice.SLOW}"),
        (unsent(Cause.TIMEOUT, "smtp.north.test port 465 is mute: set tls: implicit"),
         "is mute: set tls: implicit"),
        (unsent(Cause.CREDENTIALS, "smtp.north.test port 587 takes no password"),
         "; with two-step sign-in most providers want an app password"),
        (Unconfirmed(0.0, Cause.DISCONNECTED, "smtp.north.test closed the connection"),
         ": whether it was accepted is unknown"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_submission_is_one_line_with_the_next_step(
    event: Event, end: str
) -> None:
    (line,) = the_problems(None, event)

    assert line.startswith("SMTP: ")
    assert "smtp.north.test" in line
    assert line.endswith(end)
    assert PASSWORD not in line


@pytest.mark.parametrize(
    ("lost", "end"),
    [
        (WatchLost(WatchCause.THROTTLED, "too many connections"),
         ": the server is busy or limits us, try again in some minutes"),
        (WatchLost(WatchCause.CONNECT, "imap.north.test refuses connections: check the port"),
         "check the port; if it is right, the server is down"),
        (WatchLost(WatchCause.REFUSED, "login: BAD User is authenticated but not connected."),
         ": the password is good, but IMAP is switched off for this mailbox"),
        (WatchLost(WatchCause.PROTOCOL, "the server does not speak IMAP4rev1"), "IMAP4rev1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_reading_is_one_line_with_the_next_step(
    lost: WatchLost, end: str
) -> None:
    (line,) = the_problems(lost, ACCEPTED)

    assert line.startswith("IMAP: imap.north.test")
    assert line.endswith(end)


def test_a_password_that_both_refuse_is_one_problem() -> None:
    assert the_problems(NO_LOGIN, REFUSED_LOGIN) == [
        (
            "the login as probe@north.test is refused (IMAP: imap.north.test port 993: login: NO "
            "invalid credentials; SMTP: smtp.north.test port 587 says 535 5.7.8 authentication "
            "failed): check auth.username and the password; with two-step sign-in most providers "
            "want an app password"
        )
    ]


@pytest.mark.parametrize(
    ("lost", "event", "words"),
    [
        (NO_LOGIN, ACCEPTED, ": SMTP takes the same login, so IMAP may be switched off"),
        (None, REFUSED_LOGIN, ": IMAP takes the same login, so SMTP may be switched off"),
    ],
)
def test_a_login_that_only_one_refuses_is_not_blamed_on_the_password(
    lost: WatchLost | None, event: Event, words: str
) -> None:
    (line,) = the_problems(lost, event)

    assert words in line


def test_a_refused_login_beside_another_problem_is_about_the_password() -> None:
    dead = unsent(Cause.CONNECT, "smtp.north.test port 587 refuses connections: check the port")

    imap, smtp = the_problems(NO_LOGIN, dead)

    assert "check auth.username and the password" in imap
    assert smtp.endswith("the server is down")


def test_what_both_say_alike_is_said_once() -> None:
    detail = "ca_file ca.pem cannot be used: it holds no certificate in PEM form"

    assert the_problems(WatchLost(WatchCause.TLS, detail), unsent(Cause.TLS, detail)) == [
        f"IMAP and SMTP: {detail}"
    ]


@pytest.mark.parametrize(
    ("provider", "end"),
    [
        ("fastmail", "Fastmail wants an app password, see `mailprobe providers fastmail`"),
        ("microsoft365", "takes OAuth only, which mailprobe cannot do yet"),
        ("generic", "with two-step sign-in most providers want an app password"),
    ],
)
def test_the_hint_is_the_providers_own(provider: str, end: str) -> None:
    (line,) = the_problems(NO_LOGIN, REFUSED_LOGIN, a_box(provider))

    assert line.endswith(end)


def test_an_account_that_sends_as_another_address_is_named() -> None:
    box = replace(a_box(username="robot"))

    (line,) = the_problems(None, refused(Stage.ENVELOPE, 550, "5.7.60 no"), box)

    assert "check that robot may send as probe@north.test" in line
