"""How commands talk to a terminal: tables that fit it, and progress on standard error."""

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table


def console() -> Console:
    """Standard output. Sentences are not broken: a person may want to search for them."""
    return Console(highlight=False, soft_wrap=True)


def table(*headings: str) -> Table:
    """A table without lines, which fits 80 columns; what is too long is broken, never cut."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def progress() -> Progress:
    """One line that tells how far we are, and goes; nothing where nobody watches."""
    stderr = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
