"""``mailprobe check``: what a good config asks for, in a few lines."""

from collections.abc import Iterator

from probe.app import terminal
from probe.app.errors import UsageError
from probe.config.settings import Settings
from probe.core.budget import DAY
from probe.core.mailbox import Route
from probe.providers import presets


def mailboxes(settings: Settings, only: tuple[str, ...]) -> list[str]:
    """The mailboxes that were asked for; all if none was named.

    Raises:
        UsageError: one of them is not in the config.
    """
    for name in only:
        known(settings, name)
    return list(dict.fromkeys(only)) or list(settings.mailboxes)


def routes(settings: Settings, sender: str | None, recipient: str | None) -> list[Route]:
    """The routes that were asked for.

    Raises:
        UsageError: there is no such mailbox, or no such route.
    """
    for name in filter(None, (sender, recipient)):
        known(settings, name)
    found = [
        route
        for route in settings.routes
        if sender in {None, route.sender} and recipient in {None, route.recipient}
    ]
    if not found:
        way = f"from {sender or 'anywhere'} to {recipient or 'anywhere'}"
        raise UsageError(
            f"the config has no route {way}: add one under routes.list in {settings.path}"
        )
    return found


def known(settings: Settings, name: str) -> None:
    """Refuse a mailbox that is not in the config."""
    if name not in settings.mailboxes:
        listed = ", ".join(settings.mailboxes)
        raise UsageError(f"there is no mailbox {name!r} in {settings.path}; there are: {listed}")


def show(settings: Settings) -> None:
    """Print it."""
    console = terminal.console()
    providers = {box.mailbox.provider for box in settings.mailboxes.values()}
    console.print(
        f"{settings.path} is good: {len(settings.mailboxes)} mailboxes at {len(providers)} "
        f"providers, {len(settings.routes)} routes",
        markup=False,
    )
    table = terminal.table("mailbox", "provider", "sends a day", "may send", "receives a day")
    for name, box in settings.mailboxes.items():
        sends = sum(DAY / route.interval for route in settings.routes if route.sender == name)
        gets = sum(DAY / route.interval for route in settings.routes if route.recipient == name)
        cells = (f"{sends:.0f}", str(box.sends_per_day), f"{gets:.0f}")
        table.add_row(name, box.mailbox.provider, *cells)
    console.print(table)
    for warning in (*settings.warnings, *_hopeless(settings)):
        console.print(f"warning: {warning}", markup=False)
    console.print(
        f"Next: `mailprobe check --live {settings.path}` logs in everywhere and has each mailbox "
        "send one message to itself.",
        markup=False,
    )


def _hopeless(settings: Settings) -> Iterator[str]:
    """Mailboxes whose provider takes no password."""
    for name, box in settings.mailboxes.items():
        provider = box.mailbox.provider
        if provider in presets.names() and not presets.load(provider).password_login:
            title = presets.load(provider).title
            yield f"{name}: {title} takes OAuth only: see `mailprobe providers {provider}`"
