"""An address that neither answers nor refuses: connecting to it ends in a true time-out."""

import errno
import socket
from typing import Self

from tests.lab import addresses

HALF_OPEN = 3
"""Connects which nobody accepts; with a backlog of 0 Linux then drops every further SYN."""


class BlackHole:
    """Swallows connects to an address while its ``with`` block lasts."""

    def __init__(
        self, host: str = addresses.BLACK_HOLE, port: int = addresses.BLACK_HOLE_PORT
    ) -> None:
        self._where = (host, port)
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self._where)
        listener.listen(0)
        self._sockets.append(listener)
        for _ in range(HALF_OPEN):
            pending = socket.socket()
            pending.setblocking(False)
            assert pending.connect_ex(self._where) in {0, errno.EINPROGRESS}
            self._sockets.append(pending)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()
