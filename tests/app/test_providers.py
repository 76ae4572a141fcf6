"""``mailprobe providers`` says what to create where, and what does not work yet."""

import pytest
from click.testing import CliRunner, Result

from probe.app.providers import OAUTH_ONLY, YOURS
from probe.cli import cli
from probe.providers import presets

NAMES = presets.names()


def asked(*arguments: str, columns: str = "400") -> Result:
    return CliRunner().invoke(cli, ["providers", *arguments], env={"COLUMNS": columns})


def test_without_a_name_every_preset_has_its_line() -> None:
    said = asked()
    assert said.exit_code == 0
    first_words = [line.split()[0] for line in said.output.splitlines() if line.strip()]
    assert [word for word in first_words if word in NAMES] == list(NAMES)


def test_the_list_marks_those_that_cannot_be_used_with_a_password() -> None:
    marked = [line.split()[0] for line in asked().output.splitlines() if "OAuth only" in line]
    assert marked == [name for name in NAMES if not presets.load(name).password_login]
    assert "microsoft365" in marked


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_shown_whole(name: str) -> None:
    said, preset = asked(name), presets.load(name)
    assert said.exit_code == 0
    for note in preset.notes:
        assert note in said.output
    for server in (preset.smtp, preset.imap):
        assert f"{server.host or f'({YOURS})'}, port {server.port}, {server.tls}" in said.output
        assert server.username in said.output
    for folder in (*preset.imap.junk, *preset.imap.sent):
        assert folder in said.output
    assert f"at most {preset.sends_per_day}" in said.output


@pytest.mark.parametrize("name", NAMES)
def test_it_says_so_where_a_password_does_not_work_and_only_there(name: str) -> None:
    assert (OAUTH_ONLY in asked(name).output) is not presets.load(name).password_login


def test_names_of_folders_are_text_and_not_markup() -> None:
    assert "[Gmail]/Spam" in asked("gmail").output


def test_a_narrow_terminal_loses_no_word() -> None:
    words = " ".join(asked("exchange", columns="40").output.split())
    for note in presets.load("exchange").notes:
        assert note in words


def test_a_name_without_a_preset_is_one_line_with_those_that_there_are() -> None:
    said = asked("gmial")
    assert said.exit_code == 2
    (line,) = said.stderr.splitlines()
    assert line.startswith("there is no preset 'gmial'; there are: ")
    assert all(name in line for name in NAMES)
    assert said.stdout == ""
