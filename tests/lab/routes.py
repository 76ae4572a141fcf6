"""Where Postfix sends mail next: its transport_maps, as a socketmap(5)."""

import asyncio
from contextlib import suppress

LONGEST_REQUEST = 100_000
"""Postfix's own limit of a netstring here (socketmap_table(5))."""


class RouteServer:
    """Answers transport lookups; ``routes`` maps provider to address or domain to transport."""

    def __init__(self) -> None:
        self.routes: dict[str, dict[str, str]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one Postfix process; it ends the connection when it leaves."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                provider, _, key = (await _read_netstring(reader)).partition(" ")
                transport = self.transport(provider, key)
                reply = f"OK {transport}" if transport else "NOTFOUND "
                writer.write(f"{len(reply.encode())}:{reply},".encode())
                await writer.drain()
        writer.close()

    def transport(self, provider: str, key: str) -> str | None:
        """Find the route of an address: its own, without its +tag, its domain's, or any.

        Postfix asks a socketmap for the full address only, so the fall-back is made here.
        """
        routes = self.routes.get(provider, {})
        local, _, domain = key.rpartition("@")
        candidates = [key, f"{local.split('+')[0]}@{domain}", domain, "*"] if local else []
        return next((routes[name] for name in candidates if name in routes), None)


async def _read_netstring(reader: asyncio.StreamReader) -> str:
    length = int((await reader.readuntil(b":"))[:-1])
    if length > LONGEST_REQUEST:
        raise ConnectionError("this is not Postfix")
    octets = await reader.readexactly(length + 1)
    return octets[:-1].decode("utf-8", "replace")
