"""Emits the Swagger 1.1 documents that ARI's clients load at run time.

They are picky, each in its own way: the listing's version is exactly 1.1 and every entry has a
description; every parameter has name, paramType, required and dataType; a model's id is its key,
and every property has a type; an event whose type is not declared kills the process of one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from apispec import EVENTS_FILE, Json, Spec
from emit_bundle import METHODS, bundle

SWAGGER_VERSION = "1.1"
LISTING_VERSION = "12.0.0"  # apiVersion of Asterisk's listing; ari.conf may say another
DECLARATION_VERSION = "2.0.0"
SUCCESS = ("200", "201", "202", "204", "101")
SCALARS = {"number": "double", "boolean": "boolean", "object": "object"}
SCHEMA_PREFIX = "#/components/schemas/"


def emit(spec: Spec) -> dict[str, str]:
    """Return the files below api-docs/ by name."""
    document = bundle(spec)
    tags = tags_of(document)
    files = {f"{tag}.json": _declaration(document, tag, spec) for tag in tags}
    files["resources.json"] = _listing(document, tags)
    return {name: json.dumps(content, indent=1) + "\n" for name, content in files.items()}


def tags_of(document: Json) -> dict[str, str]:
    """Return every tag that has operations, with its description, as the document orders them."""
    described = {tag["name"]: tag.get("description", tag["name"]) for tag in document["tags"]}
    used = {operation["tags"][0] for _, _, operation in operations(document)}
    return {tag: described.get(tag, tag) for tag in [*described, *sorted(used - set(described))]}


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and description of every operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _head(document: Json, version: str) -> Json:
    return {
        "apiVersion": version,
        "swaggerVersion": SWAGGER_VERSION,
        "basePath": document["servers"][0]["url"],
    }


def _listing(document: Json, tags: dict[str, str]) -> Json:
    entries = [
        {"path": f"/api-docs/{tag}.{{format}}", "description": description}
        for tag, description in tags.items()
    ]
    return {**_head(document, LISTING_VERSION), "apis": entries}


def _declaration(document: Json, tag: str, spec: Spec) -> Json:
    apis: dict[str, Json] = {}
    for path, method, operation in operations(document):
        if operation["tags"][0] == tag:
            api = apis.setdefault(
                path, {"path": path, "description": operation["summary"], "operations": []}
            )
            api["operations"].append(_operation(document, method, operation))
    names = _names_in(list(apis.values()))
    if tag == "events":
        names |= set(spec.document(EVENTS_FILE))
    return {
        **_head(document, DECLARATION_VERSION),
        "resourcePath": f"/api-docs/{tag}.{{format}}",
        "apis": list(apis.values()),
        "models": _models(document, names),
    }


def _operation(document: Json, method: str, operation: Json) -> Json:
    emitted: Json = {
        "httpMethod": method.upper(),
        "summary": operation["summary"],
        "nickname": operation["operationId"].partition(".")[2],
        "responseClass": _response_class(operation),
    }
    if "description" in operation:
        emitted["notes"] = operation["description"]
    if protocol := operation.get("x-websocket-protocol"):
        emitted |= {"upgrade": "websocket", "websocketProtocol": protocol}
    emitted["parameters"] = [
        *(_parameter(item) for item in operation.get("parameters", ())),
        *_body_parameters(operation),
    ]
    emitted["errorResponses"] = [
        {"code": int(code), "reason": _response(document, item)["description"]}
        for code, item in operation["responses"].items()
        if code.isdigit() and int(code) >= 400
    ]
    return emitted


def _response(document: Json, described: Json) -> Json:
    target = described.get("$ref")
    if target is None:
        return described
    found: Json = document["components"]["responses"][target.rpartition("/")[2]]
    return found


def _response_class(operation: Json) -> str:
    if "x-websocket-protocol" in operation:
        return "Message"
    responses = operation["responses"]
    success = next(responses[code] for code in SUCCESS if code in responses)
    content = success.get("content", {})
    if not content:
        return "void"
    if "application/json" not in content:
        return "binary"
    return data_type(content["application/json"]["schema"])


def _parameter(described: Json) -> Json:
    schema = described["schema"]
    is_list = schema.get("type") == "array"
    value = schema["items"] if is_list else schema
    emitted: Json = {
        "name": described["name"],
        "description": described["description"],
        "paramType": described["in"],
        "required": described.get("required", False),
        "allowMultiple": is_list,
        "dataType": data_type(value),
    }
    if "default" in schema:
        emitted["defaultValue"] = schema["default"]
    return emitted | _allowable(value)


def _body_parameters(operation: Json) -> Iterator[Json]:
    """Yield the body's members: one that is the whole body, or each as a parameter of its own."""
    body = operation.get("requestBody")
    if body is None:
        return
    schema = body["content"]["application/json"]["schema"]
    is_whole = "x-python-name" in schema
    members = {_whole_name(schema): schema} if is_whole else schema["properties"]
    for name, member in members.items():
        yield {
            "name": name,
            "description": member["description"],
            "paramType": "body",
            "required": name in schema.get("required", ()),
            "allowMultiple": False,
            "dataType": data_type(member) if is_whole else "containers",
        }


def _whole_name(schema: Json) -> str:
    return str(schema.get("title", schema["x-python-name"]))


def data_type(schema: Json) -> str:
    """Return the name that Swagger 1.1 has for what a schema describes."""
    if target := schema.get("$ref"):
        return str(target).removeprefix(SCHEMA_PREFIX)
    kind = schema.get("type", "object")
    match kind:
        case "array":
            return f"List[{data_type(schema['items'])}]"
        case "integer":
            return "long" if schema.get("format") == "int64" else "int"
        case "string":
            return "Date" if schema.get("format") == "ari-date" else "string"
    return SCALARS[kind]


def _allowable(schema: Json) -> Json:
    if "enum" in schema:
        return {"allowableValues": {"valueType": "LIST", "values": schema["enum"]}}
    if "minimum" in schema or "maximum" in schema:
        limits = {"min": schema.get("minimum"), "max": schema.get("maximum")}
        known = {name: limit for name, limit in limits.items() if limit is not None}
        return {"allowableValues": {"valueType": "RANGE", **known}}
    return {}


# models


def _models(document: Json, names: set[str]) -> Json:
    """Return the models of these names and of all that they refer to."""
    schemas = document["components"]["schemas"]
    models: Json = {}
    waiting = names & set(schemas)
    while waiting:
        name = waiting.pop()
        models[name] = _model(schemas, name)
        waiting |= (_names_in(models[name]) & set(schemas)) - set(models)
    return {name: models[name] for name in sorted(models)}


def _model(schemas: Json, name: str) -> Json:
    schema = schemas[name]
    parent, own = _parts(schema)
    required = own.get("required", ())
    model: Json = {"id": name, "description": schema.get("description", name)}
    if "discriminator" in own:
        model["discriminator"] = own["discriminator"]["propertyName"]
    if children := [child for child, item in schemas.items() if _parts(item)[0] == name]:
        model["subTypes"] = children
    model["properties"] = {
        field: {
            "type": data_type(value),
            "required": field in required,
            "description": value.get("description", field),
            **_allowable(value),
        }
        for field, value in own.get("properties", {}).items()
        if parent is None or not _names_type(field, value)
    }
    return model


def _names_type(field: str, schema: Json) -> bool:
    """Return whether a property is an event's own name, which its parent declares as a string."""
    return field == "type" and len(schema.get("enum", ())) == 1


def _parts(schema: Json) -> tuple[str | None, Json]:
    """Return the schema that one extends, and the part that it adds."""
    parts = schema.get("allOf", [schema])
    parent = next((part["$ref"] for part in parts if "$ref" in part), None)
    own = next((part for part in parts if "$ref" not in part), {})
    return parent.removeprefix(SCHEMA_PREFIX) if parent else None, own


def _names_in(node: object) -> set[str]:
    """Return every type name that stands in an emitted document."""
    found: set[str] = set()
    match node:
        case dict():
            for key, value in node.items():
                if key in ("responseClass", "dataType", "type") and isinstance(value, str):
                    found.add(value.removeprefix("List[").removesuffix("]"))
                elif key == "subTypes":
                    found |= set(value)
                else:
                    found |= _names_in(value)
        case list():
            for item in node:
                found |= _names_in(item)
    return found
