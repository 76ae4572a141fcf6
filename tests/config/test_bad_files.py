"""One file for each mistake, and beside it exactly what is said of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from probe.config.problem import ConfigError
from probe.config.settings import Settings

FILES = Path(__file__).parent / "files"
NAMES = sorted(file.stem for file in FILES.glob("bad-*.yml"))


def test_every_mistake_has_its_message_and_every_message_its_mistake() -> None:
    assert sorted(file.stem for file in FILES.glob("bad-*.txt")) == NAMES
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_message_says_where_and_what_to_do(
    name: str, load_file: Callable[[str], Settings]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(f"{name}.yml")
    assert f"{caught.value}\n" == (FILES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_no_message_gives_a_password_away(name: str) -> None:
    text = (FILES / f"{name}.txt").read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "12345678" not in text
    assert "pass-word" not in text
