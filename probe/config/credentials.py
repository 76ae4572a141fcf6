"""Passwords: from a file or the environment, never from the config itself."""

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from probe.config.explain import NO_PASSWORD_HERE, TWO_WAYS
from probe.config.model import Auth
from probe.config.problem import KeyPath
from probe.config.report import Report
from probe.config.secret import Secret

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_PASSWORD_LIMIT = 4096
"""Octets. Passwords are short; a longer file is the wrong file."""


class UnusablePasswordError(ValueError):
    """Why there is no password; free of any part of it."""


@dataclass(slots=True)
class Passwords:
    """Finds the passwords of one config."""

    directory: Path
    """What file names are relative to."""
    environ: Mapping[str, str]
    report: Report
    _warned: set[Path] = field(default_factory=set)

    def of(self, auth: Auth, path: KeyPath) -> Secret:
        """The password of a mailbox; an empty one beside a problem that stops the load."""
        if any(self.report.blames((*path, key)) for key in ("password", "password_file")):
            return Secret("")
        key = "password" if auth.password is not None else "password_file"
        try:
            return Secret(self._find(auth, (*path, key)))
        except UnusablePasswordError as exc:
            self.report.problem((*path, key), str(exc))
            return Secret("")

    def _find(self, auth: Auth, path: KeyPath) -> str:
        if auth.password is None and auth.password_file is None:
            raise UnusablePasswordError(f"is missing: {TWO_WAYS}")
        if auth.password is not None and auth.password_file is not None:
            raise UnusablePasswordError("stands beside password_file: keep one of the two")
        if auth.password is not None:
            return _from_environment(auth.password, self.environ)
        file = self.directory / str(auth.password_file)
        value, mode = _from_file(file)
        if mode & stat.S_IROTH and file not in self._warned:
            self._warned.add(file)
            message = f"every user of this machine can read {file}: chmod o-r {file}"
            self.report.warning(path, message)
        return value


def _from_environment(text: str, environ: Mapping[str, str]) -> str:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise UnusablePasswordError(NO_PASSWORD_HERE)
    if not (value := environ.get(match[1], "")):
        state = "empty" if match[1] in environ else "not set"
        raise UnusablePasswordError(f"the environment variable {match[1]} is {state}")
    return _checked(value, f"the environment variable {match[1]}")


def _from_file(file: Path) -> tuple[str, int]:
    """The password and the file's mode."""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):  # reading a pipe or a device could wait for ever
            raise UnusablePasswordError(f"{file} is not a file")
        with file.open("rb") as handle:
            octets = handle.read(_PASSWORD_LIMIT + 1)
        value = octets.decode()
    except OSError as exc:
        raise UnusablePasswordError(f"cannot read {file}: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise UnusablePasswordError(f"{file} is not UTF-8 text") from None
    if len(octets) > _PASSWORD_LIMIT:
        raise UnusablePasswordError(f"{file} is larger than {_PASSWORD_LIMIT} bytes")
    return _checked(value.rstrip("\r\n"), str(file)), mode


def _checked(value: str, source: str) -> str:
    if not value:
        raise UnusablePasswordError(f"{source} is empty")
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise UnusablePasswordError(
            f"{source} holds more than one line or control characters: only the password belongs "
            "there"
        )
    return value
