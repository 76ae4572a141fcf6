"""The grammar as JSON Schema, for editors and for ``mailprobe schema``."""

from typing import Any

from probe.config.model import ConfigFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of the config file (draft 2020-12)."""
    schema = ConfigFile.model_json_schema()
    return {"$schema": _DIALECT, **schema, "title": "mailprobe config"}
