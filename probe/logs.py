"""Logging: events with fields, one canonical line per probe. Configured once."""

import logging
import sys
from typing import Any

import structlog

# Their DEBUG lines hold what went over the wire, and so passwords.
_TALKATIVE = ("aioimaplib", "aiosmtplib", "asyncio", "aiohttp.access", "mail.log")


def configure(*, level: str = "info", as_json: bool = False) -> None:
    """Log to standard error, as text for people or as JSON for a collector."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if as_json else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def get() -> Any:
    """A logger: ``get().info("noun.verb_ed", field=value)``."""
    return structlog.get_logger()


def _as_it_is(
    _logger: Any, _name: str, fields: structlog.types.EventDict
) -> structlog.types.EventDict:
    return fields
