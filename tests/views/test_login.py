"""Who is known, and what it costs to find out."""

import asyncio
import base64

import bcrypt
import pytest

from probe.config.secret import Secret
from probe.views import login
from probe.views.login import BusyError, Login, credentials
from tests.views.locked import HASH, PASSWORD


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (basic(b"alice:a:b"), ("alice", b"a:b")),
        (basic("zoë:ü".encode()), ("zoë", "ü".encode())),
        (basic(b"alice:").replace("Basic", "bASIC"), ("alice", b"")),
        (basic(b"alice"), None),
        (basic(b"\xff:x"), None),
        (basic(b"a:" + b"x" * 5000), None),
        ("Basic !!!", None),
        ("Bearer abc", None),
        ("", None),
    ],
)
def test_the_header_is_read(header: str, found: tuple[str, bytes] | None) -> None:
    assert credentials(header) == found


async def test_a_right_password_is_remembered_and_a_wrong_one_is_not() -> None:
    known = Login({"alice": HASH})
    assert not known.remembered("alice", PASSWORD.encode())
    assert await known.verify("alice", PASSWORD.encode())
    assert known.remembered("alice", PASSWORD.encode())
    assert not await known.verify("alice", b"wrong")
    assert not known.remembered("alice", b"wrong")
    assert known.remembered("alice", PASSWORD.encode())
    assert PASSWORD.encode() not in repr(vars(known)).encode()


async def test_a_stranger_is_hashed_for_like_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    dear = Secret(bcrypt.hashpw(b"x", bcrypt.gensalt(5)).decode())
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def watched(password: bytes, hashed: bytes) -> bool:
        asked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", watched)
    known = Login({"alice": HASH, "bob": dear})
    assert not await known.verify("mallory", b"x")  # right for bob, and still a stranger
    assert not known.remembered("mallory", b"x")
    assert asked == [dear.reveal().encode()]


async def test_a_password_beyond_72_octets_is_cut_as_htpasswd_cuts_it() -> None:
    long = b"p" * 72
    hashed = Secret(bcrypt.hashpw(long, bcrypt.gensalt(4)).decode())
    assert await Login({"alice": hashed}).verify("alice", long + b"more")


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "WAITING", 2)
    known = Login({"alice": HASH})
    async with asyncio.timeout(20):
        answers = await asyncio.gather(
            *(known.verify("alice", PASSWORD.encode()) for _ in range(3)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [bool, bool, BusyError]
    assert await known.verify("alice", PASSWORD.encode())
