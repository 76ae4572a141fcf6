"""The configs that we publish work, whole and with every key switched on."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from probe.config.load import load
from probe.config.settings import Settings
from probe.providers import presets

PUBLISHED = Path(__file__).parents[2] / "config"
SECRETS = ("gmail-probe.password", "icloud-probe.password", "secrets/gmail-probe")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where an operator would have put the files that the examples name."""
    (tmp_path / "secrets").mkdir()
    for name in (*SECRETS, "secrets/harbour-office", "harbour-ca.pem"):
        (tmp_path / name).write_text("x1\n")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "web.yml").write_text("basic_auth_users: {}\n")
    return tmp_path


def load_copy(name: str, place: Path, text: str | None = None) -> Settings:
    copy = place / name
    shutil.copy(PUBLISHED / name, copy)
    if text is not None:
        copy.write_text(text)
    return load(copy, {"ICLOUD_PROBE_PASSWORD": "x2"}, presets.defaults())


def switched_on(text: str) -> str:
    """``#key: value`` becomes ``key: value``; ``# prose`` stays."""
    return re.sub(r"^(\s*)#(?=[a-z_]+:)", r"\1", text, flags=re.MULTILINE)


def test_the_minimal_config_sends_both_ways(place: Path) -> None:
    settings = load_copy("minimal.yml", place)
    assert [route.pair for route in settings.routes] == [
        ("gmail-probe", "icloud-probe"),
        ("icloud-probe", "gmail-probe"),
    ]
    assert settings.warnings == ()


def test_the_minimal_config_has_nothing_that_could_be_left_out() -> None:
    lines = (PUBLISHED / "minimal.yml").read_text().splitlines()
    assert sum(1 for line in lines if line.strip() and not line.startswith("#")) == 9


def test_the_example_loads_and_meshes_three_providers(place: Path) -> None:
    settings = load_copy("example.yml", place)
    assert len(settings.mailboxes) == 3
    assert len(settings.routes) == 6
    listed = next(r for r in settings.routes if r.pair == ("gmail-probe", "harbour-office"))
    assert (listed.interval, listed.delayed_after, listed.lost_after) == (600, 180, 1800)
    assert settings.warnings == ()


def test_the_example_loads_with_every_key_switched_on(place: Path) -> None:
    text = switched_on((PUBLISHED / "example.yml").read_text())
    office = load_copy("example.yml", place, text).mailboxes["harbour-office"]
    assert office.smtp.endpoint.ca_file == place / "harbour-ca.pem"
    assert office.imap.endpoint.username == "probe"


def test_the_pages_config_is_the_minimal_one() -> None:
    page = (PUBLISHED.parent / "docs" / "config.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert block
    assert yaml.safe_load(block[1]) == yaml.safe_load((PUBLISHED / "minimal.yml").read_text())


def test_the_pages_errors_are_what_is_said() -> None:
    page = (PUBLISHED.parent / "docs" / "config.md").read_text(encoding="utf-8")
    shown = re.findall(r"^config\.yml:[0-9:]+ (.*)$", page, re.MULTILINE)
    said = {
        line.partition(" ")[2]
        for file in (Path(__file__).parent / "files").glob("bad-*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
    }
    assert len(shown) == 4
    assert set(shown) <= said
