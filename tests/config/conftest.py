"""Configs on disk, and the shortest way to load them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from probe.config.load import load
from probe.config.problem import ConfigError
from probe.config.settings import Settings

PRESETS: Mapping[str, Mapping[str, object]] = {
    "generic": {
        "smtp": {"port": 465, "tls": "implicit"},
        "imap": {"port": 993, "tls": "implicit", "junk": ["Junk"], "idle_renewal": "4m"},
        "sends_per_day": 300,
    },
    "north": {
        "smtp": {"host": "smtp.north.example", "port": 587, "tls": "starttls"},
        "imap": {
            "host": "imap.north.example",
            "port": 993,
            "tls": "implicit",
            "username": "{local_part}",
            "junk": ["Spam", "Bulk"],
        },
        "sends_per_day": 400,
    },
    "south": {
        "smtp": {"host": "smtp.south.example", "port": 465, "tls": "implicit"},
        "imap": {"host": "imap.south.example", "port": 993, "tls": "implicit"},
        "sends_per_day": 100,
    },
}
"""Presets of the tests' own, so that a change at a real provider breaks no test of the loader."""

ENVIRON = {"PW": "pass-word", "EMPTY": "", "LINES": "one\ntwo"}

TWO = """\
mailboxes:
  - id: a
    address: a@north.example
    provider: north
    auth: {password: "${PW}"}
  - id: b
    address: b@south.example
    provider: south
    auth: {password: "${PW}"}
"""
"""The shortest config; tests put their own lines behind it."""

Load = Callable[[str], Settings]
Refuse = Callable[[str], list[str]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a text as ``c.yml`` in a directory of its own."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str) -> Settings:
        Path("c.yml").write_text(text, encoding="utf-8")
        return load(Path("c.yml"), ENVIRON, PRESETS)

    return load_text


@pytest.fixture
def refusal(config: Load) -> Refuse:
    """The lines with which a text is refused."""

    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            config(text)
        return str(caught.value).splitlines()

    return refuse


@pytest.fixture
def load_file(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load one of the files beside the tests, by name."""
    monkeypatch.chdir(Path(__file__).parent / "files")
    return lambda name: load(Path(name), ENVIRON, PRESETS)


@pytest.fixture
def two() -> str:
    """The shortest config."""
    return TWO
