"""Which port and which TLS a server is spoken to with, when not everything is written down."""

import ipaddress
from dataclasses import dataclass

from probe.config.model import Imap, Server, Smtp
from probe.config.problem import KeyPath
from probe.config.report import Report
from probe.config.settings import Tls


@dataclass(frozen=True, slots=True)
class Ports:
    """A protocol's registered ports."""

    implicit: int
    starttls: int
    also_starttls: tuple[int, ...] = ()

    def usual(self, port: int) -> Tls | None:
        """What a server on this port speaks, if it is a registered one."""
        if port == self.implicit:
            return Tls.IMPLICIT
        return Tls.STARTTLS if port in {self.starttls, *self.also_starttls} else None


SMTP = Ports(implicit=465, starttls=587, also_starttls=(25,))  # RFC 8314 §3.3, RFC 6409 §3.1
IMAP = Ports(implicit=993, starttls=143)  # RFC 8314 §3.2, RFC 9051 §2.1


def port_and_tls(server: Smtp | Imap, path: KeyPath, report: Report) -> tuple[int, Tls]:
    """The two, each from the other where only one is given; implicit TLS where none is."""
    ports = SMTP if isinstance(server, Smtp) else IMAP
    port, tls = server.port, server.tls
    if port is None:
        if tls is Tls.PLAIN:
            report.problem((*path, "port"), "is missing: tls: plain has no usual port")
        tls = tls or Tls.IMPLICIT
        return (ports.implicit if tls is Tls.IMPLICIT else ports.starttls), tls
    usual = ports.usual(port)
    if tls is None and usual is None:
        choices = ", ".join(Tls)
        message = f"is missing: port {port} does not tell which; one of {choices}"
        report.problem((*path, "tls"), message)
    _warn(server, usual, path, report)
    return port, tls or usual or Tls.IMPLICIT


def _warn(server: Server, usual: Tls | None, path: KeyPath, report: Report) -> None:
    if server.tls is Tls.PLAIN and not _is_loopback(server.host or ""):
        report.warning((*path, "tls"), "the password crosses the network in the clear")
    elif server.tls and usual and server.tls is not usual and server.tls is not Tls.PLAIN:
        message = f"port {server.port} usually means {usual}, not {server.tls}"
        report.warning((*path, "port"), message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761 §6.3
