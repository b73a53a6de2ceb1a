"""Puts the examples of api-spec/examples/ into the bundled document.

``requests.yaml`` has one request of each operation, ``refusals.yaml`` what each of its error codes
says, ``schemas.yaml`` an example of each schema. An answer shows the example of its schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from apispec import Json, Spec

PREFIX = "#/components/schemas/"
FOLDER = "examples"
PARTIAL = "application/vnd.arion.partial+json"
SHOWN = ["id", "name"]  # by a request without `fields`, where an answer can be partial
MARK = "asterisk_id"  # a member of all messages but requests
COMMON = {
    "application": "ivr",
    "timestamp": "2026-01-31T23:59:59.123+0000",
    MARK: "00:1b:44:11:3a:b7",
}


def add_examples(document: Json, spec: Spec) -> None:
    """Write the examples into a document that has no external references."""
    requests = spec.document(f"{FOLDER}/requests.yaml")
    refusals = spec.document(f"{FOLDER}/refusals.yaml")
    made = Examples(document["components"]["schemas"], spec.document(f"{FOLDER}/schemas.yaml"))
    for item in document["paths"].values():
        for operation in item.values():
            name = operation["operationId"]
            if name not in requests:
                raise SystemExit(f"{FOLDER}/requests.yaml has no {name}")
            _add_request(operation, requests[name])
            _add_answers(operation, made, refusals.get(name, {}), requests[name])
    for name, schema in document["components"]["schemas"].items():
        schema["examples"] = [made.of(name)]


def _add_request(operation: Json, request: Json) -> None:
    parameters = []
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in request:
            parameter = {**parameter, "example": request[parameter["name"]]}
        parameters.append(parameter)
    if parameters:
        operation["parameters"] = parameters
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        named = {parameter["name"] for parameter in parameters}
        content["example"] = {name: value for name, value in request.items() if name not in named}


def _add_answers(operation: Json, made: Examples, refusals: Json, request: Json) -> None:
    for code, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items():
            if int(code) >= 400:
                if code in refusals:
                    content["example"] = {"message": refusals[code]}
            elif kind == PARTIAL:
                whole = made.for_schema(response["content"]["application/json"]["schema"])
                content["example"] = _only(whole, request.get("fields", SHOWN))
            elif kind == "application/json":
                content["example"] = made.for_schema(content["schema"])


def _only(value: Any, names: list[str]) -> Any:
    """Return what is left of an object, or of each in a list, by the parameter ``fields``."""
    if isinstance(value, list):
        return [_only(item, names) for item in value]
    return {name: item for name, item in value.items() if name in names}


class Examples:
    """Examples of schemas, completed by those of the schemas that they refer to.

    :param given: by the name of the schema.
    """

    def __init__(self, schemas: Json, given: Json) -> None:
        self._schemas = schemas
        self._given = given

    def of(self, name: str) -> Json:
        """Return the example of a schema."""
        if name not in self._given:
            raise SystemExit(f"{FOLDER}/schemas.yaml has no {name}")
        return self._complete(name, self._given[name])

    def for_schema(self, schema: Json) -> Any:
        """Return the example of what an answer has."""
        if schema.get("type") == "array":
            return [self.for_schema(schema["items"])]
        return self.of(schema["$ref"].removeprefix(PREFIX))

    def _complete(self, name: str, given: Json) -> Json:
        properties, required = self._members(name)
        known = {"type": given.get("type", name), **COMMON} if MARK in properties else {}
        whole = {member: known[member] for member in known if member in properties}
        for member, schema in properties.items():
            if member in given:
                whole[member] = self._fill(schema, given[member])
            elif member in required and member not in whole:
                whole[member] = self.for_schema(schema)
        return whole

    def _fill(self, schema: Json, value: Any) -> Any:
        """Complete what is given of a member that refers to other schemas."""
        if target := schema.get("$ref"):
            name = target.removeprefix(PREFIX)
            return self._complete(name, {**self._given[name], **value})
        if schema.get("type") == "array" and "$ref" in schema["items"]:
            return [self._fill(schema["items"], item) for item in value]
        return deepcopy(value)

    def _members(self, name: str) -> tuple[Json, set[str]]:
        """Return the properties of a schema, inherited ones too, and which are required."""
        properties: Json = {}
        required: set[str] = set()
        for part in self._parts(self._schemas[name]):
            properties |= part.get("properties", {})
            required |= set(part.get("required", ()))
        return properties, required

    def _parts(self, schema: Json) -> Iterator[Json]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].removeprefix(PREFIX)]
        if "allOf" not in schema:
            yield schema
        for part in schema.get("allOf", ()):
            yield from self._parts(part)
