"""Other people's mail in our mailboxes, which nobody may touch."""

from collections import Counter
from collections.abc import Iterable

from tests.crash.servers import Servers
from tests.lab.world import Lab

LETTERS = (
    b"From: client@alpha.test\r\nTo: us@beta.test\r\nSubject: mailprobe invoice\r\n\r\nHi\r\n",
    # Shaped like one of ours, and signed by nobody.
    b"From: a@b.test\r\nSubject: mailprobe mp1"
    + b"a" * 60
    + b"\r\nMessage-ID: <mp1"
    + b"a" * 60
    + b"@b.test>\r\n\r\nForged\r\n",
)


def deliver(lab: Lab, users: Iterable[str]) -> Counter[bytes]:
    """Some in each mailbox; how often each letter now lies somewhere."""
    laid: Counter[bytes] = Counter()
    for provider in lab.providers:
        for user in users:
            for letter in LETTERS:
                provider.imap.deliver(provider.account(user).address, letter)
                laid[_body(letter)] += 1
    return laid


def untouched(laid: Counter[bytes], servers: Servers) -> bool:
    """All still there, in the inbox, without a flag."""
    found = Counter(_body(octets) for octets, _, _, _ in servers.foreign)
    return found == laid and all(
        folder == "INBOX" and not flags for _, folder, _, flags in servers.foreign
    )


def _body(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
