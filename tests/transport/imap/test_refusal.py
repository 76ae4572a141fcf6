"""What a NO means."""

import pytest

from probe.core.observation import WatchCause
from probe.transport.imap import parse, refusal
from probe.transport.imap.parse import Status
from probe.transport.imap.words import MAX_WORDS, words


def status(line: bytes) -> Status:
    said = parse.read((line,))
    assert isinstance(said, Status)
    return said


@pytest.mark.parametrize(
    ("line", "cause", "retry_after"),
    [
        (b"* BYE Connection closed. 14", WatchCause.CLOSED, None),
        (b"* BYE Connection is closed. 13", WatchCause.CLOSED, None),
        (b"* BYE", WatchCause.CLOSED, None),
        (b"* BYE Server Unavailable. 15", WatchCause.THROTTLED, None),
        (b"* BYE [ALERT] Maximum number of connections from user+IP exceeded",
         WatchCause.THROTTLED, None),
        (b"* BYE Request is throttled. Suggested Backoff Time: 30 seconds",
         WatchCause.THROTTLED, 30.0),
    ],
)  # fmt: skip
def test_a_bye_is_the_end_or_a_request_to_wait(
    line: bytes, cause: WatchCause, retry_after: float | None
) -> None:
    lost = refusal.closed(status(line))
    assert (lost.cause, lost.retry_after) == (cause, retry_after)
    assert lost.detail


def test_any_other_no_is_a_refusal_with_the_servers_words() -> None:
    lost = refusal.refused(status(b"* NO [NOPERM] not for you"), doing="EXAMINE")
    assert lost.cause is WatchCause.REFUSED
    assert lost.detail == "EXAMINE: NO [NOPERM] not for you"


def test_a_servers_words_cannot_act_on_a_terminal_or_fill_a_log() -> None:
    assert words(b"\x1b[31mred\r\nline \xff") == "?[31mred??line \N{REPLACEMENT CHARACTER}"
    assert len(words(b"x" * 100_000)) == MAX_WORDS
