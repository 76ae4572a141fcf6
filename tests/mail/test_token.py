"""The signed token: round trip, forgery, and finding it again in what servers make of it."""

import pickle
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.mail.token import (
    MAX_CANDIDATES,
    Forged,
    SigningKey,
    Stranger,
    Token,
    candidates,
    decode,
    encode,
    probe_id,
    route_digest,
)

KEY = SigningKey(b"a key for tests, 32 octets long.")
OTHER_KEY = SigningKey(b"another key, of thirty-two octets")
INSTANCE = "0badcafe"

tokens = st.builds(
    Token,
    instance=st.just(INSTANCE),
    route=st.binary(min_size=4, max_size=4),
    probe=st.binary(min_size=10, max_size=10).map(probe_id),
    sent_at=st.integers(0, 2**55).map(lambda micros: micros / 1_000_000),
)
TOKEN = Token(INSTANCE, route_digest("a", "b"), probe_id(b"0123456789"), 1_750_000_000.123456)
TEXT = encode(TOKEN, KEY)


@given(tokens)
def test_what_is_written_is_read_again(token: Token) -> None:
    read = decode(encode(token, KEY), instance=INSTANCE, key=KEY)

    assert isinstance(read, Token)
    assert (read.instance, read.route, read.probe) == (token.instance, token.route, token.probe)
    assert abs(read.sent_at - token.sent_at) < 2e-6


def test_it_fits_the_local_part_of_a_message_id() -> None:
    assert len(TEXT) <= 64  # RFC 5321 §4.5.3.1.1


@given(st.integers(3, len(TEXT) - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_any_changed_character_is_not_ours(place: int, letter: str) -> None:
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    read = decode(changed, instance=INSTANCE, key=KEY)

    assert isinstance(read, Token) == (changed == TEXT)


def test_a_signature_by_another_key_is_forged() -> None:
    assert isinstance(decode(TEXT, instance=INSTANCE, key=OTHER_KEY), Forged)


def test_another_instances_token_is_a_strangers() -> None:
    assert decode(TEXT, instance="deadbeef", key=OTHER_KEY) == Stranger(INSTANCE)


@pytest.mark.parametrize(
    "around",
    [
        "Message-ID: <{}@north.test>",
        "Subject: mailprobe {}",
        "Subject: [EXTERNAL] Undeliverable: mailprobe {}",
        "> > Subject: mailprobe {}",
        "x-mailprobe-token:{}\r\nTo: somebody",
        '"{}"',
        "<td>{}</td>",
    ],
)
def test_it_is_found_wherever_it_is_quoted(around: str) -> None:
    assert list(candidates(around.format(TEXT))) == [TEXT]


def test_it_is_found_in_capitals() -> None:
    assert list(candidates(TEXT.upper())) == [TEXT]


def test_it_is_found_across_soft_line_breaks() -> None:
    for indent in range(80):
        encoded = quopri.encodestring(f"{' ' * indent}é {TEXT}".encode()).decode()
        assert TEXT in candidates(encoded), encoded
        assert TEXT in candidates(encoded.replace("\n", "\r\n"))


@pytest.mark.parametrize("junk", ["", "mp1", "mp1short", f"a{TEXT}", f"{TEXT}7", "MP1" + "1" * 60])
def test_what_only_resembles_one_is_not_found(junk: str) -> None:
    assert list(candidates(junk)) == []


def test_a_flood_of_tokens_is_cut() -> None:
    letters = str.maketrans("0123456789", "abcdefghij")
    flood = " ".join("mp1" + f"{n:060d}".translate(letters) for n in range(9000))

    assert len(list(candidates(flood))) == MAX_CANDIDATES


@given(st.text(alphabet="mp1abcz234567= \r\n<>@", max_size=300))
def test_no_text_makes_it_raise(text: str) -> None:
    for candidate in candidates(text):
        decode(candidate, instance=INSTANCE, key=KEY)


def test_the_key_does_not_print_nor_pickle() -> None:
    assert "octets" not in f"{KEY} {KEY!r}"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 octets"):
        SigningKey(b"short")


def test_fields_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="octets"):
        encode(Token("0badcafe00", TOKEN.route, TOKEN.probe, TOKEN.sent_at), KEY)
    with pytest.raises(ValueError, match="not base32"):
        encode(Token(INSTANCE, TOKEN.route, "not an id", TOKEN.sent_at), KEY)
    with pytest.raises(ValueError, match="ten octets"):
        probe_id(b"123")


def test_routes_of_different_mailboxes_differ() -> None:
    assert route_digest("a", "b") != route_digest("b", "a")
    assert route_digest("ab", "c") != route_digest("a", "bc")
