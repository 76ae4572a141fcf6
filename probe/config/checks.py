"""Checks that compare things with each other and with the machine."""

from collections.abc import Callable, Iterable
from pathlib import Path

from probe.config.draft import Draft
from probe.config.duration import spell
from probe.config.explain import closest
from probe.config.merge import Presets
from probe.config.model import Mailbox
from probe.config.problem import KeyPath
from probe.config.report import Report


def check(draft: Draft, presets: Presets, directory: Path, report: Report) -> None:
    """Everything but routes and passwords."""
    _check_unique(draft, "id", lambda mailbox: mailbox.id, report)
    _check_unique(draft, "address", lambda mailbox: mailbox.address.lower(), report)
    for i, mailbox in draft.mailboxes.items():
        _check_hosts(mailbox, ("mailboxes", i), presets, report)
        for section, server in (("smtp", mailbox.smtp), ("imap", mailbox.imap)):
            if server.ca_file is not None:
                file = directory / server.ca_file
                _check_readable(file, ("mailboxes", i, section, "ca_file"), report)
    _check_journal(draft, directory, report)
    _check_retention(draft, report)


def _check_unique(draft: Draft, key: str, of: Callable[[Mailbox], str], report: Report) -> None:
    first: dict[str, int] = {}
    for i, mailbox in draft.mailboxes.items():
        value = of(mailbox)
        if value in first:
            line = report.document.mark(("mailboxes", first[value], key)).line
            report.problem(
                ("mailboxes", i, key),
                f"{value} is already the {key} of the mailbox in line {line}",
            )
        first.setdefault(value, i)


def _check_hosts(mailbox: Mailbox, path: KeyPath, presets: Presets, report: Report) -> None:
    servers = (("smtp", mailbox.smtp), ("imap", mailbox.imap))
    missing = [section for section, server in servers if server.host is None]
    if missing and mailbox.provider not in presets:
        report.problem((*path, "provider"), _unknown_provider(mailbox.provider, presets, missing))
        return
    for section in missing:
        report.problem(
            (*path, section, "host"),
            f"is missing: the preset {mailbox.provider} does not know the name of your server",
        )


def _unknown_provider(name: str, presets: Iterable[str], missing: list[str]) -> str:
    lead = f"no preset is called {name}{closest(name, presets) or '.'}"
    wanted = " and ".join(f"{section}.host" for section in missing)
    return f"{lead} Known: {', '.join(sorted(presets))}. For any other provider set {wanted}"


def _check_readable(file: Path, path: KeyPath, report: Report) -> None:
    try:
        with file.open("rb") as handle:
            handle.read(1)
    except OSError as exc:
        report.problem(path, f"cannot read {file}: {exc.strerror}")


def _check_journal(draft: Draft, directory: Path, report: Report) -> None:
    if draft.journal is None:
        return
    file, path = directory / draft.journal.path, ("journal", "path")
    try:
        if file.is_dir():
            report.problem(path, f"{file} is a directory: name a file in it")
        elif not file.parent.is_dir():
            report.problem(path, f"there is no directory {file.parent}: make it first")
    except OSError as exc:
        report.problem(path, f"cannot look at {file}: {exc.strerror}")


def _check_retention(draft: Draft, report: Report) -> None:
    """What went wrong is what people ask for a year later."""
    kept = draft.retention
    if kept is not None and kept.others < kept.delivered:
        others, delivered = spell(kept.others), spell(kept.delivered)
        report.problem(
            ("retention", "others"),
            f"others ({others}) must not be shorter than delivered ({delivered})",
        )
