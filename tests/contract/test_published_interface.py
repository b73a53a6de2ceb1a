"""api-spec against the published interface: the same operations, parameters, codes and fields.

What is ours alone is marked ``x-extension: true`` in api-spec: an operation, parameter, body
member, response, schema or property.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from server.http.spec import load_bundle, load_operations
from tests.support.web import document

PUBLISHED = json.loads((Path(__file__).parents[1] / "data/ari.json").read_text(encoding="utf-8"))
MODELS = {model["id"]: model for model in PUBLISHED["models"]}

# Published operations that do not exist yet.
PENDING: set[str] = set()

TYPES = {
    "string": "string",
    "Date": "string",
    "int": "integer",
    "long": "integer",
    "double": "number",
    "boolean": "boolean",
    "object": "object",
    "containers": "object",
}


def operation_id(row: dict[str, Any]) -> str:
    return f"{row['resource']}.{row['nickname']}"


def published(described: dict[str, Any]) -> dict[str, Any]:
    """Return the members that are not marked as ours alone."""
    return {key: item for key, item in described.items() if not item.get("x-extension")}


OPERATIONS = [row for row in PUBLISHED["operations"] if operation_id(row) not in PENDING]


def described(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][row["path"]][row["method"].lower()]
    return found


def matches(schema: dict[str, Any], kind: str) -> bool:
    if listed := re.fullmatch(r"List\[(.*)\]", kind):
        return schema["type"] == "array" and matches(schema["items"], listed[1])
    if kind in TYPES:
        return bool(schema["type"] == TYPES[kind])
    return bool(schema["$ref"] == f"#/components/schemas/{kind}")


def test_every_operation_is_there_and_no_other() -> None:
    ours = {
        item["operationId"]
        for path in document()["paths"].values()
        for item in published(path).values()
    }
    assert ours == {operation_id(row) for row in OPERATIONS}
    assert ours <= {operation.operation_id for operation in load_operations(load_bundle())}


@pytest.mark.parametrize("row", OPERATIONS, ids=operation_id)
def test_operation_takes_the_published_parameters(row: dict[str, Any]) -> None:
    ours = published({item["name"]: item for item in described(row).get("parameters", ())})
    theirs = [p for p in row["params"] if p["in"] != "body"]
    assert set(ours) == {p["name"] for p in theirs}
    for parameter in theirs:
        item = ours[parameter["name"]]
        schema = item["schema"]
        assert item["in"] == parameter["in"]
        # Two paths of endpoints leave it out; a path parameter can't be optional.
        assert item.get("required", False) == (parameter["required"] or item["in"] == "path")
        assert (schema["type"] == "array") == parameter["multiple"]
        value = schema["items"] if parameter["multiple"] else schema
        assert value["type"] == TYPES[parameter["type"]]
        assert value.get("enum") == parameter.get("enum")
        assert schema.get("default") == parameter.get("default")
        assert schema.get("minimum") == parameter.get("min")


@pytest.mark.parametrize("row", OPERATIONS, ids=operation_id)
def test_operation_takes_the_published_body(row: dict[str, Any]) -> None:
    theirs = {p["name"] for p in row["params"] if p["in"] == "body"}
    body = described(row).get("requestBody")
    if body is None:
        assert not theirs
        return
    schema = body["content"]["application/json"]["schema"]
    ours = {"filter"} if "x-python-name" in schema else set(published(schema["properties"]))
    assert ours == theirs


@pytest.mark.parametrize("row", OPERATIONS, ids=operation_id)
def test_operation_declares_the_published_codes(row: dict[str, Any]) -> None:
    codes = {int(code) for code in published(described(row)["responses"]) if code.isdigit()}
    known = set(row["errors"]) | set(row.get("impl_codes", ()))
    assert {code for code in known if code < 500} <= codes
    if "upgrade" in row:
        assert codes == {101, 400, 426}
        return
    allowed = {206, 416} if row["returns"] == "binary" else set()
    if any(p["in"] != "path" for p in row["params"]):
        allowed.add(400)  # wrong values are refused, not read as zero
    assert codes - known <= allowed


@pytest.mark.parametrize("row", OPERATIONS, ids=operation_id)
def test_operation_returns_the_published_type(row: dict[str, Any]) -> None:
    responses = described(row)["responses"]
    success = next(
        responses[code] for code in ("200", "201", "202", "204", "101") if code in responses
    )
    content = success.get("content", {})
    if row["returns"] in ("void", "Message"):
        assert not content
    elif row["returns"] == "binary":
        assert "audio/*" in content
    else:
        assert matches(content["application/json"]["schema"], row["returns"])


def properties(name: str) -> tuple[dict[str, Any], set[str]]:
    schema = document()["components"]["schemas"][name]
    collected: dict[str, Any] = {}
    required: set[str] = set()
    for part in [schema, *schema.get("allOf", ())]:
        if "$ref" in part:
            inherited, also = properties(part["$ref"].rpartition("/")[2])
            collected |= inherited
            required |= also
        collected |= published(part.get("properties", {}))
        required |= set(part.get("required", ()))
    return collected, required


SCHEMAS = sorted(set(published(document()["components"]["schemas"])) - {"Error"})


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_has_the_published_fields(name: str) -> None:
    ours, required = properties(name)
    theirs = {p["name"]: p for p in inherited_properties(MODELS[name])}
    assert set(ours) == set(theirs)
    assert required == {p["name"] for p in theirs.values() if p["required"]}
    for field, schema in ours.items():
        if field != "type":
            assert matches(schema, theirs[field]["type"]), field
            assert schema.get("enum") == theirs[field].get("enum")


def inherited_properties(model: dict[str, Any]) -> list[dict[str, Any]]:
    above = inherited_properties(MODELS[model["extends"]]) if "extends" in model else []
    return above + model["properties"]


def test_every_event_is_there() -> None:
    mapping = document()["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    schemas = document()["components"]["schemas"]
    ours = {
        kind for kind, target in mapping.items() if target.rpartition("/")[2] in published(schemas)
    }
    assert ours == {row["type"] for row in PUBLISHED["events"]}


def test_the_document_is_valid_openapi() -> None:
    validate(document())  # type: ignore[arg-type]


def test_operation_ids_are_unique_and_begin_with_their_tag() -> None:
    found = [item for path in document()["paths"].values() for item in path.values()]
    ids = [item["operationId"] for item in found]
    assert len(set(ids)) == len(ids)
    for item in found:
        assert item["operationId"].partition(".")[0] == item["tags"][0]
