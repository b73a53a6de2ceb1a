"""The operations of openapi.json, which tools/generate.py bundles from api-spec/."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import orjson

from server.http.parameters import BodyMember, Parameter, WholeBody, compile_parameter

SUCCESS = ("200", "201", "202", "204")
METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    :param operation_id: such as ``channels.get``.
    :param path: with ``{names}`` of its wildcard segments.
    :param status: what success answers.
    :param is_file: the answer is a file, not JSON.
    :param is_websocket: it upgrades the connection.
    :param whole_body: the JSON body as a whole is a parameter.
    """

    operation_id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body_members: tuple[BodyMember, ...]
    whole_body: WholeBody | None
    status: int
    is_file: bool
    is_websocket: bool

    @property
    def tag(self) -> str:
        """The family that it belongs to."""
        return self.operation_id.partition(".")[0]

    @property
    def python_names(self) -> list[str]:
        """The keywords that its handler is called with."""
        names = [parameter.python_name for parameter in self.parameters]
        names += [member.python_name for member in self.body_members]
        return [*names, self.whole_body.python_name] if self.whole_body else names


def load_bundle() -> bytes:
    """Return the OpenAPI document as JSON."""
    return resources.files("server.http").joinpath("openapi.json").read_bytes()


def load_operations(bundle: bytes) -> list[Operation]:
    """Read every operation of an OpenAPI document."""
    document: dict[str, Any] = orjson.loads(bundle)
    schemas = document["components"]["schemas"]
    return [
        _operation(method, path, item[method], schemas)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def _operation(
    method: str, path: str, described: dict[str, Any], schemas: dict[str, Any]
) -> Operation:
    responses = described["responses"]
    status = next((int(code) for code in SUCCESS if code in responses), 101)
    content = responses.get("200", {}).get("content", {})
    members, whole = _body(described.get("requestBody"), schemas)
    return Operation(
        operation_id=described["operationId"],
        method=method.upper(),
        path=path,
        parameters=tuple(
            compile_parameter(item)
            for item in described.get("parameters", ())
            if item["in"] != "header"  # Idempotency-Key, which is no operation's own
        ),
        body_members=members,
        whole_body=whole,
        status=status,
        is_file="audio/*" in content,
        is_websocket="x-websocket-protocol" in described,
    )


def _body(
    described: dict[str, Any] | None, schemas: dict[str, Any]
) -> tuple[tuple[BodyMember, ...], WholeBody | None]:
    if described is None:
        return (), None
    schema = described["content"]["application/json"]["schema"]
    if name := schema.get("x-python-name"):
        return (), WholeBody(name)
    required = schema.get("required", ())
    members = tuple(
        BodyMember(
            name=name,
            python_name=member.get("x-python-name", name),
            is_required=name in required,
            holds_strings=member.get("additionalProperties") == {"type": "string"},
            item_names=_item_names(member, schemas),
        )
        for name, member in schema["properties"].items()
    )
    return members, None


def _item_names(member: dict[str, Any], schemas: dict[str, Any]) -> tuple[str, ...]:
    """Return the members of a list's objects; none if it is no list of a schema's objects."""
    target = member.get("items", {}).get("$ref", "").rpartition("/")[2]
    return tuple(schemas[target]["required"]) if target else ()
