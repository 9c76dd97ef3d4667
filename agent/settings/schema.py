"""JSON Schemas of agent.yaml and of a feed's file, for editors.

Made from the models. What people may write beside a model's own form is described too: "10s", "10%", "64MiB",
one text for a list, a list for `codes`, a bare number where a text is meant. The comment behind a field is
its description. An editor that finds nothing proves little: only the loader compares files.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import tokenize
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from agent.settings.forms import NAME, PERCENT, TERM, TIME
from agent.settings.models import Feed, Secret, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from agent.settings.kinds import Kinds
    from agent.settings.models import Model

__all__ = ["agent_schema", "feed_schema"]

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OURS = ("feeds", "folder", "digest", "texts")  # of Settings: set by the loader


def agent_schema(kinds: Kinds) -> Schema:
    """Return the schema of agent.yaml; `kinds` are the models that settings choose by a `type`."""
    schema = _schema(Settings)
    for ours in _OURS:
        del schema["properties"][ours]
    definitions = schema["$defs"]
    destinations = schema["properties"]["destinations"]
    destinations["patternProperties"] = {NAME: _by_type(kinds.destinations, "", definitions)}
    destinations["additionalProperties"] = False
    for key, models in (("acknowledgements", kinds.acknowledgements), ("notices", kinds.notices)):
        chosen = _by_type(models, f"{key}.", definitions)
        schema["properties"][key] |= {"anyOf": [{"type": "array", "items": chosen}]}
    schema["$defs"] = _used(schema["properties"], definitions)
    return {"$schema": _DIALECT, **schema, "title": "agent.yaml"}


def feed_schema() -> Schema:
    """Return the schema of feeds/NAME.yaml."""
    return {"$schema": _DIALECT, **_schema(Feed), "title": "feeds/NAME.yaml"}


class _Written(GenerateJsonSchema):
    """Describes what may be written, where it is more than what a model holds."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add the comments behind the fields; a secret has exactly one reference."""
        made = super().model_schema(schema)
        model = schema["cls"]
        for name, comment in _comments(model).items():
            known = model.model_fields.get(name)
            field = made["properties"].get((known and known.alias) or name, {})
            form = field.get("description", "")
            field["description"] = f"{comment}. {form}" if form else comment
        if "preset" in model.model_fields:
            return {"anyOf": [made["properties"]["preset"], made]}
        return made | {"minProperties": 1, "maxProperties": 1} if issubclass(model, Secret) else made

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        """Understand a single text as a list of one."""
        made = super().tuple_schema(schema)
        return {"anyOf": [made["items"], made]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Understand a list of keys where values may be left out."""
        made = super().dict_schema(schema)
        if schema.get("values_schema", {}).get("type") != "nullable":
            return made
        return {"anyOf": [made, {"type": "array", "items": {"type": "string"}}, {"type": "string"}]}

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """Understand what an editor takes for a number or a truth as the text it is."""
        made = super().str_schema(schema)
        return made if "pattern" in made else made | {"type": ["string", "number", "boolean"]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write defaults as people would; those of whole groups stand with their fields."""
        made = super().default_schema(schema)
        default: Any = made.get("default")
        if isinstance(default, dict):
            del made["default"]
        elif made.get("pattern") in {f"^{TIME}$", f"^(?:{TERM})$"} and default is not None:
            made["default"] = f"{float(default):g}s"
        elif made.get("pattern") == f"^{PERCENT}$":
            made["default"] = f"{float(default) * 100:g}%"
        return made


def _schema(model: type[BaseModel], prefix: str = "") -> Schema:
    """Return a model's schema, its definitions under names with a prefix."""
    made = model.model_json_schema(schema_generator=_Written, ref_template=f"#/$defs/{prefix}{{model}}")
    made["$defs"] = {f"{prefix}{name}": definition for name, definition in made.get("$defs", {}).items()}
    return made


def _by_type(kinds: Mapping[str, type[Model]], prefix: str, definitions: Schema) -> Schema:
    """Choose a schema by its type, so that an editor complains about one kind only; add each to `definitions`."""
    for kind, model in kinds.items():
        one = _schema(model, f"{prefix}{kind}.")
        definitions |= one.pop("$defs", {})
        definitions[prefix + kind] = one | {"required": sorted({"type", *one.get("required", ())})}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(kinds)}},
        "allOf": [
            {"if": {"properties": {"type": {"const": kind}}}, "then": {"$ref": f"#/$defs/{prefix}{kind}"}}
            for kind in kinds
        ],
    }


def _used(start: Schema, definitions: Schema) -> Schema:
    """Return the definitions that can be reached."""
    used: Schema = {}
    texts = [json.dumps(start)]
    while texts:
        text = texts.pop()
        for name in definitions.keys() - used.keys():
            if f'"#/$defs/{name}"' in text:
                used[name] = definitions[name]
                texts.append(json.dumps(definitions[name]))
    return dict(sorted(used.items()))


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Return the comment behind each field of a model and its bases; none where the source is not at hand."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not base.__module__.startswith("agent."):
            continue
        try:
            source = dedent(inspect.getsource(base))
        except OSError:
            continue
        behind = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT and not token.string.startswith("# noqa")
        }
        for line in ast.walk(ast.parse(source)):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                name = line.target.id
                rows = range(line.lineno, (line.end_lineno or line.lineno) + 1)
                found.update((name, behind[row]) for row in rows if row in behind)
    return found
