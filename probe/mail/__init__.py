"""The standards' words (RFC 5321, 5322, 3463, 3464), pure: no I/O, no clock."""
