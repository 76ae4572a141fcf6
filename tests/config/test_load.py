"""The whole way from a file to settings, and from any file to a ConfigError."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.config.load import load
from probe.config.problem import ConfigError
from probe.config.settings import FolderRule, Mechanism, Settings, WebSettings
from probe.core.mailbox import Mailbox

Load = Callable[[str], Settings]


def test_everything_that_is_written_arrives(config: Load, two: str) -> None:
    text = two.replace(
        "  - id: b",
        "    client: Harbour Dental\n"
        "    smtp: {helo: probe.example, timeout: 10s, total_timeout: 1m, connection_idle: 0s,\n"
        "           connection_messages: 7}\n"
        "    imap: {timeout: 11s, poll: 30s, sent: [S1, S2], junk: none}\n"
        "  - id: b",
    ).replace('{password: "${PW}"}', '{password: "${PW}", mechanism: cram-md5}', 1)
    loaded = config(f"msp: Example IT\nweb: {{listen: '[::1]:80'}}\n{text}")
    a = loaded.mailboxes["a"]
    assert loaded.msp == "Example IT"
    assert loaded.web == WebSettings("::1", 80)
    assert a.mailbox == Mailbox("a", "a@north.example", "north", "Harbour Dental")
    assert (a.smtp.helo, a.smtp.mechanism) == ("probe.example", Mechanism.CRAM_MD5)
    assert (a.smtp.endpoint.timeout, a.smtp.total_timeout) == (10, 60)
    assert (a.smtp.connection_idle, a.smtp.connection_messages) == (0, 7)
    assert (a.imap.endpoint.timeout, a.imap.poll) == (11, 30)
    assert a.imap.sent == FolderRule(guesses=("S1", "S2"))
    assert a.imap.junk == FolderRule(absent=True)


def test_what_is_not_written_has_the_settings_own_defaults(config: Load, two: str) -> None:
    loaded = config(two)
    a = loaded.mailboxes["a"]
    plain = Settings(
        path=loaded.path,
        msp="",
        journal=loaded.journal,
        web=WebSettings(),
        retention=type(loaded.retention)(),
        mailboxes=loaded.mailboxes,
        routes=loaded.routes,
    )
    assert loaded == plain
    assert a.smtp.mechanism is None
    assert (a.smtp.total_timeout, a.smtp.connection_idle) == (120, 5)
    assert (a.smtp.connection_messages, a.smtp.endpoint.timeout) == (50, 30)
    assert (a.imap.idle_renewal, a.imap.poll, a.imap.endpoint.timeout) == (240, 60, 30)
    assert a.imap.sent == FolderRule()


def test_mailboxes_are_in_the_order_of_the_file(config: Load, two: str) -> None:
    assert list(config(two.replace("id: a", "id: z")).mailboxes) == ["z", "b"]


def test_the_ehlo_name_is_the_domain_of_the_address(config: Load, two: str) -> None:
    loaded = config(two.replace("a@north.example", "a@Bücher.example"))
    assert loaded.mailboxes["a"].smtp.helo == "xn--bcher-kva.example"
    assert loaded.mailboxes["a"].mailbox.address == "a@xn--bcher-kva.example"


def test_loading_twice_gives_the_same(config: Load, two: str) -> None:
    assert config(two) == config(two)


def test_a_byte_order_mark_is_ignored(config: Load, two: str) -> None:
    assert len(config(f"\ufeff{two}").mailboxes) == 2


def test_windows_line_ends_are_read(config: Load, two: str) -> None:
    assert len(config(two.replace("\n", "\r\n")).mailboxes) == 2


def test_names_of_files_are_relative_to_the_configs_directory(tmp_path: Path, two: str) -> None:
    (tmp_path / "c.yml").write_text(two.replace('password: "${PW}"', "password_file: p", 1))
    (tmp_path / "p").write_text("x")
    hosts = {"smtp": {"host": "h"}, "imap": {"host": "h"}}
    loaded = load(tmp_path / "c.yml", {"PW": "x"}, {"north": hosts, "south": hosts})
    assert loaded.journal == tmp_path / "mailprobe.db"


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    assert caught.value.__context__ is None
    return str(caught.value)


def test_a_config_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    assert (
        refused(file)
        == f"{file}: cannot read the config: No such file or directory: check the path"
    )
    assert (
        refused(tmp_path)
        == f"{tmp_path}: cannot read the config: Is a directory: name the file in it"
    )


def test_a_config_that_is_not_utf_8_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"msp: x\nweb: M\xfcnster\n")
    assert refused(file) == f"{file}:2:7: not UTF-8: save the file as UTF-8"


def test_a_config_of_17_megabytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"#" * (17 << 20))
    assert refused(file).endswith("larger than 16777216 bytes: not a config")


def test_a_nul_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"msp: x\nm\x00\n")
    assert refused(file) == f"{file}:2:2: a control character (U+0000); remove it"


KEYS = st.sampled_from(
    [
        *("msp", "web", "listen", "journal", "path", "defaults", "interval", "delayed_after"),
        *("lost_after", "retention", "mail", "delivered", "others", "mailboxes", "id", "address"),
        *("provider", "client", "auth", "username", "password_file", "password", "mechanism"),
        *("smtp", "imap", "host", "port", "tls", "helo", "ca_file", "timeout", "junk", "sent"),
        *("poll", "routes", "mesh", "list", "from", "to", "sends_per_day", "x"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=8),
    st.sampled_from(["a", "b", "a@b.example", "north", "south", "1h", "auto", "all", "${PW}"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
PORTS = {"smtp": {"host": "h", "port": 25}, "imap": {"host": "h", "port": 143}}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "c.yml"


def check_loads_or_is_refused(file: Path, data: object) -> None:
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    try:
        good = bool(load(file, {"PW": "x"}, {"north": PORTS, "south": PORTS}).routes)
    except ConfigError as exc:
        lines = [str(problem) for problem in exc.problems]
        good = bool(lines) and all("\n" not in line for line in lines)
    assert good


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES)
def test_any_mapping_gives_settings_or_a_config_error(file: Path, data: object) -> None:
    check_loads_or_is_refused(file, data)


GOOD = {
    "mailboxes": [
        {"id": i, "address": f"{i}@x.example", "provider": p, "auth": {"password": "${PW}"}}
        for i, p in (("a", "north"), ("b", "south"))
    ]
}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(KEYS, VALUES), max_size=3), st.sampled_from(["", "0", "auth", "imap"]))
def test_a_good_config_with_anything_put_in_gives_settings_or_a_config_error(
    file: Path, changes: list[tuple[str, object]], where: str
) -> None:
    data = yaml.safe_load(yaml.safe_dump(GOOD))
    target = data if where == "" else data["mailboxes"][0]
    if where in {"auth", "imap"}:
        target = target.setdefault(where, {})
    target.update(changes)
    check_loads_or_is_refused(file, data)
