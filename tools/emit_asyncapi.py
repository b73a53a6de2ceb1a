"""Emits the AsyncAPI 3 document of the WebSocket: what the server sends on it, and what it takes.

Payloads are in AsyncAPI's own schema form, a superset of JSON Schema draft 7: its discriminator is
the name of a property, and it knows no ``unevaluatedProperties``.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from apispec import Json, Spec
from emit_bundle import bundle
from emit_documents import COMPONENTS, references

REQUEST = "RESTRequest"
DRAIN = "DrainWorker"
REPLY = "RESTResponse"
CHANNEL = "#/channels/events"


def emit(spec: Spec) -> str:
    """Return the document as JSON text."""
    return json.dumps(_document(bundle(spec)), indent=1, ensure_ascii=False) + "\n"


def _document(document: Json) -> Json:
    schemas = document["components"]["schemas"]
    events = list(schemas["Message"]["discriminator"]["mapping"])
    messages = [*events, REQUEST, DRAIN]
    return {
        "asyncapi": "3.0.0",
        "info": _info(document),
        "defaultContentType": "application/json",
        "servers": {"node": _server(document)},
        "channels": {"events": _channel(document, messages)},
        "operations": {
            "sendEvent": {
                "action": "send",
                "summary": "Tell an application what happened.",
                "channel": {"$ref": CHANNEL},
                "messages": [_message_reference(name) for name in events if name != REPLY],
            },
            "receiveRequest": _receive(REQUEST, "Carry out an operation of the REST interface."),
            "receiveDrain": _receive(DRAIN, "Give this connection's workers no new calls."),
        },
        "components": {
            "messages": {name: _message(name, schemas[name]) for name in messages},
            "schemas": _schemas(schemas, messages),
            "securitySchemes": _security_schemes(document),
        },
    }


def _receive(message: str, summary: str) -> Json:
    """Return the operation of a message that applications send, and that is answered."""
    return {
        "action": "receive",
        "summary": summary,
        "channel": {"$ref": CHANNEL},
        "messages": [_message_reference(message)],
        "reply": {"channel": {"$ref": CHANNEL}, "messages": [_message_reference(REPLY)]},
    }


def _info(document: Json) -> Json:
    info = document["info"]
    return {
        "title": f"{info['title']} events",
        "version": info["version"],
        "description": "One JSON object in each text message, told apart by its member `type`.",
        "license": {"name": info["license"]["name"]},
        "contact": info["contact"],
        "tags": [{"name": "events"}],
    }


def _server(document: Json) -> Json:
    url = urlsplit(document["servers"][0]["url"])
    schemes = document["components"]["securitySchemes"]
    return {
        "host": url.netloc,
        "pathname": url.path,
        "protocol": "ws",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes],
    }


def _security_schemes(document: Json) -> Json:
    schemes = document["components"]["securitySchemes"]
    return {
        name: {**scheme, "type": "httpApiKey"} if scheme["type"] == "apiKey" else scheme
        for name, scheme in schemes.items()
    }


def _channel(document: Json, messages: list[str]) -> Json:
    operation = document["paths"]["/events"]["get"]
    query: Json = {"type": "object", "properties": {}, "required": []}
    for parameter in operation["parameters"]:
        schema = parameter["schema"]
        query["properties"][parameter["name"]] = {
            **schema,
            "description": parameter["description"],
        }
        if parameter.get("required"):
            query["required"].append(parameter["name"])
    return {
        "address": "/events",
        "description": operation["summary"],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }


def _message_reference(name: str) -> Json:
    return {"$ref": f"{CHANNEL}/messages/{name}"}


def _message(name: str, schema: Json) -> Json:
    message: Json = {
        "name": name,
        "title": name,
        "summary": schema["description"],
        "payload": {"$ref": f"{COMPONENTS}{name}"},
    }
    if examples := schema.get("examples"):
        message["examples"] = [{"payload": example} for example in examples]
    return message


def _schemas(schemas: Json, messages: list[str]) -> Json:
    found: Json = {}
    waiting = list(messages)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _draft_7(schemas[name])
            waiting += references(schemas[name])
    return {name: found[name] for name in schemas if name in found}


def _draft_7(node: object) -> object:
    """Return a schema without what AsyncAPI's form does not know."""
    if isinstance(node, list):
        return [_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _draft_7(value) for key, value in node.items() if key != "unevaluatedProperties"}
    if isinstance(node.get("discriminator"), dict):
        kept["discriminator"] = node["discriminator"]["propertyName"]
    return kept
