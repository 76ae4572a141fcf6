"""The world's certificates, as the strictest client sees them."""

import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from probe.demo import trust

NOON = dt.datetime(2026, 3, 4, 12, 0, tzinfo=dt.UTC)


def shake_hands(trusted: trust.Trust, name: str, ca_file: Path) -> None:
    """A TLS handshake in memory, with RFC 5280 taken by the letter, on the day of the world."""
    strict = ssl.create_default_context(cafile=ca_file)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = strict.wrap_bio(to_client, to_server, server_hostname=name)
    server = trusted.server.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.fixture
def today() -> dt.datetime:
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - OpenSSL compares with the real day


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "smtp.northmail.test"])
def test_a_strict_client_trusts_each_name_of_the_servers(
    tmp_path: Path, today: dt.datetime, name: str
) -> None:
    trusted = trust.found(tmp_path, ["smtp.northmail.test"], today)
    shake_hands(trusted, name, trusted.ca_file)


def test_another_name_is_not_trusted(tmp_path: Path, today: dt.datetime) -> None:
    trusted = trust.found(tmp_path, ["smtp.northmail.test"], today)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(trusted, "smtp.elsewhere.test", trusted.ca_file)


def test_another_world_s_authority_is_not_trusted(tmp_path: Path, today: dt.datetime) -> None:
    worlds = [tmp_path / "one", tmp_path / "two"]
    for each in worlds:
        each.mkdir()
    one, two = (trust.found(each, [], today) for each in worlds)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(one, "localhost", two.ca_file)


def test_the_authority_s_key_is_written_nowhere(tmp_path: Path) -> None:
    trusted = trust.found(tmp_path, [], NOON)
    assert b"PRIVATE KEY" not in trusted.ca_file.read_bytes()
    assert (tmp_path / "server.pem").read_bytes().count(b"BEGIN PRIVATE KEY") == 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_certificates_are_dated_by_the_clock_that_was_given(tmp_path: Path) -> None:
    trusted = trust.found(tmp_path, [], NOON)
    authority = x509.load_pem_x509_certificate(trusted.ca_file.read_bytes())
    assert authority.not_valid_before_utc < NOON < authority.not_valid_after_utc
    assert authority.not_valid_after_utc - NOON == dt.timedelta(days=30)
