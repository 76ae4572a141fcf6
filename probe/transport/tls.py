"""One TLS context per set of trusted certificates: building one costs 25 ms and 800 KiB."""

import asyncio
import asyncio.sslproto
import functools
import ssl
from pathlib import Path

# asyncio gives each TLS connection a zero-filled read buffer of 256 KiB, of which an idle mail
# connection uses a few hundred octets. 16 KiB is one TLS record (RFC 8446 §5.1), so nothing is
# split that was not split before. The attribute is not documented: without it, memory is all
# that is lost.
if hasattr(asyncio.sslproto.SSLProtocol, "max_size"):
    asyncio.sslproto.SSLProtocol.max_size = 16 * 1024


@functools.cache
def context(ca_file: Path | None) -> ssl.SSLContext:
    """The shared client context: certificate and name are verified, TLS 1.2 at least.

    Raises:
        OSError: the file cannot be read or holds no certificate.
    """
    made = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def abort(transport: asyncio.Transport | None) -> None:
    """Close now, whatever is buffered, and however often it was closed before.

    asyncio closes a transport itself where connecting is cancelled. On one that was aborted
    before, the next ``abort`` is an AttributeError on Python 3.11.2 (Debian 12).
    """
    if transport is not None and getattr(transport, "_ssl_protocol", transport) is not None:
        transport.abort()
