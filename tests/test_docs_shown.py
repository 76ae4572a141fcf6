"""Every command, config and query that the documentation shows works as it stands there."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from probe.cli import cli
from probe.config.load import load
from probe.config.model import ConfigFile
from probe.demo.scenarios import SCENARIOS
from probe.providers import presets
from tests.pages import ROOT, Block, Page, page, pages

PAGES = pages()
BLOCKS = [block for each in PAGES for block in each.blocks]
SHELL = [block for block in BLOCKS if block.language == "sh"]
YAML = [block for block in BLOCKS if block.language == "yaml"]
PROMQL = [block for block in BLOCKS if block.language == "promql"]


def by_name(each: Page) -> str:
    return each.name


def by_place(block: Block) -> str:
    return block.place


# --- commands --------------------------------------------------------------------------


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each call of mailprobe in a shell text."""
    for line in text.replace("\\\n", " ").splitlines():
        for words in _simple_commands(line):
            program = _program(words)
            if program is not None and program + 1 < len(words):
                yield words[program + 1 :]


def _simple_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;()<>"):
            yield words
            words = []
        else:
            words.append(word)


def _program(words: list[str]) -> int | None:
    """Where mailprobe stands: first, or as the image or the program that docker runs."""
    if words[:2] in (["docker", "run"], ["docker", "exec"]):
        found = [i for i, word in enumerate(words) if word == "mailprobe"]
        return found[-1] if found else None
    is_ours = bool(words) and words[0].rpartition("/")[2] == "mailprobe"
    return 0 if is_ours else None


def parse_call(arguments: list[str], *, whole: bool) -> None:
    """Have click read a call as it would read it for real, without doing it."""
    name, *rest = arguments
    command = cli if name.startswith("-") else cli.commands.get(name)
    assert command is not None or name == "COMMAND", f"no such command: {name}"
    if command is None:
        return
    try:
        with command.make_context(name, rest if command is not cli else arguments) as context:
            scenario = context.params.get("scenario")
            assert scenario in {None, "NAME", *SCENARIOS}, f"no such scenario: {scenario}"
    except click.exceptions.Exit:
        return  # --help, --version
    except click.MissingParameter:
        assert not whole, f"incomplete: {arguments}"


def test_the_reader_of_commands_sees_what_a_shell_sees() -> None:
    text = (
        ".venv/bin/mailprobe once c.yml \\\n --json | jq .   # mailprobe nothing\n"
        "docker run -v mailprobe:/x mailprobe demo\n"
        "systemctl reload mailprobe\n"
    )
    assert list(commands(text)) == [["once", "c.yml", "--json"], ["demo"]]


@pytest.mark.parametrize("wrong", ["runn c.yml", "run c.yml --fast", "once", "demo --port x"])
def test_a_wrong_call_is_seen(wrong: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse_call(wrong.split(), whole=True)


@pytest.mark.parametrize("block", SHELL, ids=by_place)
def test_every_command_in_a_block_can_be_typed(block: Block) -> None:
    for call in commands(block.text):
        parse_call(call, whole=True)


@pytest.mark.parametrize("each", PAGES, ids=by_name)
def test_every_command_in_running_text_exists(each: Page) -> None:
    for span in each.spans:
        if re.match(r"(\S*/)?mailprobe [a-zA-Z-]", span) and "mp1" not in span:
            parse_call(shlex.split(span)[1:], whole=False)


def test_every_command_and_every_option_is_explained() -> None:
    rows = dict(page("docs/operate.md").rows("command", "does"))
    explained = {row.split()[1].strip("`"): row + rows[row] for row in rows}
    assert explained.keys() == cli.commands.keys()
    for name, command in cli.commands.items():
        options = [p.opts[0] for p in command.params if isinstance(p, click.Option)]
        assert [o for o in options if f"`{o}" not in explained[name]] == [], name


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    texts = [block.text for block in SHELL] + [span for each in PAGES for span in each.spans]
    named = {
        name
        for text in texts
        for name in re.findall(r"(?:^|\s)make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"demo", "test"} <= named <= targets


# --- configs ---------------------------------------------------------------------------

SECTIONS = set(ConfigFile.model_fields)
OTHERS = {"scrape_configs"}
"""Top-level keys of other programs' files."""


@pytest.mark.parametrize("block", YAML, ids=by_place)
def test_every_config_loads_and_every_fragment_fits_into_one(block: Block, tmp_path: Path) -> None:
    shown = yaml.safe_load(block.text.replace("/var/lib/mailprobe", str(tmp_path)))
    if shown.keys() <= OTHERS:
        return  # not ours; promtool judges it below
    assert shown.keys() <= SECTIONS, block.place
    whole = yaml.safe_load((ROOT / "config" / "minimal.yml").read_text(encoding="utf-8"))
    mailboxes = {box["id"]: box for box in [*whole["mailboxes"], *shown.get("mailboxes", [])]}
    for box in mailboxes.values():
        secret = tmp_path / box["auth"]["password_file"]
        secret.write_text("x\n")
        secret.chmod(0o600)
    file = tmp_path / "config.yml"
    file.write_text(yaml.safe_dump(whole | shown | {"mailboxes": list(mailboxes.values())}))
    settings = load(file, {}, presets.defaults())
    # In a container the page listens everywhere, and the engine keeps it on the machine.
    assert [w for w in settings.warnings if "web.listen" not in w] == []
    assert set(mailboxes) == set(settings.mailboxes)


def test_the_readme_shows_the_minimal_config() -> None:
    (block,) = [b for b in YAML if b.page == "README.md" and "mailboxes" in b.text]
    minimal = (ROOT / "config" / "minimal.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(block.text) == yaml.safe_load(minimal)


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: run `make lab-packages`")
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", [b for b in YAML if "scrape_configs" in b.text], ids=by_place)
def test_prometheus_takes_what_is_shown_for_it(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(block.text)
    promtool("check", "config", str(file))


@pytest.mark.parametrize("block", PROMQL, ids=by_place)
def test_prometheus_understands_every_query(block: Block, tmp_path: Path) -> None:
    queries = [q for q in re.split(r"\n{2,}", block.text) if q.strip()]
    rules = [{"alert": f"query{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "docs", "rules": rules}]}))
    promtool("check", "rules", str(file))
