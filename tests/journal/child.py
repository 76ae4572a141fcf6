"""What a test runs as another process on the journal: python -m tests.journal.child TASK PATH."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from probe.journal.errors import JournalUnusableError, JournalUnwritableError
from probe.journal.identity import load_or_create
from probe.journal.store import Store
from tests.makers import START, a_probe, accepted, seen

CALLERS = 10


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def write(path: Path, first: int) -> None:
    """Write without end; say each probe's id after what was written of it was committed."""
    store = Store.open(path)
    numbers = count(first)

    async def caller() -> None:
        for number in numbers:
            probe = a_probe(number)
            await store.open_probe(probe)
            say(f"opened {probe.id}")
            await store.record(probe.id, accepted(), START)
            await store.record(probe.id, seen(), START + 2)
            say(f"delivered {probe.id}")

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())


async def hold(path: Path) -> None:
    """Keep the journal open until killed."""
    store = Store.open(path)
    await store.open_probe(a_probe(1))
    say("open")
    await asyncio.Event().wait()


async def fill(path: Path) -> None:
    """Write until the disk is full, free some space, write again."""
    ballast = path.with_name("ballast")
    ballast.write_bytes(bytes(1_300_000))
    store = Store.open(path)
    kept = 0
    try:
        for number in count():
            probe = a_probe(number)
            await store.open_probe(probe)
            kept += 1
            await store.record(probe.id, replace(seen(), header="x" * 20_000), START + 2)
            say(f"kept {probe.id}")
    except JournalUnwritableError as error:
        say(f"error {error}")
    say(f"writable {store.writable}")
    ballast.unlink()
    await store.open_probe(a_probe(1_000_000))
    say(f"writable {store.writable}")
    await store.close()
    # Whole, and with all that was said to be kept.
    again = Store.open(path)
    say(f"found {len(await again.unfinished())} of {kept + 1}")
    await again.close()


async def try_open(path: Path) -> None:
    """Open and close."""
    try:
        store = Store.open(path)
    except JournalUnusableError as error:
        say(f"error {error}")
    else:
        await store.close()
        say("opened")


async def open_full(path: Path) -> None:
    """Open on a disk that is full already."""
    with suppress(OSError), path.with_name("ballast").open("wb") as ballast:
        while True:
            ballast.write(bytes(4096))
    await try_open(path)


async def make_key(path: Path) -> None:
    """Make the signing key."""
    try:
        load_or_create(path)
    except JournalUnusableError as error:
        say(f"error {error}")


TASKS: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "write": write,
    "hold": hold,
    "fill": fill,
    "open": try_open,
    "open_full": open_full,
    "key": make_key,
}


def main() -> None:
    task, path, *more = sys.argv[1:]
    asyncio.run(TASKS[task](Path(path), *map(int, more)))


if __name__ == "__main__":
    main()
