"""Logging in (RFC 4954): one mechanism is chosen, and there is exactly one try."""

from aiosmtplib import SMTP

from probe.config.settings import Endpoint, Mechanism, SmtpSettings
from probe.core.event import Cause
from probe.transport.smtp.failure import Obstacle

# PLAIN takes one round trip less than LOGIN and is a standard (RFC 4616), which LOGIN never
# became. CRAM-MD5 makes the server store the password in clear, and TLS protects the others.
_PREFERENCE = (Mechanism.PLAIN, Mechanism.LOGIN, Mechanism.CRAM_MD5)


def choose(wanted: Mechanism | None, offered: list[str], endpoint: Endpoint) -> Mechanism:
    """Pick the mechanism to use from what the server offers.

    Raises:
        Obstacle: there is none that both sides know.
    """
    common = [mechanism for mechanism in _PREFERENCE if mechanism.value in offered]
    where = f"{endpoint.host} port {endpoint.port}"
    if not offered:
        raise Obstacle(
            Cause.CREDENTIALS,
            f"{where} offers no login: is this its submission port (587 or 465)?",
        )
    listed = ", ".join(sorted({name.upper() for name in offered}))
    if wanted is not None and wanted not in common:
        raise Obstacle(
            Cause.CREDENTIALS,
            f"{where} does not offer {wanted.value.upper()} but {listed}: change the mechanism",
        )
    if not common:
        raise Obstacle(
            Cause.CREDENTIALS, f"{where} takes no password: it offers only {listed} to log in"
        )
    return wanted or common[0]


async def login(client: SMTP, settings: SmtpSettings) -> None:
    """Authenticate once. A refusal is the server's word, and is not tried another way.

    aiosmtplib's own ``login`` goes on to the next mechanism after a 535: two failures for one
    wrong password, which feeds lock-outs.
    """
    endpoint = settings.endpoint
    mechanism = choose(settings.mechanism, client.server_auth_methods, endpoint)
    username, password = endpoint.username, endpoint.password.reveal()
    match mechanism:
        case Mechanism.PLAIN:
            await client.auth_plain(username, password)
        case Mechanism.LOGIN:
            await client.auth_login(username, password)
        case Mechanism.CRAM_MD5:
            await client.auth_crammd5(username, password)
