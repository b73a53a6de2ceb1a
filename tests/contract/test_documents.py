"""What is derived from api-spec says what the published interface says, as clients expect it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from server.http import documents
from tests.contract.test_published_interface import MODELS, PUBLISHED, operation_id
from tests.support.web import document

API_DOCS = Path(documents.__file__).parent / "data/api-docs"
LISTING = json.loads((API_DOCS / "resources.json").read_text("utf-8"))
NAMES = [entry["path"].rpartition("/")[2].removesuffix(".{format}") for entry in LISTING["apis"]]
DECLARATIONS = {name: json.loads((API_DOCS / f"{name}.json").read_text("utf-8")) for name in NAMES}
PRIMITIVES = {"string", "int", "long", "double", "boolean", "Date", "object", "containers"}


def operations(declaration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["nickname"]: {**operation, "path": api["path"]}
        for api in declaration["apis"]
        for operation in api["operations"]
    }


def is_known(kind: str, declaration: dict[str, Any]) -> bool:
    if listed := re.fullmatch(r"List\[(\w+)\]", kind):
        return is_known(listed[1], declaration)
    return kind in PRIMITIVES or kind in declaration["models"]


def test_the_listing_has_every_resource_of_asterisk() -> None:
    assert LISTING["swaggerVersion"] == "1.1"
    assert LISTING["apiVersion"] == PUBLISHED["resources_api_version"]
    assert set(NAMES) >= {row["name"] for row in PUBLISHED["resources"]}
    assert all(entry["path"].startswith("/") and entry["description"] for entry in LISTING["apis"])


@pytest.mark.parametrize("name", NAMES)
def test_declaration_keeps_the_rules_of_swagger_1_1(name: str) -> None:
    """Those of swaggerpy 0.2 and asyncswagger11, the strictest loaders."""
    declaration = DECLARATIONS[name]
    assert declaration["swaggerVersion"] == "1.1"
    assert declaration["apiVersion"] == PUBLISHED["api_version"]
    assert declaration["resourcePath"] == f"/api-docs/{name}.{{format}}"
    for operation in operations(declaration).values():
        assert operation["responseClass"] in ("void", "binary") or is_known(
            operation["responseClass"], declaration
        )
        assert ("upgrade" not in operation) or operation["httpMethod"] == "GET"
        for parameter in operation["parameters"]:
            assert parameter["paramType"] in ("path", "query", "body", "header")
            assert isinstance(parameter["required"], bool)
            assert is_known(parameter["dataType"], declaration)
            assert parameter["name"]
            assert "allowedValues" not in parameter
        for refusal in operation["errorResponses"]:
            assert refusal["code"] >= 400
            assert refusal["reason"]
    for key, model in declaration["models"].items():
        assert model["id"] == key
        assert all(is_known(item["type"], declaration) for item in model["properties"].values())


@pytest.mark.parametrize("name", NAMES)
def test_nicknames_are_unique_within_a_declaration(name: str) -> None:
    found = [o["nickname"] for api in DECLARATIONS[name]["apis"] for o in api["operations"]]
    assert len(set(found)) == len(found)


def test_the_events_operation_is_marked_as_a_websocket() -> None:
    operation = operations(DECLARATIONS["events"])["eventWebsocket"]
    assert operation["upgrade"] == "websocket"
    assert operation["websocketProtocol"] == "ari"
    assert operation["responseClass"] == "Message"


IMPLEMENTED = [
    row
    for row in PUBLISHED["operations"]
    if row["nickname"] in operations(DECLARATIONS[row["resource"]])
]


@pytest.mark.parametrize("row", IMPLEMENTED, ids=operation_id)
def test_operation_is_declared_as_published(row: dict[str, Any]) -> None:
    ours = operations(DECLARATIONS[row["resource"]])[row["nickname"]]
    assert (ours["path"], ours["httpMethod"]) == (row["path"], row["method"])
    assert ours["responseClass"] == row["returns"]
    parameters = {(p["paramType"], p["name"]): p for p in ours["parameters"]}
    described = document()["paths"][row["path"]][row["method"].lower()]
    assert {name for place, name in parameters if place != "body"} == {
        item["name"] for item in described.get("parameters", ())
    }
    assert ("requestBody" in described) == any(place == "body" for place, _ in parameters)
    for theirs in row["params"]:
        # What api-spec lacks is told by test_published_interface.
        mine = parameters.get((theirs["in"], theirs["name"]))
        if mine is None:
            continue
        assert mine["dataType"] == theirs["type"]
        assert mine["allowMultiple"] == theirs["multiple"]
        assert mine.get("defaultValue") == theirs.get("default")
        if "enum" in theirs:
            assert mine["allowableValues"] == {"valueType": "LIST", "values": theirs["enum"]}


@pytest.mark.parametrize("name", sorted(set(MODELS) & set(document()["components"]["schemas"])))
def test_model_is_declared_as_published(name: str) -> None:
    theirs = MODELS[name]
    declaring = [d["models"][name] for d in DECLARATIONS.values() if name in d["models"]]
    for model in declaring:
        for published in theirs["properties"]:
            mine = model["properties"][published["name"]]
            assert (mine["type"], mine["required"]) == (published["type"], published["required"])
        assert model.get("discriminator") == theirs.get("discriminator")
    is_used = any(name in json.dumps(row) for row in IMPLEMENTED) or theirs["resource"] == "events"
    assert declaring or not is_used


def test_every_event_is_declared_with_the_members_that_clients_look_up() -> None:
    """node-ari-client reads ``models[type].properties`` of every event, and dies without."""
    models = DECLARATIONS["events"]["models"]
    for kind in document()["components"]["schemas"]["Message"]["discriminator"]["mapping"]:
        assert isinstance(models[kind]["properties"], dict)
    assert set(models["Message"]["subTypes"]) >= set(MODELS["Message"]["subTypes"])
    assert set(models["Event"]["subTypes"]) >= set(MODELS["Event"]["subTypes"])


EVENTS = json.loads((API_DOCS.parent / "events.schema.json").read_text("utf-8"))
PING = {
    "type": "ApplicationReplaced",
    "application": "a",
    "timestamp": "2026-01-31T23:59:59.123+0000",
}


def test_the_schema_of_events_tells_them_apart_by_type() -> None:
    Draft202012Validator.check_schema(EVENTS)
    validator = Draft202012Validator(EVENTS)
    validator.validate(PING)
    for wrong in ({**PING, "type": "StasisStart"}, {**PING, "type": "Unheard"}, {**PING, "x": 1}):
        with pytest.raises(ValidationError):
            validator.validate(wrong)


def test_the_async_document_has_every_event_and_the_requests() -> None:
    described = json.loads((API_DOCS.parent / "asyncapi.json").read_text("utf-8"))
    mapping = document()["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    messages = described["components"]["messages"]
    assert set(messages) == {*mapping, "RESTRequest", "DrainWorker"}
    assert set(described["channels"]["events"]["messages"]) == set(messages)
    for operation in ("receiveRequest", "receiveDrain"):
        assert described["operations"][operation]["reply"]["messages"] == [
            {"$ref": "#/channels/events/messages/RESTResponse"}
        ]
