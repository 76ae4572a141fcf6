"""Port and TLS, where only one of them is written."""

from collections.abc import Callable

import pytest

from probe.config.settings import MailboxSettings, Settings, Tls

Load = Callable[[str], Settings]


@pytest.fixture
def own(config: Load, two: str) -> Callable[[str], Settings]:
    """The config with one line of its own in mailbox ``a``, at a server that no preset knows."""
    place = "provider: here\n    imap: {host: i.example}\n    smtp: {host: s.example, "
    return lambda keys: config(two.replace("provider: north", f"{place}{keys}}}", 1))


def smtp(settings: Settings) -> tuple[int, Tls]:
    mailbox: MailboxSettings = settings.mailboxes["a"]
    return mailbox.smtp.endpoint.port, mailbox.smtp.endpoint.tls


@pytest.mark.parametrize(
    ("keys", "port", "tls"),
    [
        ("", 465, Tls.IMPLICIT),
        ("tls: implicit", 465, Tls.IMPLICIT),
        ("tls: starttls", 587, Tls.STARTTLS),
        ("port: 465", 465, Tls.IMPLICIT),
        ("port: 587", 587, Tls.STARTTLS),
        ("port: 25", 25, Tls.STARTTLS),
        ("port: 2525, tls: starttls", 2525, Tls.STARTTLS),
        ("port: 587, tls: implicit", 587, Tls.IMPLICIT),
        ("port: 587, tls: plain", 587, Tls.PLAIN),
    ],
)
def test_port_and_tls_follow_from_each_other(
    own: Callable[[str], Settings], keys: str, port: int, tls: Tls
) -> None:
    assert smtp(own(keys)) == (port, tls)


@pytest.mark.parametrize(
    ("keys", "usual", "written"),
    [
        ("port: 587, tls: implicit", "starttls", "implicit"),
        ("port: 465, tls: starttls", "implicit", "starttls"),
    ],
)
def test_an_unusual_pair_is_a_warning(
    own: Callable[[str], Settings], keys: str, usual: str, written: str
) -> None:
    [line] = own(keys).warnings
    assert line.endswith(f"usually means {usual}, not {written}")
    assert "mailboxes.0.smtp.port: port" in line


def test_no_tls_across_a_network_is_a_warning(own: Callable[[str], Settings]) -> None:
    [line] = own("port: 587, tls: plain").warnings
    assert line.endswith("mailboxes.0.smtp.tls: the password crosses the network in the clear")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "mx.localhost"])
def test_no_tls_within_this_machine_is_no_warning(config: Load, two: str, host: str) -> None:
    own = f'    smtp: {{host: "{host}", port: 2525, tls: plain}}\n  - id: b'
    assert config(two.replace("  - id: b", own)).warnings == ()
