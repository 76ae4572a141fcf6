"""Which folder plays which part: by config, by the server's mark, or by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from probe.config.settings import FolderRule
from probe.core.mailbox import Folder
from probe.transport.imap.parse import Listed

# Used after the provider's own guesses. English first, then what Exchange, Outlook and the
# larger European hosts call them; SPECIAL-USE makes this list unnecessary wherever it exists.
_NAMES: dict[Folder, tuple[str, ...]] = {
    Folder.JUNK: (
        "Junk",
        "Spam",
        "Junk Email",
        "Junk E-mail",
        "Junk Mail",
        "Bulk Mail",
        "Bulk",
        "Courrier indésirable",
        "Indésirables",
        "Pourriel",
        "Junk-E-Mail",
        "Spamverdacht",
        "Correo no deseado",
        "Posta indesiderata",
        "Ongewenste e-mail",
        "Lixo Eletrônico",
        "Skräppost",
        "Roskaposti",
        "Niechciane",
        "Spamordner",
    ),
    Folder.SENT: (
        "Sent",
        "Sent Items",
        "Sent Mail",
        "Sent Messages",
        "Éléments envoyés",
        "Messages envoyés",
        "Gesendete Elemente",
        "Gesendet",
        "Elementos enviados",
        "Enviados",
        "Posta inviata",
        "Verzonden items",
        "Itens Enviados",
        "Skickat",
        "Wysłane",
    ),
}
_MARKS = {Folder.JUNK: "\\junk", Folder.SENT: "\\sent"}  # RFC 6154 §2
_UNOPENABLE = frozenset({"\\noselect", "\\nonexistent"})  # RFC 9051 §7.3.1

# Under these names some servers keep all folders of a user.
_ROOTS = ("inbox", "[gmail]", "[google mail]")

_SHOWN = 12
"""Folder names in an error: enough to see the right one in an ordinary mailbox."""


@dataclass(frozen=True, slots=True)
class Found:
    """A folder, and why we think that it is the one."""

    name: str
    wire: str
    how: str


@dataclass(frozen=True, slots=True)
class Missing:
    """No folder plays the part."""

    detail: str
    absent_by_config: bool = False


def find(part: Folder, rule: FolderRule, listed: Sequence[Listed]) -> Found | Missing:
    """The folder that plays ``part`` among those that the server lists."""
    if rule.absent:
        return Missing("the config says that there is none", absent_by_config=True)
    openable = [item for item in listed if not item.flags & _UNOPENABLE]
    if rule.name is not None:
        return _by_config(rule.name, openable)
    guesses = [name.casefold() for name in (*rule.guesses, *_NAMES[part])]
    marked = [item for item in openable if _MARKS[part] in item.flags]
    # RFC 6154 §2: more than one may be marked; then the familiar name decides.
    if chosen := _by_name(guesses, marked) or next(iter(marked), None):
        return _found(chosen, "special-use")
    if chosen := _by_name(guesses, openable):
        return _found(chosen, "name")
    return Missing(f"no folder looks like {part}; there are: {_show(openable)}")


def _by_config(name: str, listed: Sequence[Listed]) -> Found | Missing:
    for item in listed:
        if name in (item.name, item.wire):
            return _found(item, "config")
    return Missing(f"there is no folder {name!r}; there are: {_show(listed)}")


def _by_name(guesses: Iterable[str], listed: Sequence[Listed]) -> Listed | None:
    by_name = {_bare(item): item for item in reversed(listed)}
    return next((by_name[guess] for guess in guesses if guess in by_name), None)


def _bare(item: Listed) -> str:
    """The name without the root under which some servers keep everything, case folded."""
    name = item.name.casefold()
    root, delimiter, rest = name.partition(item.delimiter) if item.delimiter else (name, "", "")
    return rest if delimiter and root in _ROOTS else name


def _found(item: Listed, how: str) -> Found:
    return Found(item.name, item.wire, how)


def _show(listed: Sequence[Listed]) -> str:
    names = [repr(item.name) for item in listed[:_SHOWN]]
    return ", ".join(names) + (", …" if len(listed) > _SHOWN else "") if names else "none"
