"""The config as it is written: the keys, their kinds, defaults and meanings.

These models are the schema (``mailprobe schema`` prints it) and its documentation; the rest of
the program runs on ``probe.config.settings``. Defaults of the keys that a preset may fill in
are None here.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from probe.config import duration
from probe.config.fields import (
    Address,
    Duration,
    FileName,
    FolderNames,
    Host,
    Id,
    Listen,
    Port,
    Text,
    Username,
    within,
)
from probe.config.settings import Mechanism, Tls

Interval = Annotated[Duration, within("1s", "30d")]
"""Below a second it is a load test; beyond a month it is no monitoring."""
Threshold = Annotated[Duration, within("1s", "30d")]
Wait = Annotated[Duration, within("1s", "10m")]
"""No mail server that is alive needs longer for one answer (RFC 5321 §4.5.3.2: 10 minutes)."""

_TLS_HELP = (
    "implicit (TLS from the first byte), starttls (upgrade before login, required) or plain "
    "(no TLS, the password is sent in the clear)"
)
_USERNAME_HELP = "{address}, {local_part} and {domain} stand for the mailbox's own"


def lasting(default: str, description: str) -> Any:
    """A duration key with a default, which the JSON schema shows as one writes it."""
    return Field(
        default=duration.parse(default),
        description=description,
        json_schema_extra={"default": default},
    )


class Section(BaseModel):
    """What all parts of the file have in common."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )


class Web(Section):
    """The pages and the metrics."""

    listen: Listen = Field(
        default=("127.0.0.1", 9925),
        description="Address and port for status page and metrics. Port 0 takes a free one.",
        json_schema_extra={"default": "127.0.0.1:9925"},
    )
    config_file: FileName | None = Field(
        default=None,
        description="TLS, users and headers: a web config file in the format of Prometheus' "
        "exporter-toolkit, relative to the config file's directory.",
    )
    hosts: list[Host] = Field(
        default_factory=list,
        description="More names under which a browser may ask for the pages, such as that of a "
        "proxy in front.",
    )


class Journal(Section):
    """Where probes are written down."""

    path: FileName = Field(
        default="mailprobe.db",
        description="The journal's file (SQLite), relative to the config file's directory, "
        "which must exist.",
    )


class Defaults(Section):
    """What a route expects unless it says otherwise."""

    interval: Interval = lasting("15m", "Time between two probes of a route.")
    delayed_after: Threshold = lasting("5m", "A probe that arrives later than this is delayed.")
    lost_after: Threshold = lasting("1h", "A probe that has not arrived by then is lost.")


class Retention(Section):
    """How long things are kept."""

    mail: Annotated[Duration, within("1s", "30d")] = lasting(
        "1h", "Our messages in the mailboxes, from their arrival."
    )
    delivered: Annotated[Duration, within("1h", "3650d")] = lasting(
        "30d", "Probes that were delivered, in the journal."
    )
    others: Annotated[Duration, within("1h", "3650d")] = lasting(
        "400d", "All other probes, in the journal."
    )


class Auth(Section):
    """How to log in."""

    username: Username | None = Field(
        default=None,
        description=f"Login name; left out, the preset's or the address. {_USERNAME_HELP}.",
    )
    password_file: FileName | None = Field(
        default=None,
        description="File that holds the password and nothing else, relative to the config "
        "file's directory.",
    )
    password: str | None = Field(
        default=None,
        description="${NAME}: the environment variable that holds the password. "
        "A password itself is refused here.",
        json_schema_extra={"pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"},
    )
    mechanism: Annotated[Mechanism, Field(strict=False)] | None = Field(
        default=None,
        description="SASL mechanism for SMTP. Left out: the best that the server offers.",
    )


class Server(Section):
    """What SMTP and IMAP have in common."""

    host: Host | None = Field(default=None, description="Server name, from the preset.")
    port: Port | None = Field(
        default=None, description="From the preset, else by tls: 465 or 587, 993 or 143."
    )
    tls: Annotated[Tls, Field(strict=False)] | None = Field(
        default=None, description=f"{_TLS_HELP}. From the preset, else by port, else implicit."
    )
    username: Username | None = Field(
        default=None,
        description="Login name where this server wants another one than auth.username. "
        f"{_USERNAME_HELP}.",
    )
    ca_file: FileName | None = Field(
        default=None,
        description="PEM file of certificates to trust instead of the system's, relative to "
        "the config file's directory.",
    )
    timeout: Wait = lasting("30s", "Longest wait for one answer.")


class Smtp(Server):
    """Submission of mail."""

    helo: Host | None = Field(
        default=None, description="Name given in EHLO. Default: the domain of the address."
    )
    total_timeout: Annotated[Duration, within("1s", "1h")] = lasting(
        "2m", "Longest time for one whole submission."
    )
    connection_idle: Annotated[Duration, within("0s", "10m")] = lasting(
        "5s", "An unused connection is closed after this."
    )
    connection_messages: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50,
        description="A connection is closed after this many messages, so that connecting is "
        "measured too.",
    )


class Imap(Server):
    """Watching a mailbox."""

    junk: FolderNames = Field(
        default="auto",
        description="Junk folder: its name, a list of names to try, none if there is none, or "
        "auto (the one the server marks as junk, else by the preset's names).",
    )
    sent: FolderNames = Field(
        default="auto",
        description="Sent folder, from which our copies are removed; as for junk.",
    )
    idle_renewal: Annotated[Duration, within("10s", "29m")] = lasting(
        "4m",
        "IDLE is begun anew after this; some servers drop it silently at 5m.",
    )
    poll: Annotated[Duration, within("1s", "1h")] = lasting(
        "1m",
        "The folders are read at least this often, whatever the server pushed.",
    )


class Mailbox(Section):
    """One mailbox that is yours, used for probes only."""

    id: Id = Field(description="Short name for metrics, logs and routes.")
    address: Address = Field(description="Mail address.")
    provider: Id = Field(
        description="A preset (mailprobe providers lists them), or any label of yours if "
        "smtp.host and imap.host are given."
    )
    client: Text = Field(default="", description="Client firm that this mailbox stands for.")
    auth: Auth = Field(description="How to log in: password_file or password.")
    smtp: Smtp = Field(default_factory=Smtp, description="Overrides the preset for sending.")
    imap: Imap = Field(default_factory=Imap, description="Overrides the preset for receiving.")
    sends_per_day: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=300,
        description="Most probes that this mailbox sends in 24 hours, from the preset: below "
        "the provider's own limit.",
    )


class Mesh(StrEnum):
    """Which routes are made by themselves."""

    PROVIDERS = "providers"
    ALL = "all"
    NONE = "none"


class RouteEntry(Section):
    """One directed route."""

    sender: Id = Field(alias="from", description="Id of the mailbox that sends.")
    recipient: Id = Field(alias="to", description="Id of the mailbox that receives.")
    interval: Interval | None = Field(default=None, description="As in defaults.")
    delayed_after: Threshold | None = Field(default=None, description="As in defaults.")
    lost_after: Threshold | None = Field(default=None, description="As in defaults.")


class Routes(Section):
    """Who sends to whom."""

    mesh: Annotated[Mesh, Field(strict=False)] = Field(
        default=Mesh.NONE,
        description="providers: every mailbox sends to and receives from every other provider. "
        "all: every mailbox sends to every other. none: only the routes of the list.",
    )
    entries: list[RouteEntry] = Field(
        default_factory=list,
        alias="list",
        description="Single routes; one that the mesh makes too is taken from here.",
    )


class ConfigFile(Section):
    """The whole file."""

    msp: Text = Field(default="", description="Your firm's name, for the pages.")
    web: Web = Field(default_factory=Web, description="Status page and metrics.")
    journal: Journal = Field(default_factory=Journal, description="Where probes are written down.")
    defaults: Defaults = Field(default_factory=Defaults, description="What routes expect.")
    retention: Retention = Field(
        default_factory=Retention, description="How long things are kept."
    )
    mailboxes: list[Mailbox] = Field(min_length=2, description="The mailboxes, two or more.")
    routes: Routes = Field(
        default=Routes(mesh=Mesh.PROVIDERS),
        json_schema_extra={"default": {"mesh": "providers"}},
        description="Who sends to whom. Left out: a mesh of the providers.",
    )
