"""IMAP, on a hardened aioimaplib."""
