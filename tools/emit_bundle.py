"""Emits the whole of api-spec as one OpenAPI document without external references."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from apispec import Json, Spec, reference
from spec_examples import add_examples

ROOT_FILE = "openapi.yaml"
METHODS = ("get", "put", "post", "delete")


def emit(spec: Spec) -> str:
    """Return the document as JSON text."""
    return json.dumps(bundle(spec), indent=1, ensure_ascii=False) + "\n"


def bundle(spec: Spec) -> Json:
    """Return the document: path items inlined, schemas gathered under ``components``."""
    root = dict(spec.document(ROOT_FILE))
    root["paths"] = {
        path: _inline(spec, path_item(spec, item)) for path, item in root["paths"].items()
    }
    for item in root["paths"].values():
        if "post" in item:
            _make_repeatable(item["post"], root["components"])
    schemas = {
        name: _inline(spec, (file, schema))
        for file in spec.schema_files
        for name, schema in spec.document(file).items()
    }
    components = dict(root["components"])
    components["schemas"] = {**components["schemas"], **schemas}
    root["components"] = components
    add_examples(root, spec)
    return root


def _make_repeatable(operation: Json, components: Json) -> None:
    """Let an operation take an Idempotency-Key."""
    operation["parameters"] = [
        *operation.get("parameters", ()),
        components["parameters"]["IdempotencyKey"],
    ]
    responses = {
        "400": deepcopy(components["responses"]["KeyMalformed"]),
        "422": deepcopy(components["responses"]["KeyOfAnother"]),
        **operation["responses"],
    }
    operation["responses"] = dict(sorted(responses.items()))


def path_item(spec: Spec, item: Json) -> tuple[str, Json]:
    """Return the file and the description of a path item that openapi.yaml refers to."""
    target = reference(item, ROOT_FILE)
    assert target is not None
    key = target.name.replace("~1", "/").replace("~0", "~")
    return target.file, spec.document(target.file)[key]


def _inline(spec: Spec, located: tuple[str, Any]) -> Any:
    """Return a copy in which every reference points into ``components``."""
    file, node = located
    if isinstance(node, list):
        return [_inline(spec, (file, item)) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _inline(spec, (file, value)) for key, value in node.items()}
    _replace_const(copy)
    if "$ref" in node:
        copy["$ref"] = _component(file, node)
    if "mapping" in node and "propertyName" in node:
        copy["mapping"] = {
            kind: _component(file, {"$ref": target}) for kind, target in node["mapping"].items()
        }
    return copy


def _replace_const(schema: Json) -> None:
    """Write an event's ``type`` so that generators can merge it with that of its parent.

    One of them can't merge a const with a string, another wants it required in both places.
    """
    properties = schema.get("properties", {})
    for name, value in properties.items():
        if isinstance(value.get("const"), str):
            value |= {"type": "string", "enum": [value.pop("const")]}
            schema["required"] = list(dict.fromkeys([name, *schema.get("required", ())]))


def _component(file: str, node: Json) -> str:
    target = reference(node, file)
    assert target is not None
    if target.file == ROOT_FILE:
        return f"#/{target.name}"
    return f"#/components/schemas/{target.name}"
