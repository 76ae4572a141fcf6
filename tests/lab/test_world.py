"""The mail world is real: mail goes round between all providers."""

import itertools
import ssl

import pytest

from tests.lab.addresses import PROVIDERS
from tests.lab.clients import Reader, submit
from tests.lab.world import Lab

PAIRS = list(itertools.permutations(PROVIDERS, 2))


@pytest.mark.parametrize(("sender", "recipient"), PAIRS)
def test_mail_arrives(lab: Lab, ca: ssl.SSLContext, sender: str, recipient: str) -> None:
    source, target = lab.provider(sender).monitor, lab.provider(recipient).monitor
    with Reader(target, ca) as reader:
        reply = submit(source, target.address, f"{sender}-{recipient}", ca)
        assert "queued as" in reply
        message = reader.wait_for(f"{sender}-{recipient}")
    assert f"by mx.{recipient}.test".encode() in message
    assert f"from mx.{sender}.test".encode() in message
