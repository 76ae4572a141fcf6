"""Start programs, signal them by pid, and wait until they are gone."""

import os
import select
import signal
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

STOP_SECONDS = 20.0
"""Dovecot gives a busy session 10 s before it leaves; the rest is for a loaded machine."""


class LabError(Exception):
    """Something of the mail lab did not do what it was told; the text says what to look at."""


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it said.

    Its output goes to a file, never to a pipe: a daemon which it leaves behind would keep
    the pipe open, and the reader would wait for ever.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            timeout=60,
            check=False,
        )
        output.seek(0)
        said = output.read()
    if done.returncode:
        raise LabError(f"`{' '.join(words)}` ended with {done.returncode}:\n{said}")
    return said


def read_pid(pid_file: Path, owner: Path) -> int | None:
    """Return the pid in a pid file, if that process lives and belongs to the lab in `owner`.

    A pid file can outlive its process, and the number may since be somebody else's: the
    process must name the lab's directory in its command line.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return None
    return pid if os.fsencode(owner) in command else None


def descendants(pid: int) -> list[int]:
    """Return a process and everything below it, parents before children."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the program is in parentheses and may contain blanks: proc(5).
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children[parent].append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def name_of(pid: int) -> str:
    """Return the program's short name, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def send(signal_number: signal.Signals, pids: list[int]) -> None:
    """Signal each of these processes which still lives."""
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            continue


def wait_gone(pids: list[int], seconds: float = STOP_SECONDS) -> None:
    """Return when all these processes have ended, as the kernel tells it."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if not poll.poll(seconds * 1000):
                raise LabError(f"process {pid} ({name_of(pid)}) does not end")
        finally:
            os.close(handle)


def end(pid: int | None) -> None:
    """Ask a daemon to end, and return when it and all below it are gone."""
    if pid is None:
        return
    family = descendants(pid)
    send(signal.SIGTERM, [pid])
    wait_gone(family)
