"""The config file's text."""

from pathlib import Path

from probe.config.problem import ConfigError, Problem

_SIZE_LIMIT = 16 * 1024 * 1024
"""Octets: ten times a config of 5,000 mailboxes and 25,000 routes."""


def read(path: Path) -> str:
    """The text of the file; ConfigError where it cannot be read."""
    name = str(path)
    try:
        with path.open("rb") as handle:
            octets = handle.read(_SIZE_LIMIT + 1)
    except OSError as exc:
        what = f"cannot read the config: {exc.strerror}: {_step(exc)}"
        problem = Problem(name, 0, 0, "", what)
    else:
        if len(octets) <= _SIZE_LIMIT:
            return _decoded(octets, name)
        problem = Problem(name, 0, 0, "", f"larger than {_SIZE_LIMIT} bytes: not a config")
    raise ConfigError((problem,))


def _step(error: OSError) -> str:
    match error:
        case IsADirectoryError():
            return "name the file in it"
        case PermissionError():
            return "let this user read it"
    return "check the path"


def _decoded(octets: bytes, name: str) -> str:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        start = exc.start
    line = octets.count(b"\n", 0, start) + 1
    column = start - octets.rfind(b"\n", 0, start)
    raise ConfigError((Problem(name, line, column, "", "not UTF-8: save the file as UTF-8"),))
