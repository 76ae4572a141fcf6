"""What became of each probe by the servers' own logs and disks."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from probe.core.match import Signer
from probe.mail.token import Token, candidates, decode
from tests.lab.maildir import StoredMessage
from tests.lab.provider import Provider
from tests.lab.world import Lab

_CLEANUP = re.compile(r"/cleanup\[\d+\]: (\w+): message-id=<([^>]*)>")
_SENT = re.compile(r"/lmtp\[\d+\]: (\w+): to=<([^>]*)>.* status=sent .*Saved")
_SUBMITTED = re.compile(r"/(?:plain/)?smtpd\[\d+\]: (\w+): client=.*sasl_username=")


@dataclass
class Seen:
    """One probe, seen from outside."""

    submissions: int = 0
    """How often a submission server took it."""
    stored: int = 0
    """How often a server said that it stored it, in whatever folder."""
    copies: int = 0
    """How often it lies in a mailbox now."""


@dataclass
class Servers:
    """All probes that any server ever took, by id."""

    seen: dict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    foreign: list[tuple[bytes, str, float, str]] = field(default_factory=list)
    """Other people's mail: octets, folder, time of storing, flags."""


def ask(lab: Lab, signer: Signer, users: Iterable[str]) -> Servers:
    """Read all logs and all mailboxes."""
    found = Servers()
    for provider in lab.providers:
        _read_log(found, provider.smtp.log(), signer)
        for user in users:
            _read_mailbox(found, provider, user, signer)
    return found


def _read_log(found: Servers, log: str, signer: Signer) -> None:
    submitted = set(_SUBMITTED.findall(log))
    probes = {
        queue_id: probe
        for queue_id, message_id in _CLEANUP.findall(log)
        if (probe := _probe(message_id, signer))
    }
    for queue_id, probe in probes.items():
        found.seen[probe].submissions += queue_id in submitted
    for queue_id, _ in _SENT.findall(log):
        if queue_id in probes:
            found.seen[probes[queue_id]].stored += 1


def _read_mailbox(found: Servers, provider: Provider, user: str, signer: Signer) -> None:
    for message in provider.maildir(user).messages():
        probe = _of_message(message, signer)
        if probe:
            found.seen[probe].copies += 1
        else:
            flags = message.path.name.partition(":2,")[2]
            found.foreign.append((message.octets, message.folder, message.stored_at, flags))


def _of_message(message: StoredMessage, signer: Signer) -> str:
    """By its Message-ID, which nobody here rewrites; a forged one is nobody's."""
    head = message.octets.partition(b"\n\n")[0].decode("utf-8", "replace")
    line = re.search(r"(?im)^message-id:\s*<([^>]*)>", head)
    return _probe(line.group(1), signer) if line else ""


def _probe(message_id: str, signer: Signer) -> str:
    for text in candidates(message_id):
        token = decode(text, instance=signer.instance, key=signer.key)
        if isinstance(token, Token):
            return token.probe
    return ""
