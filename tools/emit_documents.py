"""Emits what is served beside openapi.json: its YAML form, and the JSON Schemas of the events."""

from __future__ import annotations

import json

import yaml
from apispec import Json, Spec
from emit_bundle import bundle

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMPONENTS = "#/components/schemas/"


def emit_yaml(spec: Spec) -> str:
    """Return the OpenAPI document as YAML text."""
    return yaml.dump(bundle(spec), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice in full: anchors help no reader of an API."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def emit_event_schemas(spec: Spec) -> str:
    """Return one JSON Schema that every message to an application follows, told apart by type."""
    document = bundle(spec)
    message = document["components"]["schemas"]["Message"]
    mapping = message["discriminator"]["mapping"]
    schema: Json = {
        "$schema": DIALECT,
        "title": "Messages to applications",
        "description": message["description"],
        "type": "object",
        "required": ["type"],
        "discriminator": {
            "propertyName": message["discriminator"]["propertyName"],
            "mapping": mapping,
        },
        "oneOf": [{"$ref": target} for target in mapping.values()],
        "$defs": _reachable(document["components"]["schemas"], mapping),
    }
    text = json.dumps(schema, indent=1, ensure_ascii=False)
    return text.replace(COMPONENTS, "#/$defs/") + "\n"


def _reachable(schemas: Json, mapping: dict[str, str]) -> Json:
    """Return the schemas of the events and of what they refer to."""
    found: Json = {}
    waiting = [target.removeprefix(COMPONENTS) for target in mapping.values()]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schemas[name]
            waiting += references(schemas[name])
    return {name: found[name] for name in schemas if name in found}


def references(node: object) -> list[str]:
    """Return the names of the schemas that a part of the bundled document refers to."""
    match node:
        case dict():
            target = node.get("$ref")
            own = [target.removeprefix(COMPONENTS)] if isinstance(target, str) else []
            return own + [name for value in node.values() for name in references(value)]
        case list():
            return [name for item in node for name in references(item)]
    return []
