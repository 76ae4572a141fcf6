"""``mailprobe providers``: what we know of each provider, and what to do there first."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from probe.app import terminal
from probe.app.errors import UsageError
from probe.providers import presets
from probe.providers.presets import Imap, Preset, Server

OAUTH_ONLY = "takes OAuth only, which mailprobe cannot do yet: such a mailbox cannot be used"
YOURS = "set it in the config"
"""In place of a host that every customer has another of."""


def show_all(console: Console) -> None:
    """One line for each preset."""
    table = terminal.table("preset", "for", "password login", "sends a day")
    for preset in map(presets.load, presets.names()):
        login = "yes" if preset.password_login else Text("no, OAuth only", style="red")
        table.add_row(preset.name, Text(preset.title), login, str(preset.sends_per_day))
    console.print(table)
    console.print("mailprobe providers NAME shows one, with what to do there first.")


def show_one(console: Console, name: str) -> None:
    """Everything that a preset says.

    Raises:
        UsageError: there is no such preset.
    """
    try:
        preset = presets.load(name)
    except KeyError:
        known = ", ".join(presets.names())
        raise UsageError(f"there is no preset {name!r}; there are: {known}") from None
    console.print(Text(f"{preset.name}: {preset.title}", style="bold"))
    if not preset.password_login:
        console.print(Text(f"{preset.title} {OAUTH_ONLY}.", style="bold red"))
    console.print("\nFirst:")
    console.print(_listed(("•", note) for note in preset.notes))
    console.print("\nThen mailprobe uses, unless the mailbox says otherwise:")
    console.print(_listed(_values(preset)))
    console.print("\nProviders change: mailprobe check --live tells what holds today.")


def _values(preset: Preset) -> Iterator[tuple[str, str]]:
    yield "sending", _server(preset.smtp)
    yield "receiving", _server(preset.imap)
    yield "login name", _names(preset.smtp, preset.imap)
    yield "junk folder", _folders(preset.imap.junk)
    yield "sent folder", _folders(preset.imap.sent)
    yield "IDLE", f"begun anew after {preset.imap.idle_renewal}"
    yield "sends a day", f"at most {preset.sends_per_day}"


def _listed(rows: Iterable[tuple[str, str]]) -> Padding:
    """Two columns, indented; long lines go on below their own column."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for label, value in rows:
        table.add_row(Text(label), Text(value))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _server(server: Server) -> str:
    host = server.host or f"({YOURS})"
    return f"{host}, port {server.port}, {server.tls}"


def _names(smtp: Server, imap: Imap) -> str:
    if smtp.username == imap.username:
        return smtp.username
    return f"{smtp.username} to send, {imap.username} to receive"


def _folders(names: list[str]) -> str:
    return f"the one that the server marks, else {', '.join(names)}"
