"""A node with its HTTP server on loopback, and a client that checks every answer by the spec."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from jsonschema import Draft202012Validator

from server.config.sections.ari import Ari, AriUser
from server.config.sections.http import Http
from server.http.server import HttpServer
from server.http.services import Services
from server.http.spec import Operation, load_bundle, load_operations
from server.resources.sounds import Sounds
from server.resources.timeline import Timelines
from tests.support.node import FixedClock, NodeUnderTest

USER = AriUser(name="ari", password="secret")
READER = AriUser(name="reader", password="look", read_only=True)
DEFAULT_ARI = Ari(users={"ari": USER, "reader": READER})


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of Basic credentials."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


AUTH = basic("ari", "secret")


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    loaded: dict[str, Any] = json.loads(load_bundle())
    return loaded


@cache
def operations_by_id() -> dict[str, Operation]:
    """Return the operations of the OpenAPI document."""
    return {each.operation_id: each for each in load_operations(load_bundle())}


def validate(schema: Mapping[str, Any], value: object) -> None:
    """Check a value by a schema of the document."""
    whole = {**schema, "components": document()["components"]}
    Draft202012Validator(whole).validate(value)


def validate_event(event: Mapping[str, Any]) -> None:
    """Check an event by the schema of its type."""
    validate({"$ref": f"#/components/schemas/{event['type']}"}, event)


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Web:
    """The server and its client."""

    def __init__(
        self, node: NodeUnderTest, http: HttpServer, client: aiohttp.ClientSession
    ) -> None:
        self.node = node
        self.http = http
        self.client = client
        host, port = http.bound_addresses()[0]
        self.origin = f"{host}:{port}"
        self.url = f"http://{self.origin}/ari"

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request below ``/ari`` as the user of the tests."""
        options["headers"] = {**AUTH, **options.get("headers", {})}
        async with self.client.request(method, f"{self.url}{path}", **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def call(self, operation_id: str, *values: str, **options: Any) -> Answer:
        """Call an operation and check that its answer is one that the spec declares.

        :param values: of the path's wildcards, in order.
        """
        operation = operations_by_id()[operation_id]
        path = operation.path
        for value in values:
            start, end = path.index("{"), path.index("}")
            path = path[:start] + value + path[end + 1 :]
        answer = await self.request(operation.method, path, **options)
        check_declared(operation.path, operation.method.lower(), answer)
        return answer

    async def raw(self, data: bytes) -> bytes:
        """Send bytes on a connection of their own and return all that comes back until its end."""
        host, _, port = self.origin.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        received = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return received


def check_declared(path: str, method: str, answer: Answer) -> None:
    """Assert that the spec declares this status with this body."""
    responses = document()["paths"][path][method]["responses"]
    described = responses.get(str(answer.status))
    assert described is not None, (
        f"{method} {path} does not declare {answer.status}: {answer.body!r}"
    )
    content = described.get("content", {})
    kind = answer.headers.get("Content-Type", "")
    if not content:
        assert answer.body == b""
    elif "audio/*" not in content:
        assert kind in content, f"{method} {path} does not declare {kind}"
        validate(content[kind]["schema"], answer.json)


def services_of(node: NodeUnderTest, ari: Ari = DEFAULT_ARI) -> Services:
    """Return the node's resources by tag."""
    return Services(
        applications=node.applications,
        asterisk=node.asterisk,
        bridges=node.bridges,
        channels=node.channels,
        device_states=node.devices,
        dynamic_config=node.dynamic_config,
        endpoints=node.endpoints,
        events=node.events,
        log_channels=node.log_channels,
        mailboxes=node.mailboxes,
        modules=node.modules,
        playbacks=node.playbacks,
        recordings=node.recordings,
        sounds=Sounds(node.node),
        timelines=Timelines(
            node.node,
            node.channels.rtp_statistics,
            ari.timeline_keep if ari.timeline else None,
            ari.timeline_max_bytes,
        ),
    )


@asynccontextmanager
async def serve(
    node: NodeUnderTest,
    settings: Http | None = None,
    ari: Ari | None = None,
    *,
    data_dir: Path | None = None,
) -> AsyncIterator[Web]:
    """Run an HTTP server on *node*."""
    ari = ari or DEFAULT_ARI
    http = HttpServer(
        settings or Http(enabled=True, bindport=0),
        ari,
        services_of(node, ari),
        node.bus,
        FixedClock(),
        data_dir=data_dir,
    )
    http.media = node.media
    await http.start()
    http.set_fully_booted()
    try:
        async with aiohttp.ClientSession() as client:
            yield Web(node, http, client)
    finally:
        await http.close()
    assert http.session_count == 0
    assert http.websocket_count == 0
    assert len(http.scope) == 0
