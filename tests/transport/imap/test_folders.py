"""Which folder is junk."""

import pytest

from probe.config.settings import FolderRule
from probe.core.mailbox import Folder
from probe.transport.imap import names
from probe.transport.imap.folders import Found, Missing, find
from probe.transport.imap.parse import Listed


def listed(name: str, *flags: str, delimiter: str = "/") -> Listed:
    return Listed(frozenset(flags), delimiter, names.encode(name))


INBOX = listed("INBOX")


@pytest.mark.parametrize(
    ("rule", "folders", "name", "how"),
    [
        (FolderRule(), [INBOX, listed("Quarantäne", "\\junk"), listed("Spam")], "Quarantäne",
         "special-use"),
        (FolderRule(), [listed("a", "\\junk"), listed("Spam", "\\junk")], "Spam", "special-use"),
        (FolderRule(), [listed("b", "\\junk"), listed("a", "\\junk")], "b", "special-use"),
        (FolderRule(), [INBOX, listed("JUNK EMAIL")], "JUNK EMAIL", "name"),
        (FolderRule(), [INBOX, listed("courrier INDÉSIRABLE")], "courrier INDÉSIRABLE", "name"),
        (FolderRule(), [listed("INBOX.Spam", delimiter=".")], "INBOX.Spam", "name"),
        (FolderRule(), [listed("[Gmail]/Spam")], "[Gmail]/Spam", "name"),
        (FolderRule(), [listed("Work/Spam"), listed("Bulk")], "Bulk", "name"),
        (FolderRule(guesses=("Müll",)), [listed("Junk"), listed("müll")], "müll", "name"),
        (FolderRule(guesses=("Müll",)), [listed("Müll"), listed("x", "\\junk")], "x",
         "special-use"),
        (FolderRule(name="Kram"), [listed("Junk", "\\junk"), listed("Kram")], "Kram", "config"),
        (FolderRule(name="Indésirables"), [listed("Indésirables")], "Indésirables", "config"),
    ],
)  # fmt: skip
def test_it_is_found_by_config_then_mark_then_name(
    rule: FolderRule, folders: list[Listed], name: str, how: str
) -> None:
    assert find(Folder.JUNK, rule, folders) == Found(name, names.encode(name), how)


@pytest.mark.parametrize(
    ("rule", "folders", "says"),
    [
        (FolderRule(name="Kram"), [INBOX, listed("Junk")], "'Kram'; there are: 'INBOX', 'Junk'"),
        (FolderRule(), [INBOX, listed("Work/Spam")], "there are: 'INBOX', 'Work/Spam'"),
        (FolderRule(), [listed("Junk", "\\noselect")], "there are: none"),
        (FolderRule(), [listed(f"f{n}") for n in range(50)], "'f11', …"),
    ],
)
def test_where_there_is_none_what_there_is_is_said(
    rule: FolderRule, folders: list[Listed], says: str
) -> None:
    missing = find(Folder.JUNK, rule, folders)
    assert isinstance(missing, Missing)
    assert says in missing.detail
    assert not missing.absent_by_config


def test_absent_by_config_is_not_looked_for() -> None:
    missing = find(Folder.JUNK, FolderRule(absent=True), [listed("Junk", "\\junk")])
    assert isinstance(missing, Missing)
    assert missing.absent_by_config


def test_sent_has_its_own_mark_and_names() -> None:
    folders = [listed("Sent"), listed("Gesendet", "\\sent")]
    assert find(Folder.SENT, FolderRule(), folders) == Found("Gesendet", "Gesendet", "special-use")
    found = find(Folder.SENT, FolderRule(), [listed("Éléments envoyés")])
    assert isinstance(found, Found)
