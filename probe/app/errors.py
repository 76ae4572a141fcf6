"""Errors that a person can mend: told in one line, without a traceback, with exit status 2."""

from probe.config.problem import ConfigError
from probe.journal.errors import JournalUnusableError
from probe.views.errors import WebUnavailableError


class UsageError(Exception):
    """The command was asked for something that is not there."""


MENDABLE = (ConfigError, JournalUnusableError, WebUnavailableError, UsageError)
