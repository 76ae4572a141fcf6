"""The end of a connection, whatever asyncio has done to it before."""

import asyncio
from collections.abc import Callable

from probe.transport import tls
from probe.transport.dial import dial
from probe.transport.imap.client import Client
from tests.transport.imap.conftest import Certificates
from tests.transport.imap.scripted import scripted
from tests.transport.imap.world import PATIENT, now


def at_its_making(client: Client, act: Callable[[], None]) -> None:
    """Let this be done between the end of the handshake and the end of connecting."""
    made = client.protocol.connection_made

    def connection_made(transport: asyncio.BaseTransport) -> None:
        made(transport)
        asyncio.get_running_loop().call_soon(act)

    client.protocol.connection_made = connection_made  # type: ignore[method-assign]


async def test_what_is_given_up_as_its_handshake_ends_can_be_dropped_again(
    certificates: Certificates,
) -> None:
    """What was aborted is closed by asyncio, which then tells of its loss, which aborts."""
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    async with scripted(tls=certificates.server) as server:
        dialled = await dial("127.0.0.1", server.port, timeout=PATIENT)
        context = tls.context(certificates.ca_file)
        client = Client(dialled.socket, "127.0.0.1", timeout=PATIENT, now=now, tls=context)
        at_its_making(client, client.abort)
        await asyncio.wait({client._client_task})
        assert client._client_task.cancelled()
        await server.gone.wait()
        await client.protocol._greeted
        assert client.protocol.lost is not None
        client.abort()
    assert complaints == []
