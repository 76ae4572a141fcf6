"""Presets laid under what a mailbox says itself.

Works on plain values, before they are checked: whatever has the wrong shape is left as it is
for the check to find.
"""

from collections.abc import Mapping

from probe.config.document import Plain

Presets = Mapping[str, Mapping[str, object]]
"""By provider: the keys of a mailbox (``smtp``, ``imap``, ``sends_per_day``) in the words of
the config. ``generic`` lies under a provider that has no preset."""

GENERIC = "generic"


def with_presets(data: Plain, presets: Presets) -> object:
    """The file's values with each mailbox completed from its provider's preset."""
    mailboxes = data.get("mailboxes") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(mailboxes, list):
        return data
    return {**data, "mailboxes": [_completed(mailbox, presets) for mailbox in mailboxes]}


def _completed(mailbox: Plain, presets: Presets) -> object:
    if not isinstance(mailbox, dict):
        return mailbox
    provider = mailbox.get("provider")
    known = isinstance(provider, str) and provider in presets
    preset = presets[str(provider)] if known else presets.get(GENERIC, {})
    merged = {**preset, **mailbox}
    for section in ("smtp", "imap"):
        below, above = preset.get(section), mailbox.get(section, {})
        if isinstance(below, Mapping) and isinstance(above, dict):
            merged[section] = _section(below, above, mailbox.get("auth"))
    return merged


def _section(below: Mapping[str, object], above: dict[str, Plain], auth: Plain) -> object:
    """A server's keys: the mailbox's own win."""
    own = {key: value for key, value in above.items() if not _left_open(value, key, below)}
    hidden: set[str] = set()
    if "port" in own or "tls" in own:
        hidden |= {"port", "tls"}  # they belong together: port 465 with starttls would hang
    if isinstance(auth, dict) and auth.get("username") is not None:
        hidden.add("username")
    return {key: value for key, value in below.items() if key not in hidden} | own


def _left_open(value: Plain, key: str, below: Mapping[str, object]) -> bool:
    """Whether the mailbox names the key and leaves the value to the preset."""
    return key in below and (value is None or (value == "auto" and key in {"junk", "sent"}))
