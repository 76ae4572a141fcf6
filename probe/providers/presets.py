"""What we know of each provider, one YAML file each beside this module.

A preset is a default that ``mailprobe check --live`` must confirm: providers change without
notice. How far each value can be trusted stands beside it in the file:

V  the vendor's page, or a primary repository
O  observed in real traffic
2  second hand: an article, somebody else's code
U  unverified; never shown to a customer as a fact
D  our own decision
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

GENERIC = "generic"
"""Lies under every provider that has no preset of its own."""

Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]*[smh]$")]


class Part(BaseModel):
    """What all parts of a preset have in common."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Server(Part):
    """How a server is reached; None where every customer has another one."""

    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["implicit", "starttls"]
    username: str = "{address}"
    """``{address}`` or ``{local_part}``."""


class Imap(Server):
    """Receiving."""

    junk: Annotated[list[str], Field(min_length=1)]
    """Names to try where the server does not mark its junk folder (RFC 6154)."""
    sent: Annotated[list[str], Field(min_length=1)]
    idle_renewal: Duration
    """Shorter than the time after which this provider drops IDLE."""


class Preset(Part):
    """One provider."""

    name: str
    title: str
    smtp: Server
    imap: Imap
    sends_per_day: Annotated[int, Field(ge=1)]
    """A safe budget, below the provider's own limit."""
    password_login: bool = True
    """False: it takes OAuth only, which mailprobe cannot do yet."""
    notes: Annotated[list[str], Field(min_length=1)]
    """For the person who sets it up, in plain English."""

    def defaults(self) -> dict[str, Any]:
        """The keys of a mailbox in the words of the config file."""
        parts = {"smtp", "imap", "sends_per_day"}
        return self.model_dump(include=parts, exclude_none=True)


@cache
def names() -> tuple[str, ...]:
    """All presets, in alphabetical order."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".yml") for name in found if name.endswith(".yml")))


@cache
def load(name: str) -> Preset:
    """One preset; KeyError if there is none of this name."""
    if name not in names():
        raise KeyError(name)
    text = files(__package__).joinpath(f"{name}.yml").read_text(encoding="utf-8")
    values = yaml.load(text, Loader=yaml.CSafeLoader)
    return Preset.model_validate({"name": name, **values})


@cache
def defaults() -> dict[str, dict[str, Any]]:
    """What ``probe.config.load`` lays under each mailbox, by provider."""
    return {name: load(name).defaults() for name in names()}
