"""The signing key: made once, kept to ourselves, refused when damaged."""

import stat
from pathlib import Path

import pytest

from probe.journal.errors import JournalUnusableError
from probe.journal.identity import load, load_or_create
from probe.mail.token import SigningKey
from tests.journal.test_store import said_by_child

GOOD = b"0badcafe " + b"0123456789abcdef" * 4 + b"\n"


@pytest.fixture
def key_file(path: Path) -> Path:
    return path.with_name("mailprobe.db.key")


def test_a_key_is_made_once(path: Path, key_file: Path) -> None:
    first, again = load_or_create(path), load_or_create(path)
    assert first.instance == again.instance
    assert first.key.mac(b"x") == again.key.mac(b"x")
    assert [file.name for file in path.parent.iterdir()] == [key_file.name]


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    one, other = load_or_create(tmp_path / "a.db"), load_or_create(tmp_path / "b.db")
    assert one.instance != other.instance
    assert one.key.mac(b"x") != other.key.mac(b"x")


def test_nobody_else_may_read_the_key(path: Path, key_file: Path) -> None:
    load_or_create(path)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_the_key_is_what_the_file_says(path: Path, key_file: Path) -> None:
    key_file.write_bytes(GOOD)
    signer = load_or_create(path)
    assert signer.instance == "0badcafe"
    assert signer.key.mac(b"x") == SigningKey(bytes.fromhex("0123456789abcdef" * 4)).mac(b"x")


@pytest.mark.parametrize(
    "octets",
    [b"", b"\n", GOOD[:-10], GOOD + GOOD, GOOD.upper(), b"\xff\xfe\0\x80" * 30, b"x" * 10_000_000],
    ids=["empty", "blank", "cut", "twice", "upper", "binary", "huge"],
)
def test_a_damaged_key_is_refused_and_left_as_it_is(
    path: Path, key_file: Path, octets: bytes
) -> None:
    key_file.write_bytes(octets)
    with pytest.raises(JournalUnusableError) as caught:
        load_or_create(path)
    assert str(caught.value) == (
        f"{key_file}: not a signing key: put the right file back, or remove it to get a new one "
        "(messages of before will then not be recognised)"
    )
    assert key_file.read_bytes() == octets
    assert load(path) is None


def test_only_looking_makes_nothing(path: Path) -> None:
    assert load(path) is None
    assert list(path.parent.iterdir()) == []


def test_looking_finds_the_key_that_is_there(path: Path) -> None:
    made, found = load_or_create(path), load(path)
    assert found is not None
    assert found.instance == made.instance


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    journal = tmp_path / "none" / "mailprobe.db"
    with pytest.raises(JournalUnusableError, match=r"\.key: No such file or directory: .* make"):
        load_or_create(journal)
    assert load(journal) is None


def test_a_key_that_cannot_be_read_is_told(path: Path, key_file: Path) -> None:
    key_file.mkdir()
    with pytest.raises(JournalUnusableError, match="Is a directory"):
        load_or_create(path)


def test_a_key_that_cannot_be_made_is_told(path: Path) -> None:
    here = path.parent
    before = f"mount --bind {here} {here} && mount -o remount,bind,ro {here}"
    (line,) = said_by_child("key", path, before=before)
    assert line == (
        f"error {path}.key: Read-only file system: the signing key lives there: "
        "make its directory, or let this user read and write it"
    )


def test_a_crash_while_writing_leaves_no_half_key(
    path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", power_cut)
        with pytest.raises(KeyboardInterrupt):
            load_or_create(path)
    assert not key_file.exists()
    assert load_or_create(path).instance
