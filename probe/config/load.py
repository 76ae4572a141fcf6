"""From the file to the settings, or to every problem at once.

1. text: readable, UTF-8 (``source``)
2. YAML: no duplicate keys, no aliases (``syntax``)
3. presets are laid under each mailbox (``merge``)
4. kinds and ranges of all values (``draft``, ``explain``)
5. passwords (``credentials``), comparisons (``checks``), routes (``routing``), the web config
   file (``web_file``)
6. frozen settings (``build``)
"""

from collections.abc import Mapping
from pathlib import Path

from probe.config import build, checks, credentials, routing, source, syntax, web_file
from probe.config.draft import draft
from probe.config.merge import Presets, with_presets
from probe.config.report import Report
from probe.config.settings import Settings


def load(path: Path, environ: Mapping[str, str], presets: Presets) -> Settings:
    """The settings of a config file; ConfigError with everything that is wrong with it."""
    document, problems = syntax.read(source.read(path), str(path))
    report = Report(document, problems)
    found = draft(with_presets(document.root.plain(), presets), report)
    directory = path.parent
    checks.check(found, presets, directory, report)
    builder = build.Builder(directory, report)
    passwords = credentials.Passwords(directory, environ, report)
    mailboxes = tuple(
        builder.mailbox(mailbox, passwords.of(mailbox.auth, ("mailboxes", i, "auth")), i)
        for i, mailbox in found.mailboxes.items()
    )
    places = [mailbox.mailbox for mailbox in mailboxes]
    routes = routing.routes(found, places, report)
    protection = web_file.protection(found.web, directory, report)
    report.raise_if_any()
    assert found.whole is not None  # what is not whole has problems
    return build.settings(path, found.whole, mailboxes, routes, protection, report.warning_lines())
