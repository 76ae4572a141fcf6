"""How names are written on the wire: quoted strings, and modified UTF-7 (RFC 3501 §5.1.3)."""

import base64
import binascii
import re

_UNQUOTABLE = re.compile("[\0\r\n]")
_TO_ENCODE = re.compile(r"&|[^\x20-\x7e]+")
_ENCODED = re.compile("&([^-]*)-")


def quote(text: str) -> str:
    """A quoted string (RFC 9051 §4.3), whatever is in it: an unquoted name may be cut at a space.

    Raises:
        ValueError: NUL, CR or LF, which no quoted string can hold.
    """
    if _UNQUOTABLE.search(text):
        raise ValueError("a name with NUL, CR or LF cannot be sent")
    return f'"{escape(text)}"'


def escape(text: str) -> str:
    """The inside of a quoted string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def quotable(text: str) -> bool:
    """Whether LOGIN can carry it: quoted strings are ASCII, without NUL, CR and LF."""
    return text.isascii() and not _UNQUOTABLE.search(text)


def encode(name: str) -> str:
    """A folder's name in modified UTF-7."""
    return _TO_ENCODE.sub(lambda run: _encode_run(run[0]), name)


def decode(name: str) -> str:
    """A folder's name for a person; what is not modified UTF-7 is left as it is."""
    return _ENCODED.sub(lambda run: _decode_run(run[0], run[1]), name)


def _encode_run(text: str) -> str:
    if text == "&":
        return "&-"
    octets = base64.b64encode(text.encode("utf-16-be", "surrogatepass"), altchars=b"+,")
    return f"&{octets.decode().rstrip('=')}-"


def _decode_run(whole: str, encoded: str) -> str:
    if not encoded:
        return "&"
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        octets = base64.b64decode(padded.replace(",", "/"), validate=True)
        return octets.decode("utf-16-be")
    except (binascii.Error, ValueError):
        return whole
