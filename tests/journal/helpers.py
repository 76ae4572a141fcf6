"""What several tests of the journal say often."""

import subprocess
import sys
from pathlib import Path

from probe.core.mailbox import Folder
from probe.core.observation import MessageRef
from probe.journal.probes import Copy
from probe.journal.reader import Reader
from probe.journal.records import History, Standing
from probe.journal.store import Store
from tests.makers import RECIPIENT, START, a_probe, accepted, seen

ROOT = Path(__file__).parents[2]


def ref(uid: int = 1, folder: Folder = Folder.INBOX, uidvalidity: int = 7) -> MessageRef:
    return MessageRef(folder, uidvalidity, uid)


def copy_of(uid: int = 1, mailbox: str = RECIPIENT.id) -> Copy:
    return Copy(mailbox, ref(uid))


def history(path: Path, probe_id: str) -> History | None:
    with Reader(path) as reader:
        return reader.history(probe_id)


def standings(path: Path) -> list[Standing]:
    with Reader(path) as reader:
        return reader.recent(limit=1000)


async def fly(store: Store, number: int, **changes: object) -> str:
    """Open a probe and let it be accepted; its id."""
    probe = a_probe(number, **changes)
    await store.open_probe(probe)
    await store.record(probe.id, accepted(), START)
    return probe.id


async def deliver(store: Store, number: int, **changes: object) -> str:
    """Open a probe, let it be accepted and seen; its id."""
    probe_id = await fly(store, number, **changes)
    await store.record(probe_id, seen(2.0), START + 2)
    return probe_id


def child(*arguments: str | Path, before: str = "") -> subprocess.Popen[str]:
    """Another process on the journal (see tests.journal.child).

    ``before`` is shell that changes what is mounted, in a mount namespace of the child's own.
    """
    command = [sys.executable, "-m", "tests.journal.child", *map(str, arguments)]
    if before:
        script = f'{before} && exec "$@"'
        command = [
            *("unshare", "--mount", "--map-root-user", "--propagation", "private"),
            *("sh", "-c", script, "sh", *command),
        ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
