"""Passwords: from a file or the environment, never from the config itself."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from probe.config.model import Auth
from probe.config.problem import KeyPath
from probe.config.report import Report
from probe.config.secret import Secret

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TWO_WAYS = "write password_file: PATH, or password: ${NAME} for an environment variable"

_PASSWORD_LIMIT = 4096
"""Octets. Passwords are short; a longer file is the wrong file."""


class Refused(ValueError):
    """Why there is no password; free of any part of it."""


def password(
    auth: Auth, directory: Path, environ: Mapping[str, str], path: KeyPath, report: Report
) -> Secret:
    """The password of a mailbox; an empty one where a problem was reported."""
    if (auth.password is None) == (auth.password_file is None):
        both = "has both password and password_file: keep one"
        neither = f"has no password: {_TWO_WAYS}"
        report.problem(path, neither if auth.password is None else both)
        return Secret("")
    key = "password" if auth.password is not None else "password_file"
    try:
        if auth.password is not None:
            return Secret(_from_environment(auth.password, environ))
        return Secret(_from_file(directory / str(auth.password_file), (*path, key), report))
    except Refused as exc:
        report.problem((*path, key), str(exc))
        return Secret("")


def _from_environment(text: str, environ: Mapping[str, str]) -> str:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise Refused(f"a password does not stand in this file: {_TWO_WAYS}")
    if not (value := environ.get(match[1], "")):
        state = "empty" if match[1] in environ else "not set"
        raise Refused(f"the environment variable {match[1]} is {state}")
    return _checked(value, f"the environment variable {match[1]}")


def _from_file(file: Path, path: KeyPath, report: Report) -> str:
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):  # reading a pipe or a device could wait for ever
            raise Refused(f"{file} is not a file")
        with file.open("rb") as handle:
            octets = handle.read(_PASSWORD_LIMIT + 1)
        value = octets.decode()
    except OSError as exc:
        raise Refused(f"cannot read {file}: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{file} is not UTF-8 text") from None
    if len(octets) > _PASSWORD_LIMIT:
        raise Refused(f"{file} is larger than {_PASSWORD_LIMIT} bytes: not a password")
    if mode & stat.S_IROTH:
        report.warning(path, f"every user of this machine can read {file}: chmod o-r {file}")
    return _checked(value.rstrip("\r\n"), str(file))


def _checked(value: str, source: str) -> str:
    if not value:
        raise Refused(f"{source} is empty")
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise Refused(f"{source} has more than one line or control characters: not a password")
    return value
