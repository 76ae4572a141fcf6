"""Our mail is removed after its retention, in inbox, junk and sent; other people's never is."""

import imaplib
import ssl
from pathlib import Path

import pytest

from probe.core.match import Ours, match
from probe.core.outcome import Outcome
from probe.journal.identity import load
from tests.e2e.daemon import Daemon, until
from tests.e2e.lab_config import LabConfig
from tests.lab.maildir import StoredMessage
from tests.lab.provider import Provider
from tests.lab.world import Lab

pytestmark = pytest.mark.timeout(150)  # whole processes, on a machine that may be busy

FOREIGN = (
    b"From: client@alpha.test\r\nTo: monitor@beta.test\r\nSubject: mailprobe invoice\r\n\r\nHi\r\n"
)


async def test_our_mail_is_removed_everywhere_and_nobody_elses_is_touched(
    lab: Lab, tmp_path: Path
) -> None:
    config = LabConfig(lab, tmp_path)
    config.document["retention"] = {"mail": "20s"}
    async with config.daemon() as daemon:
        await daemon.concluded(12)
        lab.beta.imap.deliver(lab.beta.monitor.address, FOREIGN)
        ours = _probe_at(daemon, lab.beta)
        forged = ours.octets.replace(_token(ours), _altered(_token(ours)))
        lab.beta.imap.deliver(lab.beta.monitor.address, forged)
        _append(lab, lab.beta, "Sent", ours.octets)
        with lab.faults.junk(at="beta"):

            async def junked() -> bool:
                return await daemon.metric("probes_total", outcome=Outcome.JUNKED) >= 3

            await until(junked, "probes are junked")
        foreign = [m for m in lab.beta.maildir().messages() if not _is_ours(daemon, m)]
        assert len(foreign) == 2

        async def tidied() -> bool:
            first = ours.octets in (m.octets for m in lab.beta.maildir().messages())
            return not first and not _folders_of_ours(daemon, lab.beta) & {"Junk", "Sent"}

        await until(tidied, "our old mail is gone", seconds=200)
        assert await daemon.metric("forged_tokens_total") >= 1
        left = [m for m in lab.beta.maildir().messages() if not _is_ours(daemon, m)]

    assert [_kept(message) for message in left] == [_kept(message) for message in foreign]


def _kept(message: StoredMessage) -> tuple[bytes, str, float, str]:
    """What must not change: octets, folder, order, and the flags, which are in the file's name."""
    return message.octets, message.folder, message.stored_at, message.path.name.partition(":2,")[2]


def _probe_at(daemon: Daemon, provider: Provider) -> StoredMessage:
    return next(m for m in provider.maildir().messages() if _is_ours(daemon, m))


def _folders_of_ours(daemon: Daemon, provider: Provider) -> set[str]:
    return {m.folder for m in provider.maildir().messages() if _is_ours(daemon, m)}


def _is_ours(daemon: Daemon, message: StoredMessage) -> bool:
    signer = load(daemon.journal)
    assert signer is not None
    return isinstance(match(message.octets.partition(b"\n\n")[0], None, signer), Ours)


def _token(message: StoredMessage) -> bytes:
    lines = message.octets.split(b"\n")
    return next(line for line in lines if line.startswith(b"X-Mailprobe-Token")).split()[1]


def _altered(token: bytes) -> bytes:
    """The same claim of our instance under a signature that is not ours."""
    return token[:-8] + token[-8:].translate(bytes.maketrans(b"abcdefgh", b"bcdefgha"))


def _append(lab: Lab, provider: Provider, folder: str, message: bytes) -> None:
    """A copy, as a provider makes that keeps what was sent."""
    context = ssl.create_default_context(cafile=str(lab.ca))
    with imaplib.IMAP4_SSL(provider.address, 993, ssl_context=context) as client:
        client.login(provider.monitor.address, provider.monitor.password)
        client.create(folder)
        status, said = client.append(folder, "", "", message)
        assert status == "OK", said
