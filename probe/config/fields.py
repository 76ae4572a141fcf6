"""The kinds of values in a config, each with its check and its place in the JSON schema."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from probe.config import duration

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""Ids become metric labels and parts of URLs; 63 is the length of a DNS label."""

_ID = re.compile(ID_PATTERN.removesuffix("$") + r"\Z")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""Dot-string (RFC 5321 §4.1.2). Quoted local parts are legal and nowhere in use."""
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
"""Underscores are not for host names (RFC 1123 §2.1), but container networks use them."""

_LOCAL_PART_LIMIT = 64  # octets, RFC 5321 §4.5.3.1.1
_DOMAIN_LIMIT = 253  # octets without the root's dot, RFC 1035 §3.1

TEXT_LIMIT = 200
"""Names for people: longer ones break every table they stand in."""


def identifier(value: str) -> str:
    """An id that is safe as a metric label."""
    if not _ID.match(value):
        raise ValueError(
            f"{value!r} is not an id: use a-z, 0-9, _ and -, beginning with a letter or digit, "
            "at most 63"
        )
    return value


def text(value: str) -> str:
    """One line for people."""
    if not value.isprintable():
        raise ValueError("must be one line without control characters")
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"is longer than {TEXT_LIMIT} characters")
    return value


def port(value: int) -> int:
    """A TCP port that can be connected to."""
    if not 1 <= value <= 65535:
        raise ValueError(f"{value} is not a port (1 to 65535)")
    return value


def domain(value: str) -> str:
    """A host or mail domain in its ASCII form (RFC 5890 A-labels), lower case."""
    try:
        name = value.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not name or len(name) > _DOMAIN_LIMIT or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{value!r} is not a domain name")
    return name


def host(value: str) -> str:
    """A host name or IP address."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    if "/" in value:
        raise ValueError(f"{value!r} is not a host: write the name alone, without :// and path")
    if ":" in value:
        raise ValueError(f"{value!r} is not a host: the port has a key of its own, port")
    try:
        return domain(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a host name or IP address") from None


def address(value: str) -> str:
    """A mail address; the domain in its ASCII form, so that any server takes it."""
    local, at, tail = value.rpartition("@")
    if not at:
        raise ValueError(f"{value!r} is not a mail address: it has no @")
    if not local.isascii():
        raise ValueError(
            f"{value!r}: letters beyond ASCII before the @ need SMTPUTF8 (RFC 6531), "
            "which mailprobe does not speak"
        )
    if not _LOCAL_PART.fullmatch(local) or len(local) > _LOCAL_PART_LIMIT:
        raise ValueError(f"{value!r} is not a mail address: look at the part before the @")
    return f"{local}@{domain(tail)}"


def listen(value: object) -> tuple[str, int]:
    """Where a server listens: ``127.0.0.1:9925``, ``[::1]:9925``; port 0 takes a free one."""
    if not isinstance(value, str):
        raise ValueError("must be text such as 127.0.0.1:9925")  # noqa: TRY004 - pydantic's way
    name, colon, digits = value.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65535:
        raise ValueError(f"{value!r} is not an address to listen on: write it as 127.0.0.1:9925")
    if not name:
        raise ValueError(f"{value!r} has no address: to listen everywhere write 0.0.0.0{value}")
    bracketed = name.startswith("[") and name.endswith("]")
    if ":" in name and not bracketed:
        raise ValueError(f"{value!r}: an IPv6 address stands in brackets, as [::1]:9925")
    return host(name[1:-1] if bracketed else name), int(digits)


def file_name(value: str) -> str:
    """The name of a file; nothing that a terminal or the system would stumble over."""
    if not value.isprintable():
        raise ValueError("is not the name of a file")
    return value


PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def username(value: str) -> str:
    """A login name; parts of the address may stand in it."""
    if any(name not in {"address", "local_part", "domain"} for name in PLACEHOLDER.findall(value)):
        raise ValueError("only {address}, {local_part} and {domain} may stand in braces")
    return value


def names(value: object) -> str | tuple[str, ...]:
    """One folder's name, or several to try."""
    several: list[object] = value if isinstance(value, list) else [value]
    found = tuple(name for name in several if isinstance(name, str) and name)
    if not several or len(found) != len(several):
        raise ValueError("must be a folder's name, a list of names to try, auto or none")
    if not all(map(str.isprintable, found)):
        raise ValueError("a folder's name has no control characters")
    return found if isinstance(value, list) else found[0]


def within(shortest: str, longest: str) -> AfterValidator:
    """Bounds for a duration."""
    low, high = duration.parse(shortest), duration.parse(longest)

    def check(seconds: float) -> float:
        if not low <= seconds <= high:
            raise ValueError(
                f"{duration.spell(seconds)} is out of range ({shortest} to {longest})"
            )
        return seconds

    return AfterValidator(check)


Id = Annotated[str, AfterValidator(identifier), Field(json_schema_extra={"pattern": ID_PATTERN})]
Text = Annotated[str, AfterValidator(text), Field(json_schema_extra={"maxLength": TEXT_LIMIT})]
Port = Annotated[
    int, AfterValidator(port), Field(json_schema_extra={"minimum": 1, "maximum": 65535})
]
Host = Annotated[str, AfterValidator(host)]
Address = Annotated[str, AfterValidator(address)]
FileName = Annotated[str, Field(min_length=1), AfterValidator(file_name)]
Username = Annotated[str, Field(min_length=1), AfterValidator(username)]
Duration = Annotated[
    float,
    BeforeValidator(duration.from_value),
    WithJsonSchema({"type": "string", "pattern": duration.PATTERN}),
]
"""Text in the file, seconds once validated."""
Listen = Annotated[tuple[str, int], BeforeValidator(listen), WithJsonSchema({"type": "string"})]
FolderNames = Annotated[
    str | tuple[str, ...],
    BeforeValidator(names),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]
