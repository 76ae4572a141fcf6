"""Every preset is complete, honest about itself, and fit for the config."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from probe.config.duration import parse
from probe.config.load import load as load_config
from probe.config.settings import FolderRule, Tls
from probe.providers import presets

FOLDER = Path(presets.__file__).parent
NAMES = presets.names()
WITH_HOSTS = [name for name in NAMES if presets.load(name).smtp.host]


def test_the_promised_presets_are_there() -> None:
    promised = (
        "generic gmail google-workspace microsoft365 outlook exchange att telus yahoo aol icloud "
        "fastmail zoho godaddy titan rackspace ionos proton"
    )
    assert set(promised.split()) == set(NAMES)
    assert list(NAMES) == sorted(NAMES)


def test_a_preset_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="gmial"):
        presets.load("gmial")


@pytest.mark.parametrize("name", ["../presets", "", "gmail.yml", "/etc/passwd"])
def test_a_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(KeyError):
        presets.load(name)


def test_a_preset_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(presets.load("gmail"), "sends_per_day", 9999)  # noqa: B010 - mypy refuses the plain form


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_has_its_trust_mark(name: str) -> None:
    lines = (FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    facts = re.compile(r"^  (host|port|idle_renewal): |^sends_per_day: |^password_login: ")
    mark = re.compile(r"# ([VO2UD]\b|RFC \d+|inferred from \w+)")
    unmarked = [line for line in lines if facts.match(line) and not mark.search(line)]
    assert unmarked == []


@pytest.mark.parametrize("name", NAMES)
def test_idle_is_renewed_before_any_provider_was_seen_to_drop_it(name: str) -> None:
    renewal = parse(presets.load(name).imap.idle_renewal)
    limit = 300 if name in {"aol", "yahoo", "att", "generic"} else 540
    assert 60 <= renewal < limit


@pytest.mark.parametrize(
    ("name", "limit"),
    [("gmail", 500), ("google-workspace", 2000), ("yahoo", 500), ("icloud", 1000)],
)
def test_the_budget_leaves_the_owner_a_third_of_a_known_limit(name: str, limit: int) -> None:
    assert presets.load(name).sends_per_day <= limit * 2 / 3


@pytest.mark.parametrize("name", NAMES)
def test_ports_go_with_their_tls(name: str) -> None:
    usual = {465: "implicit", 993: "implicit", 587: "starttls", 1025: "starttls", 1143: "starttls"}
    preset = presets.load(name)
    for server in (preset.smtp, preset.imap):
        assert server.tls == usual[server.port]


@pytest.mark.parametrize("name", NAMES)
def test_the_notes_are_sentences_for_people(name: str) -> None:
    for note in presets.load(name).notes:
        assert note[0].isupper()
        assert note.endswith(".")


@pytest.mark.parametrize("name", ["microsoft365", "outlook"])
def test_where_only_oauth_works_the_preset_says_so(name: str) -> None:
    preset = presets.load(name)
    assert preset.password_login is False
    assert "OAuth" in " ".join(preset.notes)
    assert "cannot do yet" in " ".join(preset.notes)


def config_with(directory: Path, name: str, own: str = "") -> Path:
    file = directory / "c.yml"
    file.write_text(
        "mailboxes:\n"
        f"  - {{id: a, address: a@x.example, provider: {name}, "
        f"auth: {{password: '${{PW}}'}}{own}}}\n"
        "  - {id: b, address: b@y.example, provider: other, auth: {password: '${PW}'},\n"
        "     smtp: {host: y.example}, imap: {host: y.example}}\n"
    )
    return file


@pytest.mark.parametrize("name", WITH_HOSTS)
def test_the_config_takes_the_preset_as_it_is(name: str, tmp_path: Path) -> None:
    loaded = load_config(config_with(tmp_path, name), {"PW": "x"}, presets.defaults())
    preset, mailbox = presets.load(name), loaded.mailboxes["a"]
    smtp, imap = mailbox.smtp.endpoint, mailbox.imap.endpoint
    assert (smtp.host, smtp.port, smtp.tls) == (
        preset.smtp.host,
        preset.smtp.port,
        Tls(preset.smtp.tls),
    )
    assert (imap.host, imap.port) == (preset.imap.host, preset.imap.port)
    assert mailbox.imap.junk == FolderRule(guesses=tuple(preset.imap.junk))
    assert mailbox.imap.sent == FolderRule(guesses=tuple(preset.imap.sent))
    assert mailbox.sends_per_day == preset.sends_per_day
    assert loaded.warnings == ()


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(WITH_HOSTS)))
def test_a_preset_without_hosts_takes_the_mailboxs(name: str, tmp_path: Path) -> None:
    file = config_with(tmp_path, name, ", smtp: {host: s.example}, imap: {host: i.example}")
    loaded = load_config(file, {"PW": "x"}, presets.defaults())
    assert loaded.mailboxes["a"].smtp.endpoint.port == presets.load(name).smtp.port


def test_icloud_wants_the_address_to_send_and_the_local_part_to_read(tmp_path: Path) -> None:
    loaded = load_config(config_with(tmp_path, "icloud"), {"PW": "x"}, presets.defaults())
    mailbox = loaded.mailboxes["a"]
    assert mailbox.smtp.endpoint.username == "a@x.example"
    assert mailbox.imap.endpoint.username == "a"


def test_presets_are_part_of_the_package() -> None:
    pyproject = (FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"providers/*.yml"' in pyproject
