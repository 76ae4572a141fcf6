"""``python -m tests.lab up|down|status``: the lab for people."""

import sys
from pathlib import Path

import click

from tests.lab.isolation import why_impossible
from tests.lab.process import LabError
from tests.lab.world import Lab

BASE = Path("/run/mailprobe-lab")
"""Root's, gone after a reboot, and open for Postfix and Dovecot, who drop their rights."""

base_option = click.option(
    "--base", default=BASE, type=click.Path(path_type=Path), help="Where all its files go."
)


@click.group(help="A real mail world on loopback: three providers, Postfix and Dovecot each.")
def lab() -> None:
    if reason := why_impossible():
        raise click.ClickException(reason)


@lab.command(help="Start the lab.")
@base_option
@click.option("--users", default=0, help="Mailboxes user1..userN at each provider.")
@click.option("--hibernate", is_flag=True, help="Let idle IMAP sessions sleep in one process.")
def up(base: Path, users: int, hibernate: bool) -> None:
    world = Lab(base, users=users, hibernate=hibernate)
    if world.switchboard_pid() is None:
        world.start()
    click.echo(f"The lab is up; its CA is {world.ca}.")
    for provider in world.providers:
        monitor = provider.monitor
        click.echo(f"{provider.name:6} {provider.address}  {monitor.address}  {monitor.password}")


@lab.command(help="Stop the lab.")
@base_option
def down(base: Path) -> None:
    Lab(base).stop()
    click.echo("The lab is down.")


@lab.command(help="Say what runs; exit 1 when something does not.")
@base_option
def status(base: Path) -> None:
    pids = Lab(base).status()
    for name, pid in pids.items():
        click.echo(f"{name:12} {f'pid {pid}' if pid else 'not running'}")
    sys.exit(0 if all(pids.values()) else 1)


if __name__ == "__main__":
    try:
        lab()
    except LabError as error:
        sys.exit(str(error))
