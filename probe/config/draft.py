"""What of a file could be understood, however much else is wrong with it.

The checks that compare things with each other work on this, so that one slip in one mailbox
does not hide all other mistakes until it is mended.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from probe.config.explain import explain
from probe.config.model import (
    ConfigFile,
    Defaults,
    Journal,
    Mailbox,
    Mesh,
    Retention,
    RouteEntry,
    Routes,
    Web,
)
from probe.config.problem import KeyPath
from probe.config.report import Report

Part = TypeVar("Part", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Draft:
    """The valid parts. Lists are by their index in the file."""

    whole: ConfigFile | None
    """All of it, where nothing is wrong with any value."""
    web: Web | None
    journal: Journal | None
    defaults: Defaults | None
    retention: Retention | None
    mailboxes: Mapping[int, Mailbox]
    claimed: frozenset[str]
    """Ids of all mailboxes, also of those with something wrong."""
    mesh: Mesh | None
    entries: Mapping[int, RouteEntry] = field(default_factory=dict)


def draft(values: object, report: Report) -> Draft:
    """Check all values against the models; what is wrong goes into the report."""
    try:
        whole = ConfigFile.model_validate(values)
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    else:
        return _complete(whole)
    for error in errors:
        explain(error, report)
    pruned = _pruned(values, [error["loc"] for error in errors])
    return _partial(pruned if isinstance(pruned, dict) else {})


def _complete(whole: ConfigFile) -> Draft:
    return Draft(
        whole=whole,
        web=whole.web,
        journal=whole.journal,
        defaults=whole.defaults,
        retention=whole.retention,
        mailboxes=dict(enumerate(whole.mailboxes)),
        claimed=frozenset(mailbox.id for mailbox in whole.mailboxes),
        mesh=whole.routes.mesh,
        entries=dict(enumerate(whole.routes.entries)),
    )


def _partial(values: dict[str, object]) -> Draft:
    mailboxes = _list(values.get("mailboxes"))
    routes = values.get("routes")
    entries = _list(routes.get("list")) if isinstance(routes, dict) else []
    ids = (mailbox.get("id") for mailbox in mailboxes if isinstance(mailbox, dict))
    return Draft(
        whole=None,
        web=_valid(Web, values.get("web", {})),
        journal=_valid(Journal, values.get("journal", {})),
        defaults=_valid(Defaults, values.get("defaults", {})),
        retention=_valid(Retention, values.get("retention", {})),
        mailboxes=_valid_entries(Mailbox, mailboxes),
        claimed=frozenset(found for found in ids if isinstance(found, str)),
        mesh=_mesh(values),
        entries=_valid_entries(RouteEntry, entries),
    )


def _pruned(values: object, paths: list[KeyPath]) -> object:
    """The values without those mailbox keys that are wrong, so that the rest can be checked.

    Only there: a route or a default that was wrong would be judged by what it does not say.
    """
    if not isinstance(values, dict):
        return values
    mailboxes = _list(values.get("mailboxes"))
    wrong: defaultdict[int, list[KeyPath]] = defaultdict(list)
    for path in paths:
        if path[:1] == ("mailboxes",) and len(path) > 2:
            wrong[int(path[1])].append(path[2:])
    kept = [_without(mailbox, wrong[i]) for i, mailbox in enumerate(mailboxes)]
    return {**values, "mailboxes": kept}


def _without(values: object, paths: list[KeyPath]) -> object:
    if not isinstance(values, dict):
        return values
    kept = dict(values)
    for head in {path[0] for path in paths}:
        below = [path[1:] for path in paths if path[0] == head]
        if () in below:
            kept.pop(head, None)
        else:
            kept[head] = _without(kept.get(head), below)
    return kept


def _mesh(values: dict[str, object]) -> Mesh | None:
    if "routes" not in values:
        return Mesh.PROVIDERS
    routes = values["routes"]
    alone = {**routes, "list": []} if isinstance(routes, dict) else routes
    valid = _valid(Routes, alone)
    return valid.mesh if valid else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _valid_entries(model: type[Part], values: list[object]) -> dict[int, Part]:
    found = ((i, _valid(model, value)) for i, value in enumerate(values))
    return {i: part for i, part in found if part is not None}


def _valid(model: type[Part], value: object) -> Part | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None
