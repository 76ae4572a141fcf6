"""What a preset says, and what the mailbox says instead."""

from collections.abc import Callable

import pytest

from probe.config.merge import with_presets
from probe.config.settings import FolderRule, MailboxSettings, Settings, Tls

Load = Callable[[str], Settings]
Mailbox = Callable[[str], MailboxSettings]


@pytest.fixture
def mailbox(config: Load, two: str) -> Mailbox:
    """Mailbox ``a`` with some lines of its own."""
    return lambda lines: config(two.replace("  - id: b", f"{lines}  - id: b")).mailboxes["a"]


def test_a_preset_fills_in_both_servers(mailbox: Mailbox) -> None:
    settings = mailbox("")
    smtp, imap = settings.smtp.endpoint, settings.imap.endpoint
    assert (smtp.host, smtp.port, smtp.tls) == ("smtp.north.example", 587, Tls.STARTTLS)
    assert (imap.host, imap.port, imap.tls) == ("imap.north.example", 993, Tls.IMPLICIT)
    assert (smtp.username, imap.username) == ("a@north.example", "a")
    assert settings.imap.junk == FolderRule(guesses=("Spam", "Bulk"))
    assert settings.sends_per_day == 400


def test_every_value_of_a_preset_can_be_overridden(mailbox: Mailbox) -> None:
    settings = mailbox(
        "    sends_per_day: 500\n"
        "    smtp: {host: s.example, port: 2525, tls: starttls, username: u1}\n"
        "    imap: {host: i.example, port: 1143, tls: starttls, username: u2, junk: J, sent: S,\n"
        "           idle_renewal: 2m}\n"
    )
    smtp, imap = settings.smtp.endpoint, settings.imap.endpoint
    assert (smtp.host, smtp.port, smtp.tls) == ("s.example", 2525, Tls.STARTTLS)
    assert (imap.host, imap.port, imap.tls) == ("i.example", 1143, Tls.STARTTLS)
    assert (smtp.username, imap.username) == ("u1", "u2")
    assert settings.imap.junk == FolderRule(name="J")
    assert settings.imap.sent == FolderRule(name="S")
    assert settings.imap.idle_renewal == 120
    assert settings.sends_per_day == 500


def test_another_tls_takes_its_own_port_and_not_the_presets(mailbox: Mailbox) -> None:
    assert mailbox("    smtp: {tls: implicit}\n").smtp.endpoint.port == 465
    assert mailbox("    imap: {tls: starttls}\n").imap.endpoint.port == 143


def test_another_port_takes_its_own_tls_and_not_the_presets(mailbox: Mailbox) -> None:
    assert mailbox("    smtp: {port: 465}\n").smtp.endpoint.tls is Tls.IMPLICIT
    assert mailbox("    imap: {port: 143}\n").imap.endpoint.tls is Tls.STARTTLS


def test_another_host_keeps_the_presets_port_and_tls(mailbox: Mailbox) -> None:
    endpoint = mailbox("    smtp: {host: relay.example}\n").smtp.endpoint
    assert (endpoint.host, endpoint.port, endpoint.tls) == ("relay.example", 587, Tls.STARTTLS)


def test_a_login_name_for_both_hides_the_presets(config: Load, two: str) -> None:
    text = two.replace('{password: "${PW}"}', '{password: "${PW}", username: dom\\a}', 1)
    settings = config(text).mailboxes["a"]
    assert settings.smtp.endpoint.username == "dom\\a"
    assert settings.imap.endpoint.username == "dom\\a"


def test_auto_means_the_presets_names(mailbox: Mailbox) -> None:
    assert mailbox("    imap: {junk: auto}\n").imap.junk == FolderRule(guesses=("Spam", "Bulk"))


@pytest.mark.parametrize("key", ["host", "port", "tls", "username"])
def test_a_key_without_value_is_left_to_the_preset(mailbox: Mailbox, key: str) -> None:
    assert mailbox(f"    imap: {{{key}: }}\n") == mailbox("")


def test_none_means_that_there_is_no_such_folder(mailbox: Mailbox) -> None:
    assert mailbox("    imap: {junk: none}\n").imap.junk == FolderRule(absent=True)


def test_a_label_without_preset_stands_on_the_generic_one(config: Load, two: str) -> None:
    hosts = "    smtp: {host: s.example}\n    imap: {host: i.example}\n"
    text = two.replace("provider: north", f"provider: elsewhere\n{hosts.rstrip()}", 1)
    settings = config(text).mailboxes["a"]
    assert settings.mailbox.provider == "elsewhere"
    assert settings.smtp.endpoint.port == 465
    assert settings.imap.junk == FolderRule(guesses=("Junk",))
    assert settings.sends_per_day == 300


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"mailboxes": None},
        {"mailboxes": [None, 1]},
        {"mailboxes": [{"provider": ["north"], "smtp": 1, "imap": [], "auth": "x"}]},
    ],
)
def test_values_of_the_wrong_shape_are_left_for_the_check(data: object) -> None:
    presets = {"north": {"smtp": {"host": "h"}, "imap": {"host": "h"}}}
    assert with_presets(data, presets) == data  # type: ignore[arg-type]
