"""Passwords come from files and the environment, and are never shown."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.config.problem import ConfigError
from probe.config.settings import Settings

Load = Callable[[str], Settings]
Refuse = Callable[[str], list[str]]


def with_file(two: str, name: str) -> str:
    return two.replace('password: "${PW}"', f"password_file: {name}", 1)


def secret_file(octets: bytes, mode: int = 0o600) -> None:
    file = Path("a.password")
    file.write_bytes(octets)
    file.chmod(mode)


def password(settings: Settings) -> str:
    return settings.mailboxes["a"].smtp.endpoint.password.reveal()


@pytest.mark.parametrize("octets", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_a_files_last_line_end_is_not_part_of_the_password(
    config: Load, two: str, octets: bytes
) -> None:
    secret_file(octets)
    assert password(config(with_file(two, "a.password"))) == "s3cret"


def test_spaces_and_letters_beyond_ascii_are_part_of_the_password(config: Load, two: str) -> None:
    secret_file(" pä ss ".encode())
    assert password(config(with_file(two, "a.password"))) == " pä ss "


def test_both_servers_get_the_password(config: Load, two: str) -> None:
    mailbox = config(two).mailboxes["a"]
    assert mailbox.smtp.endpoint.password.reveal() == "pass-word"
    assert mailbox.imap.endpoint.password == mailbox.smtp.endpoint.password


def test_an_absolute_name_is_taken_as_it_is(config: Load, two: str, tmp_path: Path) -> None:
    secret_file(b"s3cret")
    assert password(config(with_file(two, str(tmp_path / "a.password")))) == "s3cret"


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * 4097, "is larger than 4096 bytes"),
        (b"s3cret\nuser", "holds more than one line or control characters"),
        (b"s3c\x00ret", "holds more than one line or control characters"),
        (b"\n", "is empty"),
    ],
)
def test_a_file_that_is_no_password_is_refused_without_quoting_it(
    refusal: Refuse, two: str, octets: bytes, message: str
) -> None:
    secret_file(octets)
    [line] = refusal(with_file(two, "a.password"))
    assert line.startswith("c.yml:5:27: mailboxes.0.auth.password_file: a.password ")
    assert message in line
    assert "s3c" not in line


def test_a_pipe_is_refused_and_not_waited_for(refusal: Refuse, two: str) -> None:
    os.mkfifo("pipe")
    [line] = refusal(with_file(two, "pipe"))
    assert line.endswith("pipe is not a file")


def test_a_name_with_a_nul_is_refused(refusal: Refuse, two: str) -> None:
    [line] = refusal(with_file(two, '"a\\0b"'))
    assert "mailboxes.0.auth.password_file: is not the name of a file" in line


def test_a_file_that_everybody_can_read_is_a_warning(config: Load, two: str) -> None:
    secret_file(b"s3cret", 0o644)
    settings = config(with_file(two, "a.password"))
    assert password(settings) == "s3cret"
    assert settings.warnings == (
        (
            "c.yml:5:27: mailboxes.0.auth.password_file: "
            "every user of this machine can read a.password: chmod o-r a.password"
        ),
    )


def test_one_file_for_two_mailboxes_is_warned_of_once(config: Load, two: str) -> None:
    secret_file(b"s3cret", 0o644)
    text = two.replace('password: "${PW}"', "password_file: a.password")
    assert len(config(text).warnings) == 1


def test_a_file_for_its_group_is_no_warning(config: Load, two: str) -> None:
    secret_file(b"s3cret", 0o640)
    assert config(with_file(two, "a.password")).warnings == ()


def test_the_settings_do_not_print_the_password(config: Load, two: str) -> None:
    assert "pass-word" not in repr(config(two))


@pytest.mark.parametrize(
    "auth",
    [
        "hunter2",
        "[hunter2]",
        "{password: hunter2}",
        "{password: [hunter2]}",
        "{password: {hunter: hunter2}}",
        "{password: !hunter2 x}",
        "{password: *hunter2}",
        "{password: &hunter2 x}",
        "{password: '$hunter2'}",
        "{password: '${hunter2'}",
        "{password: '${PW}hunter2'}",
        "{passwrd: hunter2}",
        "{mechanism: hunter2}",
        "{username: [hunter2]}",
        "{username: '{hunter2}', password: x}",
    ],
)
def test_a_password_in_the_wrong_place_is_in_no_message_and_no_traceback(
    config: Load, two: str, auth: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(two.replace('{password: "${PW}"}', auth, 1))
    assert "mailboxes.0" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems)
    assert "hunter2" not in shown
    assert caught.value.__context__ is None


def test_a_literal_password_is_answered_with_the_two_ways(refusal: Refuse, two: str) -> None:
    [line] = refusal(two.replace('"${PW}"', "hunter2", 1))
    assert "password_file: PATH" in line
    assert "password: ${NAME}" in line
