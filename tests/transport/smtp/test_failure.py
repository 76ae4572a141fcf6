"""Exceptions of the wire, and what they mean."""

from dataclasses import replace

import pytest
from aiosmtplib import SMTPResponseException, SMTPServerDisconnected

from probe.config.settings import Tls
from probe.core.event import Cause, Unsent
from probe.mail.reply import Stage
from probe.transport.smtp import failure
from probe.transport.smtp.exchange import Exchange
from tests.transport.smtp.harness import mailbox

ENDPOINT = mailbox(465).smtp.endpoint


def an_exchange(stage: Stage, *, sender_accepted: bool = False) -> Exchange:
    return Exchange(lambda: 0.0, lambda: 0.0, stage=stage, sender_accepted=sender_accepted)


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.PLAIN])
def test_a_silent_port_465_says_to_set_implicit_tls(tls: Tls) -> None:
    endpoint = replace(ENDPOINT, tls=tls)
    event = failure.event(TimeoutError(), an_exchange(Stage.CONNECT), endpoint)
    assert isinstance(event, Unsent)
    assert event.cause is Cause.TIMEOUT
    assert event.detail.endswith("this port expects TLS at once, set tls: implicit")


@pytest.mark.parametrize(
    ("endpoint", "stage"),
    [
        (replace(ENDPOINT, tls=Tls.IMPLICIT), Stage.CONNECT),
        (replace(ENDPOINT, port=587), Stage.CONNECT),
        (ENDPOINT, Stage.AUTH),
    ],
)
def test_any_other_silence_gives_no_such_advice(endpoint: object, stage: Stage) -> None:
    event = failure.event(TimeoutError(), an_exchange(stage), endpoint)  # type: ignore[arg-type]  # a table
    assert isinstance(event, Unsent)
    assert "implicit" not in event.detail


@pytest.mark.parametrize(
    ("error", "stage", "sender_accepted", "dead"),
    [
        (SMTPServerDisconnected("gone"), Stage.ENVELOPE, False, True),
        (SMTPServerDisconnected("gone"), Stage.ENVELOPE, True, True),
        (ConnectionResetError(), Stage.ENVELOPE, False, True),
        (SMTPResponseException(421, "idle"), Stage.ENVELOPE, False, True),
        (SMTPResponseException(421, "too many"), Stage.ENVELOPE, True, False),
        (SMTPResponseException(451, "later"), Stage.ENVELOPE, False, False),
        (SMTPServerDisconnected("gone"), Stage.DATA, True, False),
        (TimeoutError(), Stage.ENVELOPE, False, False),
        (ValueError(), Stage.ENVELOPE, False, False),
    ],
)
def test_a_kept_connection_was_dead_only_if_it_was_gone_before_the_envelope(
    error: Exception, stage: Stage, sender_accepted: bool, dead: bool
) -> None:
    exchange = an_exchange(stage, sender_accepted=sender_accepted)
    assert failure.was_dead(error, exchange) is dead


def test_a_fault_of_ours_is_not_among_what_is_expected() -> None:
    for fault in (KeyError, TypeError, AttributeError, AssertionError, RuntimeError):
        assert not issubclass(fault, failure.EXPECTED)
