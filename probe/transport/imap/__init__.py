"""Watching a mailbox over IMAP; the only room that knows aioimaplib."""

from probe.transport.imap.watch import ImapWatch

__all__ = ["ImapWatch"]
