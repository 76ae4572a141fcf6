"""What the web application shows, handed to it by the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from probe.core.live import Live
from probe.views.archive import Archive
from probe.views.metrics import Metrics
from probe.views.recent import Recent


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a page, a document or a scrape is made from."""

    msp: Callable[[], str]
    """The name at the head of the page."""
    live: Callable[[], Live]
    metrics: Metrics
    recent: Recent
    archive: Archive
    """Closed with the web application."""
    reload: Callable[[], Awaitable[str]]
    """Read the config again. Returns why it was refused, for a person; empty if it was not."""


SOURCES = web.AppKey("sources", Sources)
