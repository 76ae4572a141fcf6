"""From an exception of the wire to the event that it means: by type and code, never by text."""

import ssl

from aiosmtplib import (
    SMTPConnectResponseError,
    SMTPException,
    SMTPResponseException,
)

from probe.config.settings import Endpoint, Tls
from probe.core.event import Cause, Submission
from probe.mail.reply import Stage
from probe.transport import certificate
from probe.transport.dial import DialError
from probe.transport.smtp.exchange import Exchange

_IMPLICIT_PORT = 465  # RFC 8314 §7.3


class Obstacle(Exception):  # noqa: N818 - not an error of ours: something is in the way
    """A submission cannot go on, and the wire is not to blame for how we say it."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


EXPECTED = (DialError, Obstacle, SMTPException, OSError, ValueError)
"""What networks and servers do to us; anything else is a fault of ours and is not caught.

``OSError`` has TimeoutError, ConnectionError and SSLError under it; ``ValueError`` is
aiosmtplib's for an address that cannot stand on a command line.
"""


def is_refusal(error: BaseException) -> bool:
    """True where the server answered with a 4yz or 5yz reply (RFC 5321 §4.2.1)."""
    return isinstance(error, SMTPResponseException) and error.code // 100 in {4, 5}


def was_dead(error: BaseException, exchange: Exchange) -> bool:
    """True where a reused connection had been closed while it was idle: try a fresh one.

    Either it is simply gone, or the server takes leave with a 421 (RFC 5321 §3.8) instead of
    an answer to MAIL. Never after the envelope was accepted.
    """
    if exchange.stage is not Stage.ENVELOPE:
        return False
    if isinstance(error, SMTPResponseException):
        return error.code == 421 and not exchange.sender_accepted
    return isinstance(error, ConnectionError)


def event(error: BaseException, exchange: Exchange, endpoint: Endpoint) -> Submission:
    """The one event that a failed submission comes to."""
    if isinstance(error, SMTPResponseException) and is_refusal(error):
        return exchange.refused(error.code, error.message)
    return exchange.ended(*_cause(error, exchange, endpoint))


def _cause(error: BaseException, exchange: Exchange, endpoint: Endpoint) -> tuple[Cause, str]:
    where = f"{endpoint.host} port {endpoint.port}"
    match error:
        case DialError():
            found = Cause(error.stage.value), error.detail
        case Obstacle():
            found = error.cause, error.detail
        case SMTPResponseException():
            found = Cause.PROTOCOL, _malformed(error, where)
        case TimeoutError():
            found = Cause.TIMEOUT, _silence(exchange, endpoint)
        case ssl.SSLError():
            found = Cause.TLS, certificate.failure(endpoint.host, endpoint.port, error)
        case OSError():
            found = Cause.DISCONNECTED, f"{where} closed the connection{_moment(exchange)}"
        case _:
            found = Cause.PROTOCOL, f"{where}: {error}"
    return found


def _malformed(error: SMTPResponseException, where: str) -> str:
    if error.code == -1:
        return f"{where} does not speak SMTP: {error.message}"
    kind = "greeting" if isinstance(error, SMTPConnectResponseError) else "reply"
    return f"{where} gave an unexpected {kind}: {error.code} {error.message}"


def _silence(exchange: Exchange, endpoint: Endpoint) -> str:
    said = f"{endpoint.host} port {endpoint.port} gave no answer within {endpoint.timeout:g} s"
    said += _moment(exchange)
    mute = exchange.stage is Stage.CONNECT and endpoint.tls is not Tls.IMPLICIT
    if mute and endpoint.port == _IMPLICIT_PORT:
        return f"{said}: this port expects TLS at once, set tls: implicit"
    return said


def _moment(exchange: Exchange) -> str:
    if exchange.handed_over:
        return " after the message was handed over"
    return f" (stage {exchange.stage})"
