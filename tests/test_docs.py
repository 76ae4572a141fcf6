"""What the documentation names exists, and what it must name is there."""

import ast
import importlib
import re
import tomllib
from typing import TypeGuard

import pytest

from probe.config.duration import parse
from probe.core.facts import LEGAL, Phase
from probe.core.lifecycle import RULES
from probe.core.outcome import Outcome
from tests.pages import ROOT, Page, bare, page, pages

PAGES = pages()
OPERATE, OUTCOMES, DEVELOP = (page(f"docs/{n}.md") for n in ("operate", "outcomes", "develop"))

PICTURE_LIMIT = 150_000
"""Octets: a page with pictures should open at once on a bad line."""

LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def by_name(each: Page) -> str:
    return each.name


# --- links, pictures, paths ------------------------------------------------------------


@pytest.mark.parametrize("each", PAGES, ids=by_name)
def test_every_link_leads_somewhere(each: Page) -> None:
    for link in each.links:
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (each.path.parent / file).resolve() if file else each.path
        assert target.exists(), f"{each.name}: {link}: no such file"
        assert target.is_relative_to(ROOT), f"{each.name}: {link} leaves the repository"
        if anchor:
            assert anchor in Page(target).anchors, f"{each.name}: {link}: no such heading"


def test_every_page_of_the_documentation_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in page("README.md").links}
    assert {each.name for each in PAGES if each.name.startswith("docs/")} <= linked


def test_pictures_are_used_and_small() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    shown = {(each.path.parent / link).resolve() for each in PAGES for link in each.links}
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < PICTURE_LIMIT
        assert picture in shown


def test_the_readme_is_short() -> None:
    assert len(page("README.md").text.splitlines()) <= 200


@pytest.mark.parametrize("each", PAGES, ids=by_name)
def test_no_page_names_a_path_of_the_machine_that_it_was_written_on(each: Page) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|root|tmp|home|Users)\b", each.text) == []
    assert str(ROOT) not in each.text


# --- names -----------------------------------------------------------------------------


def config_keys() -> set[str]:
    """As docs/config.md has them, which tests/config holds to the schema; short forms too."""
    rows = page("docs/config.md").rows("key", "default", "meaning")
    whole = {bare(row[0]).replace("[]", "") for row in rows}
    return whole | {key.partition(".")[2] for key in whole}


def log_events() -> set[str]:
    """Every first argument of a log call."""
    found: set[str] = set()
    for path in (ROOT / "probe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if _is_log_call(node):
                found |= {str(c.value) for c in ast.walk(node.args[0]) if _is_constant(c)}
    return {name for name in found if re.fullmatch(r"[a-z_]+\.[a-z_]+", name)}


def _is_log_call(node: ast.AST) -> TypeGuard[ast.Call]:
    called = node.func if isinstance(node, ast.Call) and node.args else None
    return isinstance(called, ast.Attribute) and called.attr in LOG_METHODS


def _is_constant(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant)


def sentences() -> list[str]:
    """Every text in the source; what is filled in is FILE, HOST, a number: here a dot."""
    found: list[str] = []
    for path in (ROOT / "probe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(str(p.value) if _is_constant(p) else "." for p in node.values)
                )
            elif _is_constant(node):
                found.append(str(node.value))
    return found


def metrics() -> set[str]:
    """As docs/metrics.md has them, which tests/views holds to the code."""
    rows = page("docs/metrics.md").rows("metric", "type", "labels", "meaning")
    return {bare(row[0]) for row in rows}


DOTTED = re.compile(r"[a-z_]+(\.[a-z_]+)+")
FILES = re.compile(r"\.(md|py|yml|db|toml|test|now|time)$|^mailprobe\.db")


FOR_USERS = [each for each in PAGES if not each.name.startswith("tests/")]


@pytest.mark.parametrize("each", FOR_USERS, ids=by_name)
def test_a_dotted_name_is_a_config_key_or_a_log_event(each: Page) -> None:
    named = {span.partition(":")[0] for span in each.spans}
    dotted = {name for name in named if DOTTED.fullmatch(name) and not FILES.search(name)}
    assert dotted - config_keys() - log_events() == set()


def test_every_log_event_is_explained_once() -> None:
    explained = [bare(row[0]) for row in OPERATE.rows("event", "level", "means", "do")]
    assert sorted(explained) == sorted(log_events())


def test_every_complaint_that_is_explained_is_made_somewhere() -> None:
    said = "\n".join(sentences())
    rows = page("docs/start.md").rows("what you see", "what it means", "what to do")
    phrases = [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row[0])]
    assert phrases
    made = [re.sub(r"\b(FILE|HOST|[0-9]+)\b", ".", phrase) for phrase in phrases]
    assert [phrase for phrase in made if phrase not in said] == []


@pytest.mark.parametrize("each", PAGES, ids=by_name)
def test_every_metric_exists(each: Page) -> None:
    named = set(re.findall(r"\bmailprobe_[a-z_]+", each.text)) - {"mailprobe_"}
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert bases <= metrics()


@pytest.mark.parametrize("each", PAGES, ids=by_name)
def test_every_source_file_that_is_named_exists(each: Page) -> None:
    named = {s for s in each.spans if re.fullmatch(r"(probe|tests|config|docs|tools)/[\w./-]+", s)}
    assert {name for name in named if not (ROOT / name).exists()} - {
        "probe/providers/NAME.yml"
    } == set()


def test_the_rooms_are_all_in_the_house() -> None:
    rows = DEVELOP.rows("room", "is", "open it to see")
    rooms = {path.name for path in (ROOT / "probe").iterdir() if (path / "__init__.py").exists()}
    assert {bare(row[0]).removeprefix("probe/") for row in rows} == rooms
    for room, _, files in rows:
        for file in re.findall(r"`([\w/]+\.py)`", files):
            assert (ROOT / bare(room) / file).exists(), f"{room}: {file}"


def test_the_picture_of_the_layers_is_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    (drawn,) = [b.text for b in DEVELOP.blocks if b.text.startswith("__main__")]
    assert [line.partition("  ")[0] for line in drawn.splitlines()] == layers


# --- outcomes --------------------------------------------------------------------------


def test_every_outcome_has_its_section_its_row_and_no_other() -> None:
    headings = re.findall(r"^## (\w+)$", OUTCOMES.prose, re.MULTILINE)
    rows = OUTCOMES.rows("outcome", "in a sentence", "first look at")
    assert headings == [outcome.value for outcome in Outcome]
    assert [re.sub(r"\[(\w+)\].*", r"\1", row[0]) for row in rows] == headings


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_says_what_it_means_what_decided_it_and_what_to_do(outcome: Outcome) -> None:
    section = OUTCOMES.prose.split(f"\n## {outcome}\n")[1].split("\n## ")[0]
    for part in ("**Means:**", "**Decided by:**", "**Next:**"):
        assert part in section


def test_the_table_of_rules_is_the_table_in_the_code() -> None:
    said = [tuple(row[:3]) for row in OUTCOMES.rows("rule", "outcome", "final", "holds when")]
    done = [(r.name, r.outcome or "none yet", "yes" if r.final else "no") for r in RULES]
    assert said == done


def test_the_table_of_facts_is_what_may_follow_in_the_code() -> None:
    rows = OUTCOMES.rows("fact", "says", "while submitting", "afterwards")
    said = [{row[0] for row in rows if row[i].startswith("yes")} for i in (2, 3)]
    done = [{t.__name__.lower() for t in LEGAL[p]} for p in (Phase.OPEN, Phase.SUBMITTED)]
    assert said == done
    ends = {row[0] for row in rows if row[2] == "yes, ends it"}
    assert ends == said[0] - said[1]


# --- limits and dependencies -----------------------------------------------------------


@pytest.mark.parametrize("row", OPERATE.rows("limit", "value", "set in"), ids=lambda row: row[0])
def test_every_limit_is_the_one_in_the_code(row: list[str]) -> None:
    file, name = re.fullmatch(r"`(.+)\.py` `(\w+)`", row[2]).groups()  # type: ignore[union-attr]  # a mismatch fails here
    number = getattr(importlib.import_module(file.replace("/", ".")), name)
    said = int(row[1]) if row[1].isdigit() else parse(row[1])
    assert said == number


def dependencies() -> dict[str, set[str]]:
    """By group: none for all, demo, dev."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    names = {g: {re.split(r"[^\w-]", d)[0] for d in found} for g, found in groups.items()}
    return {group: found - {"mailprobe"} for group, found in names.items()}


def test_every_dependency_has_a_licence_and_a_reason() -> None:
    tables = [rows for head, *rows in DEVELOP.tables() if head == ["package", "licence", "why"]]
    assert [{row[0] for row in rows} for rows in tables] == list(dependencies().values())
    for package, licence, reason in [row for rows in tables for row in rows]:
        assert licence, package
        assert len(reason.split()) >= 3, package
