"""The published schema agrees with the loader, and the page with both."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from probe.config import duration
from probe.config.schema import json_schema

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()


def keys(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the grammar by its path, lists as ``[]``."""
    for name, entry in schema.get("properties", {}).items():
        yield f"{prefix}{name}", entry
        inner = entry.get("items", entry)
        suffix = "[]." if "items" in entry else "."
        if "$ref" in inner:
            definition = SCHEMA["$defs"][inner["$ref"].rpartition("/")[2]]
            yield from keys(definition, f"{prefix}{name}{suffix}")


KEYS = dict(keys(SCHEMA))


def test_the_schema_is_a_schema_of_its_dialect() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["example.yml", "minimal.yml"])
def test_the_published_configs_are_valid_by_the_schema(name: str) -> None:
    data = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
    assert [e.message for e in Draft202012Validator(SCHEMA).iter_errors(data)] == []


BAD = ["unknown-key", "missing-keys", "port-range", "duration-no-unit", "id", "password-literal"]


@pytest.mark.parametrize("name", [*BAD, "tls", "mesh", "one-mailbox", "budget-zero"])
def test_an_editor_with_the_schema_sees_common_mistakes(name: str) -> None:
    file = Path(__file__).parent / "files" / f"bad-{name}.yml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert not Draft202012Validator(SCHEMA).is_valid(data)


@pytest.mark.parametrize("path", KEYS)
def test_every_key_says_what_it_means(path: str) -> None:
    entry = KEYS[path]
    if "description" not in entry:  # the same as that of the section it leads to
        entry = SCHEMA["$defs"][entry["$ref"].rpartition("/")[2]]
    assert len(entry["description"]) > 10


def test_every_section_refuses_unknown_keys() -> None:
    sections = [d for d in SCHEMA["$defs"].values() if d["type"] == "object"]
    assert len(sections) == 10
    assert all(section["additionalProperties"] is False for section in [SCHEMA, *sections])


@pytest.mark.parametrize(
    "path", [p for p, e in KEYS.items() if e.get("pattern", "")[:5] == "^(?=\\"]
)
def test_the_default_of_a_duration_is_a_duration(path: str) -> None:
    assert duration.parse(KEYS[path]["default"]) >= 0


@pytest.mark.parametrize("path", KEYS)
def test_the_page_names_every_key_with_its_default(path: str) -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{re.escape(path)}` \|.*$", page, re.MULTILINE)
    assert row, f"docs/config.md has no row for {path}"
    default = KEYS[path].get("default")
    if isinstance(default, str | int) and default:
        assert f"`{default}`" in row[0]


@pytest.mark.parametrize("path", KEYS)
def test_the_example_shows_every_key(path: str) -> None:
    example = (ROOT / "config" / "example.yml").read_text(encoding="utf-8")
    key = path.rpartition(".")[2]
    assert re.search(rf"^\s*(- |#)?{key}:", example, re.MULTILINE)


def test_the_page_names_no_key_that_is_not_there() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.\[\]]+)` \|", page, re.MULTILINE)
    assert set(rows) == set(KEYS)
