"""Whether the lab can run here, and a network of its own for it."""

import ctypes
import fcntl
import functools
import os
import socket
import struct
from pathlib import Path

from tests.lab.process import run

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
INSTANCES_WANTED = 16_384
"""One for each IMAP session in IDLE; the 129th of a user would silently poll every 30 s."""

PROGRAMS = {
    "master": Path("/usr/lib/postfix/sbin/master"),
    "dovecot": Path("/usr/sbin/dovecot"),
    "LMTP": Path("/usr/lib/dovecot/lmtp"),
    "IMAP": Path("/usr/lib/dovecot/imap"),
    "Sieve": Path("/usr/lib/dovecot/modules/lib90_sieve_plugin.so"),
}


@functools.cache
def why_impossible() -> str | None:
    """Return why the lab cannot run here, in one line, or None."""
    if os.geteuid() != 0:
        return "the mail lab needs root (ports below 1024, Postfix's master)"
    if missing := [name for name, path in PROGRAMS.items() if not path.exists()]:
        absent = ", ".join(missing)
        return f"the mail lab lacks {absent} of Postfix and Dovecot: run `make lab-packages`"
    version = run("dovecot", "--version").split()[0]
    if not version.startswith("2.3."):
        return f"the mail lab is configured for Dovecot 2.3, and this is {version}"
    return None


def enter_own_network() -> bool:
    """Move this process to a network of its own with only loopback; say whether it worked.

    Only this thread and those that it starts later move, so call it before there are others.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)
    return True


def raise_inotify_limit() -> None:
    """Let more than 128 sessions wait in IDLE, where the system allows it."""
    try:
        if int(INOTIFY_INSTANCES.read_text()) < INSTANCES_WANTED:
            INOTIFY_INSTANCES.write_text(str(INSTANCES_WANTED))
    except OSError:  # a container may see it read-only; a few users still work
        return
