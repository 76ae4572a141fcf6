"""Reads the web config file, and says whether the pages are open to strangers."""

import ipaddress
import re
import stat
from pathlib import Path

from pydantic import ValidationError

from probe.config import server_tls, source, syntax
from probe.config.explain import explain
from probe.config.model import Web
from probe.config.problem import ConfigError
from probe.config.protection import ClientAuth, Protection, RateLimit, ServerTls
from probe.config.report import Report
from probe.config.secret import Secret
from probe.config.web_grammar import Headers, RateLimitConfig, TlsServerConfig, WebFile

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")

MOST_COST = 14
"""Of bcrypt: each step doubles the work, and 14 takes a CPU for one to three seconds."""

LEAST_COST = 10
"""Below it, a stolen file gives its passwords away; what is given is used, with a warning."""

_HASH = "is no bcrypt hash: make one with htpasswd -nBC 10 NAME, and write what follows the colon"


def protection(web: Web | None, directory: Path, report: Report) -> Protection:
    """What the file says; no protection where there is none, or where it is wrong."""
    if web is None:
        return Protection()
    found: Protection | None = Protection()
    if web.config_file is not None:
        found = _read(directory / web.config_file, report)
    if found is None:
        return Protection()
    _warn(web, found, report)
    return found


def _read(file: Path, report: Report) -> Protection | None:
    try:
        document, problems = syntax.read(source.read(file), str(file))
    except ConfigError as error:
        for problem in error.problems:
            if problem.line:
                report.elsewhere.append(problem)
            else:
                report.problem(("web", "config_file"), f"{file}: {problem.message}")
        return None
    inner = Report(document, problems)
    found = _understood(document.root.plain(), file.parent, inner)
    report.include(inner)
    return None if inner.problems else found


def _understood(values: object, directory: Path, report: Report) -> Protection | None:
    try:
        whole = WebFile.model_validate(values)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            explain(error, report, WebFile)
        return None
    return Protection(
        tls=_tls(whole.tls_server_config or TlsServerConfig(), directory, report),
        users=_users(whole.basic_auth_users or {}, report),
        headers=_headers(whole.http_server_config.headers),
        rate_limit=_rate_limit(whole.rate_limit, report),
    )


def _tls(given: TlsServerConfig, directory: Path, report: Report) -> ServerTls | None:
    at = "tls_server_config"
    if given.cert_file is None and given.key_file is None and given.client_ca_file is None:
        return None
    if given.cert_file is None or given.key_file is None:
        missing = "cert_file" if given.cert_file is None else "key_file"
        report.problem((at, missing), "is missing: a certificate and its key go together")
        return None
    if (given.client_ca_file is None) != (given.client_auth_type is ClientAuth.NONE):
        report.problem((at, "client_auth_type"), _AUTHORITY)
        return None
    if given.min_version > given.max_version:
        report.problem((at, "min_version"), f"is above max_version ({given.max_version})")
        return None
    tls = ServerTls(
        directory / given.cert_file,
        directory / given.key_file,
        given.client_auth_type,
        None if given.client_ca_file is None else directory / given.client_ca_file,
        given.min_version,
        given.max_version,
    )
    return _checked(tls, report)


_AUTHORITY = (
    "RequireAndVerifyClientCert or VerifyClientCertIfGiven goes with a client_ca_file, and "
    "NoClientCert with none"
)


def _checked(tls: ServerTls, report: Report) -> ServerTls:
    try:
        server_tls.context(tls)
    except server_tls.UnusableTlsError as error:
        report.problem(("tls_server_config", error.key), str(error))
    else:
        if tls.key_file.stat().st_mode & stat.S_IROTH:
            message = f"every user of this machine can read {tls.key_file}: chmod o-r it"
            report.warning(("tls_server_config", "key_file"), message)
    return tls


def _users(given: dict[str, str], report: Report) -> dict[str, Secret]:
    for name, value in given.items():
        path = ("basic_auth_users", name)
        if ":" in name:
            report.key_problem(path, "a user's name has no colon (RFC 7617)")
        elif not (found := _BCRYPT.fullmatch(value)):
            report.problem(path, _HASH)
        elif int(found[1]) > MOST_COST:
            report.problem(
                path, f"costs {found[1]}, more than {MOST_COST}: a login would take long"
            )
        elif int(found[1]) < LEAST_COST:
            report.warning(path, f"a cost of {found[1]} is little: make it {LEAST_COST} or more")
    return {name: Secret(value) for name, value in given.items()}


def _headers(given: Headers) -> dict[str, str]:
    return {name: value for name, value in given.model_dump(by_alias=True).items() if value}


def _rate_limit(given: RateLimitConfig, report: Report) -> RateLimit | None:
    if not given.interval:
        return None
    if given.burst < 1:
        report.problem(("rate_limit", "burst"), "must be at least 1, or no request gets through")
    return RateLimit(given.interval, given.burst)


def _warn(web: Web, found: Protection, report: Report) -> None:
    host = web.listen[0]
    if _is_loopback(host):
        return
    if not found.closed:
        report.warning(
            ("web", "listen"),
            f"everybody who reaches {host} can read the pages and the metrics: listen on "
            "127.0.0.1, or set users or client certificates in web.config_file",
        )
    elif found.tls is None:
        message = "the users' passwords cross the network in the clear: set TLS in web.config_file"
        report.warning(("web", "listen"), message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761 §6.3
