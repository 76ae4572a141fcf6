"""Work that a cancellation may not leave half done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end, even when we are cancelled meanwhile; only then be cancelled.

    For short work that ends by itself, such as one commit and telling of it: a fact that is on
    disk and that nobody was told of would make counters and journal disagree.

    Raises:
        asyncio.CancelledError: we were cancelled, and the work is done.
    """
    task = asyncio.ensure_future(work)  # noqa: TID251 - awaited to its end below, so no error is lost
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result
