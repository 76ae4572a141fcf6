"""When to look again. Pure: the clock is an argument."""

FIRST_LOOK = 3.0
"""Most mail that goes to junk is there within seconds; a push to INBOX is never awaited."""

LONGEST_GAP = 60.0
"""While something is expected and not seen, junk is read at least this often."""

QUIET_FACTOR = 5
"""With nothing expected, junk is read after this many polls of INBOX."""

GLANCE = 5.0
"""How often, in IDLE, to see whether something has come to be expected. Nothing is sent, but
thousands of mailboxes do it."""


def junk_due(last_read: float, expecting_since: float | None, poll: float) -> float:
    """When junk is to be read next: 3, 6, 12, 24, 48 s after the expectation began, and so on."""
    quiet = last_read + QUIET_FACTOR * poll
    if expecting_since is None:
        return quiet
    waited = last_read - expecting_since
    gap = min(max(waited, FIRST_LOOK), LONGEST_GAP)
    return min(quiet, max(last_read, expecting_since) + gap)
