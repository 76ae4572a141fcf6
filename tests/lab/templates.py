"""Fill in the configuration files in etc/."""

import string
from pathlib import Path

TEMPLATES = Path(__file__).parent / "etc"


class _Template(string.Template):
    """Marks a value as @{name}: Postfix and Dovecot have their own use for the dollar."""

    delimiter = "@"


def render(name: str, values: dict[str, object]) -> str:
    """Return a configuration with its values; a forgotten value is an error."""
    return _Template((TEMPLATES / name).read_text()).substitute(values)
