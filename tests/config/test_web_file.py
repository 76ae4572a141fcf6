"""The web config file: what it opens and closes, and what is said where it is wrong."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import trustme

from probe.config import server_tls
from probe.config.problem import ConfigError
from probe.config.protection import ClientAuth, RateLimit, TlsVersion
from probe.config.settings import Settings
from tests.config.conftest import Load, Refuse

HASH = bcrypt.hashpw(b"pass-word", bcrypt.gensalt(10)).decode()
CHEAP = bcrypt.hashpw(b"pass-word", bcrypt.gensalt(4)).decode()

Web = Callable[[str], Settings]


@pytest.fixture
def web(config: Load, two: str) -> Web:
    """Load a config with this web config file."""

    def load(text: str) -> Settings:
        Path("web.yml").write_text(text)
        return config(f"web: {{config_file: web.yml}}\n{two}")

    return load


@pytest.fixture
def said(web: Web) -> Refuse:
    """The lines with which a web config file is refused."""

    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            web(text)
        return str(caught.value).splitlines()

    return refuse


@pytest.fixture
def pair(config: Load) -> trustme.CA:
    """A certificate and its key, cert.pem and key.pem, and their CA, ca.pem."""
    authority = trustme.CA()
    issued = authority.issue_cert("pages.example")
    issued.private_key_pem.write_to_path("key.pem")
    issued.cert_chain_pems[0].write_to_path("cert.pem")
    authority.cert_pem.write_to_path("ca.pem")
    Path("key.pem").chmod(0o600)
    return authority


TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"


def test_without_the_file_nothing_is_locked(config: Load, two: str) -> None:
    assert not config(two).web.protection.closed


def test_an_empty_mapping_is_no_protection(web: Web) -> None:
    assert not web("basic_auth_users: {}\n").web.protection.closed


def test_users_are_hashes_that_do_not_print(web: Web) -> None:
    protection = web(f"basic_auth_users: {{alice: {HASH}}}\n").web.protection
    assert protection.closed
    assert protection.users["alice"].reveal() == HASH
    assert HASH not in repr(protection)


def test_a_certificate_alone_keeps_nobody_out(web: Web, pair: trustme.CA) -> None:
    protection = web(TLS + "}\n").web.protection
    assert not protection.closed
    assert protection.tls is not None
    made = server_tls.context(protection.tls)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2
    assert made.verify_mode is ssl.CERT_NONE


def test_clients_with_certificates_only_is_closed(web: Web, pair: trustme.CA) -> None:
    protection = web(
        TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, "
        "min_version: TLS13}\n"
    ).web.protection
    assert protection.closed
    assert protection.tls is not None
    assert protection.tls.client_auth is ClientAuth.REQUIRED
    assert protection.tls.min_version is TlsVersion.TLS13
    assert server_tls.context(protection.tls).verify_mode is ssl.CERT_REQUIRED


def test_headers_and_pace_are_taken_and_what_has_no_effect_is_no_error(web: Web) -> None:
    protection = web(
        "http_server_config:\n  http2: true\n  headers:\n"
        "    Strict-Transport-Security: max-age=31536000\n    X-Frame-Options: deny\n"
        "    X-XSS-Protection: ''\n"
        "rate_limit: {interval: 100ms, burst: 20}\n"
    ).web.protection
    assert protection.headers == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "deny",
    }
    assert protection.rate_limit == RateLimit(0.1, 20)


def test_the_hashes_of_htpasswd_are_taken(web: Web) -> None:
    assert web(f"basic_auth_users: {{alice: {HASH.replace('$2b$', '$2y$')}}}\n")


NOT_HASHED = "is no bcrypt hash: make one with htpasswd -nBC 10 NAME, and write what follows"
LONELY = "is missing: a certificate and its key go together"
UNCHOSEN = "cannot be chosen here, OpenSSL's own safe list is used: remove it"
USER = "basic_auth_users:\n  alice: "
DEAR = HASH.replace("$10$", "$15$")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("basic_auth_user: {}", "1:1", "basic_auth_user: unknown key; did you mean"),
        ("basic_auth_users: [a]", "1:19", "basic_auth_users: must be a mapping"),
        (USER + "hunter2", "2:10", NOT_HASHED),
        (USER + "12345678", "2:10", "reads as a number or as true or false in YAML"),
        (f"basic_auth_users:\n  'a:b': {HASH}", "2:3", "a user's name has no colon"),
        (USER + DEAR, "2:10", "costs 15, more than 14: a login would take long"),
        ("tls_server_config: {cert_file: cert.pem}", "1:20", f"key_file: {LONELY}"),
        ("tls_server_config: {key_file: key.pem}", "1:20", f"cert_file: {LONELY}"),
        (TLS.replace("key.pem", "gone") + "}", "1:52", "key_file: there is no file gone"),
        (TLS.replace("cert.pem", "web.yml") + "}", "1:32", "web.yml holds no certificate in PEM"),
        (TLS + ", client_ca_file: ca.pem}", "1:20", "client_auth_type: RequireAndVerifyClient"),
        (TLS + ", client_auth_type: RequireAnyClientCert}", "1:79", "is not one of NoClientCert"),
        (TLS + ", min_version: TLS10}", "1:74", "'TLS10' is not one of TLS12, TLS13"),
        (TLS + ", min_version: TLS13, max_version: TLS12}", "1:74", "is above max_version"),
        (TLS + ", cipher_suites: [TLS_AES_128_GCM_SHA256]}", "1:76", UNCHOSEN),
        (TLS + ", curve_preferences: [X25519]}", "1:80", UNCHOSEN),
        (TLS + ", client_allowed_sans: [a]}", "1:82", "is not supported"),
        ("tls_server_config: {key: hunter2}", "1:26", "stands in a file of its own here"),
        ("http_server_config: {headers: {X-Frame-Options: a}}", "1:49", "must be deny or same"),
        (
            "http_server_config: {headers: {Server: x}}",
            "1:32",
            "unknown key; known here: Content-",
        ),
        ("rate_limit: {interval: 1s}", "1:13", "rate_limit.burst: must be at least 1"),
        ("rate_limit: [", "2:1", "not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    said: Refuse, pair: trustme.CA, text: str, place: str, words: str
) -> None:
    [line] = said(text + "\n")
    assert line.startswith(f"web.yml:{place}: ")
    assert words in line
    assert "hunter2" not in line
    assert "12345678" not in line


def test_a_header_of_two_lines_is_refused(said: Refuse) -> None:
    [line] = said('http_server_config: {headers: {X-XSS-Protection: "0\\r\\nSet-Cookie: a"}}\n')
    assert line.endswith("X-XSS-Protection: a header is one line of ASCII")


def test_the_key_of_another_certificate_is_refused(said: Refuse, pair: trustme.CA) -> None:
    trustme.CA().issue_cert("other.example").private_key_pem.write_to_path("other.pem")
    [line] = said(TLS.replace("key.pem", "other.pem") + "}\n")
    assert line.endswith("key_file: other.pem does not belong to the certificate in cert.pem")


def test_an_encrypted_key_is_refused_and_nobody_is_asked(said: Refuse, pair: trustme.CA) -> None:
    subprocess.run(
        [
            "openssl",
            "pkcs8",
            "-topk8",
            "-in",
            "key.pem",
            "-out",
            "locked.pem",
            "-passout",
            "pass:x",
        ],
        check=True,
    )
    [line] = said(TLS.replace("key.pem", "locked.pem") + "}\n")
    assert "tls_server_config.key_file: the key is encrypted" in line


def test_a_file_that_is_not_there_is_told_where_it_is_named(refusal: Refuse, two: str) -> None:
    assert refusal(f"web: {{config_file: gone.yml}}\n{two}") == [
        (
            "c.yml:1:20: web.config_file: gone.yml: cannot read the config: "
            "No such file or directory: check the path"
        )
    ]


def test_mistakes_of_both_files_are_told_together(refusal: Refuse, two: str) -> None:
    Path("web.yml").write_text("a: 1\nb: 2\n")
    lines = refusal(f"web: {{config_file: web.yml, listen: x}}\n{two}")
    assert [line.partition(" ")[0] for line in lines] == ["c.yml:1:37:"]
    lines = refusal(f"web: {{config_file: web.yml}}\ndefaults: {{interval: 1}}\n{two}")
    assert [line.partition(" ")[0] for line in lines] == [
        "c.yml:2:22:", "web.yml:1:1:", "web.yml:2:1:",
    ]  # fmt: skip


# --- warnings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["127.0.0.1:9925", "'[::1]:9925'", "localhost:0"])
def test_on_this_machine_only_nothing_need_be_locked(config: Load, two: str, listen: str) -> None:
    assert config(f"web: {{listen: {listen}}}\n{two}").warnings == ()


@pytest.mark.parametrize("listen", ["0.0.0.0:9925", "'[::]:9925'", "192.0.2.1:1", "pages:9925"])
def test_open_to_the_network_and_not_locked_is_a_warning(
    config: Load, two: str, listen: str
) -> None:
    [line] = config(f"web: {{listen: {listen}}}\n{two}").warnings
    assert line.startswith("c.yml:1:15: web.listen: everybody who reaches ")


def test_users_without_tls_beyond_this_machine_are_a_warning(config: Load, two: str) -> None:
    Path("web.yml").write_text(f"basic_auth_users: {{alice: {HASH}}}\n")
    [line] = config(f"web: {{listen: '0.0.0.0:1', config_file: web.yml}}\n{two}").warnings
    assert "passwords cross the network in the clear" in line


def test_a_cheap_hash_and_a_readable_key_are_warnings(web: Web, pair: trustme.CA) -> None:
    Path("key.pem").chmod(0o644)
    lines = web(f"{TLS}}}\nbasic_auth_users: {{alice: {CHEAP}}}\n").warnings
    assert [line.partition(": ")[0] for line in lines] == ["web.yml:1:52", "web.yml:2:27"]
