"""A server's words, fit to be shown: one line, bounded, nothing that acts on a terminal."""

MAX_WORDS = 300
"""Longer than any of the answers in the providers' documents; a log line, not a page."""


def words(octets: bytes | str) -> str:
    """The text in quotes-free, printable form."""
    text = octets[: 4 * MAX_WORDS]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() else "?" for c in text.strip())
    return shown if len(shown) <= MAX_WORDS else shown[: MAX_WORDS - 1] + "…"
