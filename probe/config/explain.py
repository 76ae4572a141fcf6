"""What pydantic says, in sentences that say what to do.

No value is quoted from below ``auth`` and ``basic_auth_users``: a password may stand in any
wrong place there.
"""

import typing
from collections.abc import Callable
from difflib import get_close_matches

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from probe.config.model import ConfigFile
from probe.config.problem import KeyPath
from probe.config.report import Report

TWO_WAYS = "write password_file: PATH, or password: ${NAME} for an environment variable"
NO_PASSWORD_HERE = f"a password does not stand in this file: {TWO_WAYS}"


_CONFIDENTIAL = frozenset({"auth", "basic_auth_users"})

Grammar = type[BaseModel]


def explain(error: ErrorDetails, report: Report, grammar: Grammar = ConfigFile) -> None:
    """Add one validation error to the report; the grammar is that of the whole file."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        named = _CONFIDENTIAL.isdisjoint(path)  # auth: {hunter2} is a key to YAML
        report.key_problem(path, _unknown_key(path, grammar), named=named)
    elif error["type"] in _STRUCTURAL:
        report.problem(path, _STRUCTURAL[error["type"]](error, grammar))
    else:
        sentence = _SENTENCES.get(error["type"], _own_words)
        report.problem(path, sentence(error))


def closest(word: str, known: typing.Iterable[str]) -> str:
    """``; did you mean gmail?`` or nothing."""
    found = get_close_matches(word.lower(), list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _own_words(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error")
    return str(cause) if isinstance(cause, ValueError) else error["msg"]


def _unknown_key(path: KeyPath, grammar: Grammar) -> str:
    known = _keys(_model_at(path[:-1], grammar))
    hint = closest(str(path[-1]), known)
    return f"unknown key{hint}" if hint else f"unknown key; known here: {', '.join(known)}"


def _missing(error: ErrorDetails, grammar: Grammar) -> str:
    *parent, key = error["loc"]
    field = _field(_model_at(tuple(parent), grammar), key)
    return f"is missing: {field.description}" if field else "is missing"


def _not_text(error: ErrorDetails) -> str:
    value = error["input"]
    if error["loc"][-1] == "password":
        return NO_PASSWORD_HERE
    if value is None:
        return "is empty"
    if isinstance(value, list | dict):
        return "must be text, not a list or a mapping"
    if _CONFIDENTIAL.intersection(error["loc"]):
        return "reads as a number or as true or false in YAML: put it in quotes"
    shown = str(value).lower()
    kind = "true or false" if isinstance(value, bool) else "a number"
    return f'{shown} reads as {kind} in YAML: put it in quotes, "{shown}"'


def _not_a_number(error: ErrorDetails) -> str:
    if error["input"] is None:
        return "is empty"
    return "must be a whole number such as 500, without quotes or leading zeros"


def _not_a_mapping(error: ErrorDetails, grammar: Grammar) -> str:
    if error["input"] is None:
        return "is empty: give it keys below, or remove it"
    *_, name = error["loc"] or ("the file",)
    known = ", ".join(_keys(_model_at(error["loc"], grammar)))
    lead = "" if error["loc"] else f"{name} "
    ending = f"; known here: {known}" if known else ""
    return f"{lead}must be a mapping, lines of key: value{ending}"


def _not_a_list(error: ErrorDetails) -> str:
    if error["input"] is None:
        return "is empty: give it entries, lines that begin with -, or remove it"
    return "must be a list: lines that begin with -"


def _not_a_choice(error: ErrorDetails) -> str:
    expected = error.get("ctx", {}).get("expected", "")
    choices = expected.replace("'", "").replace(" or ", ", ")
    value = error["input"]
    if _CONFIDENTIAL.intersection(error["loc"]) or not isinstance(value, str | int):
        return f"must be one of {choices}"
    shown = str(value)
    return f"{shown!r} is not one of {choices}{closest(shown, choices.split(', '))}"


def _out_of_range(error: ErrorDetails) -> str:
    limits = error.get("ctx", {})
    if "ge" in limits:
        return f"{error['input']} is too small: at least {limits['ge']}"
    return f"{error['input']} is too large: at most {limits['le']}"


def _too_few(error: ErrorDetails) -> str:
    least = error.get("ctx", {}).get("min_length")
    return f"has too few entries: at least {least}, since every probe goes from one to another"


def _empty(_: ErrorDetails) -> str:
    return "is empty"


_SENTENCES: dict[str, Callable[[ErrorDetails], str]] = {
    "string_type": _not_text,
    "string_too_short": _empty,
    "int_type": _not_a_number,
    "list_type": _not_a_list,
    "enum": _not_a_choice,
    "greater_than_equal": _out_of_range,
    "less_than_equal": _out_of_range,
    "too_short": _too_few,
}


_STRUCTURAL: dict[str, Callable[[ErrorDetails, Grammar], str]] = {
    "missing": _missing,
    "model_type": _not_a_mapping,
    "model_attributes_type": _not_a_mapping,
    "dict_type": _not_a_mapping,
}


def _model_at(path: KeyPath, grammar: Grammar) -> Grammar | None:
    """The section of the grammar that a path leads to."""
    model: Grammar | None = grammar
    for part in path:
        if isinstance(part, str):
            field = _field(model, part)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: object) -> Grammar | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = map(_model_in, typing.get_args(annotation))
    return next((model for model in inner if model), None)


def _field(model: Grammar | None, key: object) -> FieldInfo | None:
    fields = model.model_fields if model else {}
    return next((f for name, f in fields.items() if (f.alias or name) == key), None)


def _keys(model: Grammar | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []
