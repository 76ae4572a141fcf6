"""The daemon with its door: loops, pages, signals, reload."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from probe import logs
from probe.app.canonical import log_line
from probe.app.installation import Installation, installed
from probe.config.problem import ConfigError
from probe.config.settings import Settings, WebSettings
from probe.core.event import Accepted, Event
from probe.core.tally import Change
from probe.journal import identity
from probe.journal.reader import Reader
from probe.views import web
from probe.views.archive import Archive
from probe.views.errors import WebUnavailableError
from probe.views.metrics import Metrics
from probe.views.recent import Recent
from probe.views.sources import Sources

RESTORED = 1000
"""Probes that the matrix begins with: the last hour of a small installation."""

SWITCH_SECONDS = 0.001
"""How long the loop may have to wait for a thread that computes (the journal's writer, a
rendering) before it gets the interpreter back. The default of 5 ms would stand in every time
that we take."""

Load = Callable[[], Settings]
"""Reads the config; raises ConfigError."""


class Served:
    """A daemon that is up."""

    def __init__(self, address: str, installation: Installation) -> None:
        self.address = address
        """Where its pages are."""
        self.installation = installation
        self.stopping = asyncio.Event()
        self.hung_up = asyncio.Event()


@asynccontextmanager
async def serving(settings: Settings, load: Load | None = None) -> AsyncIterator[Served]:
    """Run loops and pages until the block ends.

    Args:
        settings: the config to begin with.
        load: reads it again on SIGHUP or POST /-/reload; None: nothing to reload.

    Raises:
        JournalUnusableError, WebUnavailableError: one line that says what to do.
        ExceptionGroup: a loop failed.
    """
    certificates: list[Callable[[str, str, float], None]] = []

    def certificate_seen(host: str, protocol: str, expires: float) -> None:
        for told in certificates:
            told(host, protocol, expires)

    signer = identity.load_or_create(settings.journal)
    async with installed(settings, settings.journal, signer, certificate_seen) as installation:
        engine = installation.engine
        metrics, recent = await asyncio.to_thread(_restore, installation)
        certificates.append(metrics.certificate)
        engine.correlator.listeners += [
            partial(_submitted, metrics),
            lambda change, _: metrics.changed(change),
            lambda change, _: recent.changed(change),
            log_line,
        ]
        sources = Sources(
            msp=lambda: engine.settings.msp,
            live=engine.live,
            metrics=metrics,
            recent=recent,
            archive=Archive(lambda: Reader(installation.journal)),
            reload=one_at_a_time(lambda: reload(installation, metrics, load, changing[0])),
        )
        changing: list[ChangeWeb] = []
        async with (
            engine.run(),
            web.serve(settings.web, web.build(sources)) as pages,
        ):
            changing.append(pages.change)
            served = Served(pages.address, installation)
            async with asyncio.TaskGroup() as group:
                reloading = group.create_task(_reload_on_signal(served, sources))
                with _signals(served):
                    yield served
                reloading.cancel()


def one_at_a_time(act: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
    """Let each call wait for the one before it.

    A signal and a POST may come together: what was read first must not win over what was read
    last.
    """
    lock = asyncio.Lock()

    async def alone() -> str:
        async with lock:
            return await act()

    return alone


ChangeWeb = Callable[[WebSettings], Awaitable[None]]


async def reload(
    installation: Installation, metrics: Metrics, load: Load | None, change_web: ChangeWeb
) -> str:
    """Read the config again and go on with it; why it was refused, or nothing."""
    engine = installation.engine
    if load is None:
        return "there is no config file to read again"
    try:
        settings = await asyncio.to_thread(load)
        if not (refused := _unmovable(engine.settings, settings)):
            await change_web(settings.web)
    except (ConfigError, WebUnavailableError) as error:
        refused = str(error)
    if refused:
        engine.refuse(refused)
        logs.get().error("config.refused", why=refused)
        return refused
    _warn(settings)
    engine.reconfigure(settings)
    metrics.reconfigured(_servers(settings))
    logs.get().info("config.reloaded", mailboxes=len(settings.mailboxes))
    return ""


def _warn(settings: Settings) -> None:
    """What works but should be looked at."""
    for warning in settings.warnings:
        logs.get().warning("config.doubtful", what=warning)


def _unmovable(old: Settings, new: Settings) -> str:
    """What a reload cannot change."""
    fixed = {
        "journal.path": (old.journal, new.journal),
        "web.listen": ((old.web.host, old.web.port), (new.web.host, new.web.port)),
    }
    changed = [key for key, (before, after) in fixed.items() if before != after]
    return f"{', '.join(changed)}: changed; this needs a restart" if changed else ""


def _servers(settings: Settings) -> set[tuple[str, str]]:
    boxes = settings.mailboxes.values()
    smtp = {(box.smtp.endpoint.host, "smtp") for box in boxes}
    return smtp | {(box.imap.endpoint.host, "imap") for box in boxes}


def _restore(installation: Installation) -> tuple[Metrics, Recent]:
    """Counters go on where the journal left them."""
    with Reader(installation.journal) as reader:
        metrics = Metrics(installation.engine.live, reader.tallies(), reader.routes())
        # What stands in the future was written before the clock was set back: it is not the last.
        now = installation.engine.live().now
        past = [one for one in reader.recent(limit=RESTORED) if one.probe.planned_at <= now]
        return metrics, Recent(past)


def _submitted(metrics: Metrics, change: Change, event: Event | None) -> None:
    if isinstance(event, Accepted):
        metrics.submitted(change.probe.sender_provider, event.timings)


@contextmanager
def _signals(served: Served) -> Iterator[None]:
    """SIGTERM and SIGINT stop, SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    handlers = {
        signal.SIGTERM: served.stopping.set,
        signal.SIGINT: served.stopping.set,
        signal.SIGHUP: served.hung_up.set,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


async def _reload_on_signal(served: Served, sources: Sources) -> None:
    """One reload at a time; signals that come meanwhile are answered by one more."""
    while True:
        await served.hung_up.wait()
        served.hung_up.clear()
        await sources.reload()


async def run(path: Path, load: Load) -> None:
    """``mailprobe run``: until a signal stops it."""
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = await asyncio.to_thread(load)
    log = logs.get()
    async with serving(settings, load) as served:
        log.info("daemon.started", config=str(path), page=served.address)
        _warn(settings)
        await served.stopping.wait()
        log.info("daemon.stopping")
    log.info("daemon.stopped")
