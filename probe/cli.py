"""The command line. Each command imports what it needs, so that ``--help`` is quick.

Exit status: 0 good, 1 a check failed or the daemon ended by an error, 2 usage or config.
"""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from probe import __version__

T = TypeVar("T")

CONFIG = click.argument("config", type=click.Path(path_type=Path))


# ruff: noqa: PLC0415 - imports inside commands: see above


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mailprobe")
def cli() -> None:
    """Send tagged mail between providers, see it arrive, say whose side is at fault."""


@cli.command()
@CONFIG
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much to log, on standard error.",
)
@click.option("--log-json", is_flag=True, help="Log one JSON object a line.")
def run(config: Path, log_level: str, log_json: bool) -> None:  # noqa: FBT001 - click's flags
    """Run the daemon. SIGTERM drains and stops it, SIGHUP reloads the config."""
    from probe import logs
    from probe.app import serve
    from probe.app.presets import load_config

    logs.configure(level=log_level, as_json=log_json)
    _run(serve.run(config, lambda: load_config(config)))


@cli.command()
@click.option(
    "--scenario", default=None, metavar="NAME", help="Which story to play; --list names them."
)
@click.option("--list", "list_them", is_flag=True, help="Name the scenarios, and end.")
@click.option(
    "--for", "duration", default=None, metavar="DURATION", help="End after e.g. 90s or 5m."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9925,
    show_default=True,
    help="Of the page; 0 for any free one.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 20),
    default=1.0,
    show_default=True,
    help="Play the scenario so many times as fast.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the page listens.")
def demo(
    scenario: str | None,
    list_them: bool,  # noqa: FBT001 - click's flags
    duration: str | None,
    port: int,
    speed: float,
    host: str,
) -> None:
    """Show everything on an embedded mail world.

    No accounts, no root, nothing to set up, and no mail leaves this machine.
    """
    try:
        from probe.demo.scenarios import DEFAULT, SCENARIOS
    except ImportError as error:
        _fail(f"the demo needs more packages ({error.name}): pip install 'mailprobe[demo]'")
    if list_them:
        for story in SCENARIOS.values():
            click.echo(f"{story.name:16} {story.title}")
        return
    name = scenario or DEFAULT
    if name not in SCENARIOS:
        _fail(f"there is no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    seconds = _seconds("--for", duration) if duration else None
    from probe import logs
    from probe.app.demo import demo as show
    from probe.config.settings import WebSettings

    logs.configure(level="error")  # outages are the story, told in its own words
    _run(show(name, WebSettings(host, port), seconds, _say, speed))


@cli.command()
@CONFIG
@click.option("--live", is_flag=True, help="Log in everywhere; each sends one message to itself.")
@click.option(
    "--mailbox", "only", multiple=True, metavar="ID", help="Only this one; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="With --live: JSON instead of a table.")
def check(config: Path, live: bool, only: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - click's flags
    """Check a config, and with --live the mailboxes in it."""
    from probe import logs
    from probe.app import plan
    from probe.app.presets import load_config

    if not live and (only or as_json):
        raise click.UsageError("--mailbox and --json go with --live")
    logs.configure(level="error")
    with _telling():
        settings = load_config(config)
        names = plan.mailboxes(settings, only)
    if not live:
        plan.show(settings)
        return
    from probe.app import check as checking
    from probe.app import check_report

    rows = _run(checking.live(settings, names))
    if as_json:
        check_report.show_json(rows)
    else:
        check_report.show(rows, settings)
    sys.exit(1 if any(row.problems for row in rows) else 0)


@cli.command()
@CONFIG
@click.option("--from", "sender", metavar="ID", help="Only routes from this mailbox.")
@click.option("--to", "recipient", metavar="ID", help="Only routes to this mailbox.")
@click.option(
    "--wait",
    default="5m",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for each message.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def once(
    config: Path,
    sender: str | None,
    recipient: str | None,
    wait: str,
    as_json: bool,  # noqa: FBT001 - click's flags
) -> None:
    """Make round trips now, and show what became of each."""
    from probe import logs
    from probe.app import plan
    from probe.app.presets import load_config

    logs.configure(level="error")
    seconds = _seconds("--wait", wait)
    with _telling():
        settings = load_config(config)
        routes = plan.routes(settings, sender, recipient)
    from probe.app import once as trip
    from probe.app import once_report

    trips = _run(trip.once(settings, routes, seconds))
    if as_json:
        once_report.show_json(trips)
    else:
        once_report.show(trips, settings)
    sys.exit(0 if trips.good else 1)


@cli.command()
@click.argument("name", required=False)
def providers(name: str | None) -> None:
    """List the known providers, or show one.

    Shown are its servers, and what to do there before a mailbox can be used.
    """
    from rich.console import Console

    from probe.app import providers as known

    console = Console(highlight=False)
    with _telling():
        if name is None:
            known.show_all(console)
        else:
            known.show_one(console, name)


@cli.command()
def schema() -> None:
    """Print the JSON schema of the config file."""
    import json

    from probe.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. What a person can mend is one line and exit 2; all else is exit 1."""
    with _telling():
        return asyncio.run(work)


@contextmanager
def _telling() -> Iterator[None]:
    """Tell errors that a person can mend in their own words, without a traceback."""
    from probe.app.errors import MENDABLE

    try:
        yield
    except MENDABLE as error:
        _fail(str(error))
    except BaseExceptionGroup as group:
        mendable, rest = group.split(MENDABLE)
        if mendable is None or rest is not None:
            raise
        _fail("\n".join(dict.fromkeys(map(str, _leaves(mendable)))))
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as shells have it
    except asyncio.CancelledError:
        sys.exit(143)  # 128 + SIGTERM


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(2)


def _say(sentence: str) -> None:
    click.echo(sentence)


def _seconds(option: str, text: str) -> float:
    from probe.config.duration import parse

    try:
        return parse(text)
    except ValueError as error:
        _fail(f"{option}: {error}")


def main() -> None:
    """The entry point."""
    cli(prog_name="mailprobe")
