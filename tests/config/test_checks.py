"""Journal, certificates, retention; and how mistakes stand beside each other."""

from collections.abc import Callable
from pathlib import Path

from probe.config.settings import Settings

Load = Callable[[str], Settings]
Refuse = Callable[[str], list[str]]


def test_the_journal_stands_beside_the_config(config: Load, two: str) -> None:
    assert config(two).journal == Path("mailprobe.db")
    Path("data").mkdir()
    assert config(f"journal: {{path: data/j.db}}\n{two}").journal == Path("data/j.db")


def test_a_journal_that_exists_is_welcome(config: Load, two: str) -> None:
    Path("mailprobe.db").write_bytes(b"")
    config(two)


def test_a_journal_below_a_file_is_refused(refusal: Refuse, two: str) -> None:
    Path("data").write_text("")
    [line] = refusal(f"journal: {{path: data/j.db}}\n{two}")
    assert line.endswith("journal.path: there is no directory data: make it first")


def test_a_journal_with_an_endless_name_is_refused(refusal: Refuse, two: str) -> None:
    [line] = refusal(f"journal: {{path: {'x' * 5000}/j.db}}\n{two}")
    assert "journal.path: cannot look at " in line
    assert line.endswith("File name too long")


def test_a_file_of_certificates_is_relative_to_the_config(config: Load, two: str) -> None:
    Path("ca.pem").write_text("x")
    text = two.replace("  - id: b", "    imap: {ca_file: ca.pem}\n  - id: b")
    assert config(text).mailboxes["a"].imap.endpoint.ca_file == Path("ca.pem")
    assert config(text).mailboxes["a"].smtp.endpoint.ca_file is None


def test_a_directory_is_no_file_of_certificates(refusal: Refuse, two: str) -> None:
    [line] = refusal(two.replace("  - id: b", "    imap: {ca_file: .}\n  - id: b"))
    assert line.endswith("mailboxes.0.imap.ca_file: cannot read .: Is a directory")


def test_a_mailbox_that_is_wrong_elsewhere_is_compared_all_the_same(
    refusal: Refuse, two: str
) -> None:
    lines = refusal(two.replace("id: b", "id: a\n    imap: {port: 0}"))
    assert [line.split(": ")[1] for line in lines] == ["mailboxes.1.id", "mailboxes.1.imap.port"]


def test_what_only_follows_from_a_mistake_is_not_told(refusal: Refuse, two: str) -> None:
    own = "    smtp: {host: '', port: 2525, tls: no}\n    sends_per_day: none\n"
    lines = refusal(f"{two}{own}")
    assert [line.split(": ")[1] for line in lines] == [
        "mailboxes.1.smtp.host",
        "mailboxes.1.smtp.tls",
        "mailboxes.1.sends_per_day",
    ]


def test_retention_of_both_kinds_may_be_the_same(config: Load, two: str) -> None:
    settings = config(f"retention: {{mail: 2h, delivered: 60d, others: 60d}}\n{two}")
    kept = settings.retention
    assert (kept.mail, kept.delivered, kept.others) == (7200, 60 * 86400, 60 * 86400)
