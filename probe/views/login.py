"""Basic authentication (RFC 7617) against bcrypt hashes."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping

import bcrypt

from probe.config.secret import Secret

BCRYPT_OCTETS = 72
"""What bcrypt looks at; the tools that make the hashes cut there too."""

LONGEST_CREDENTIALS = 1024
"""Octets of user and password."""

WAITING = 8
"""Passwords that wait to be hashed; one is at a time, so that logins never take more than one
CPU."""


class BusyError(Exception):
    """Too many passwords wait to be hashed."""


class Login:
    """Knows the users of one web config file."""

    def __init__(self, users: Mapping[str, Secret]) -> None:
        self._users = users
        self._key = os.urandom(32)
        self._known: dict[str, bytes] = {}
        """By user the keyed hash of the last password that was right: at most one each."""
        self._one = asyncio.Lock()
        self._waiting = 0
        self._stranger = max((h.reveal() for h in users.values()), key=_cost, default="")

    def __bool__(self) -> bool:
        return bool(self._users)

    def remembered(self, user: str, password: bytes) -> bool:
        """Whether it is right, by memory alone: some microseconds."""
        seen = self._known.get(user, b"")
        return hmac.compare_digest(seen, self._digest(user, password))

    async def verify(self, user: str, password: bytes) -> bool:
        """Whether it is right; a stranger is refused as slowly as a user with a wrong password.

        Raises:
            BusyError: too many others wait.
        """
        if self._waiting >= WAITING:
            raise BusyError
        hashed = self._users.get(user)
        against = (self._stranger if hashed is None else hashed.reveal()).encode()
        self._waiting += 1
        try:
            async with self._one:
                right = await asyncio.to_thread(bcrypt.checkpw, password[:BCRYPT_OCTETS], against)
        finally:
            self._waiting -= 1
        if hashed is None or not right:
            return False
        self._known[user] = self._digest(user, password)
        return True

    def _digest(self, user: str, password: bytes) -> bytes:
        octets = b"%d:%b:%b" % (len(user), user.encode(), password)
        return hmac.digest(self._key, octets, hashlib.sha256)


def credentials(header: str) -> tuple[str, bytes] | None:
    """User and password of an Authorization header; None: it holds none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST_CREDENTIALS * 4 // 3:
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _cost(hashed: str) -> int:
    return int(hashed.split("$")[2])
