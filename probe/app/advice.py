"""What is wrong with a mailbox, and what to do about it: one line for each problem."""

from collections.abc import Iterator
from dataclasses import dataclass

from probe.config.settings import Endpoint, MailboxSettings, Tls
from probe.core.event import Cause, Event, Refused, Unconfirmed, Unsent
from probe.core.observation import WatchCause, WatchLost
from probe.mail.reply import Stage
from probe.providers import presets

DOWN = "; if it is right, the server is down"
_MUTE = "if this port is for TLS, set tls: implicit"
SLOW = "the server is slow or a firewall is in the way, try again in some minutes"


IN_JUNK = (
    "its message to itself arrived in the junk folder: mark it as no junk there, or have a rule "
    "bring such mail to the inbox"
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one of the two servers, or the way to it, has against us."""

    protocol: str
    detail: str
    login: bool
    """It is our name or password that it does not like."""


def problems(
    box: MailboxSettings, lost: WatchLost | None, submission: Event | None
) -> Iterator[str]:
    """One line each; what both servers say is said once."""
    said = [*_of_imap(box, lost), *_of_smtp(box, submission)]
    if len(said) == 2 and all(one.login for one in said):
        both = "; ".join(f"{one.protocol}: {one.detail}" for one in said)
        yield f"the login as {box.imap.endpoint.username} is refused ({both}): {_password(box)}"
    elif len(said) == 2 and said[0].detail == said[1].detail:
        yield f"IMAP and SMTP: {said[0].detail}"
    else:
        for one in said:
            yield f"{one.protocol}: {one.detail}{_alone(box, one, said)}"


def no_folder(detail: str, part: str) -> str:
    """A folder was not found."""
    return f"IMAP: {detail}: set imap.{part} to the right one, or to none if there is none"


def _of_imap(box: MailboxSettings, lost: WatchLost | None) -> Iterator[_Said]:
    if lost is None:
        return
    detail = _with_place(lost.detail, box.imap.endpoint)
    match lost.cause:
        case WatchCause.THROTTLED:
            detail += ": the server is busy or limits us, try again in some minutes"
        case WatchCause.CONNECT:
            detail += DOWN
        case WatchCause.REFUSED if "not connected" in detail:
            detail += ": the password is good, but IMAP is switched off for this mailbox"
    yield _Said("IMAP", detail, login=lost.cause is WatchCause.CREDENTIALS)


def _of_smtp(box: MailboxSettings, submission: Event | None) -> Iterator[_Said]:
    endpoint = box.smtp.endpoint
    match submission:
        case Refused(stage=stage, reply=reply):
            login = stage is Stage.AUTH and reply.permanent
            detail = f"{endpoint.host} port {endpoint.port} says {reply}"
            yield _Said("SMTP", detail + ("" if login else _refused(box, submission)), login=login)
        case Unsent(detail=detail):
            detail = _with_place(detail, endpoint) + _unsent(box, submission)
            yield _Said("SMTP", detail, login=False)
        case Unconfirmed(detail=detail):
            yield _Said("SMTP", f"{detail}: whether it was accepted is unknown", login=False)


def _unsent(box: MailboxSettings, event: Unsent) -> str:
    """What to do where no server answered, beyond what the wire said already."""
    match event.cause:
        case Cause.CREDENTIALS:
            return f"; {_hint(box)}"
        case Cause.CONNECT:
            return DOWN
        case Cause.TIMEOUT if "set tls" not in event.detail:
            mute = event.stage is Stage.CONNECT and box.smtp.endpoint.tls is not Tls.IMPLICIT
            return f": {_MUTE if mute else SLOW}"
    return ""


def _refused(box: MailboxSettings, refusal: Refused) -> str:
    """What to do about a refusal that is not about the password."""
    if refusal.reply.code // 100 == 4:
        return ": this may pass, try again in some minutes"
    if refusal.stage is Stage.ENVELOPE:
        address, name = box.mailbox.address, box.smtp.endpoint.username
        who = "this account may send" if name == address else f"{name} may send as {address}"
        return f": check that {who}, and that the address {address} is right"
    if refusal.stage is Stage.DATA:
        return ": the provider does not take this message; ask its support why"
    return ": ask the provider's support why"


def _with_place(detail: str, endpoint: Endpoint) -> str:
    """Name the server, unless that is done."""
    if endpoint.host in detail or "ca_file" in detail:
        return detail
    return f"{endpoint.host} port {endpoint.port}: {detail}"


def _alone(box: MailboxSettings, one: _Said, said: list[_Said]) -> str:
    if not one.login:
        return ""
    other = "SMTP" if one.protocol == "IMAP" else "IMAP"
    if len(said) == 1:  # the same name and password are good for the other
        return (
            f": {other} takes the same login, so {one.protocol} may be switched off for this "
            f"account: {_hint(box)}"
        )
    return f": {_password(box)}"


def _password(box: MailboxSettings) -> str:
    return f"check auth.username and the password; {_hint(box)}"


def _hint(box: MailboxSettings) -> str:
    """What the provider is known to want."""
    name = box.mailbox.provider
    if name not in presets.names() or name == presets.GENERIC:
        return "with two-step sign-in most providers want an app password"
    preset = presets.load(name)
    if not preset.password_login:
        return f"{preset.title} takes OAuth only, which mailprobe cannot do yet"
    notes = " ".join(preset.notes).lower()
    wants = f"{preset.title} wants an app password, " if "app password" in notes else ""
    return f"{wants}see `mailprobe providers {name}`"
