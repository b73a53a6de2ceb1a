"""The examples are true: each follows its schema, and each request does what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.node import NodeUnderTest
from tests.support.scene import (
    ARI,
    BEFORE,
    as_text,
    operations,
    request_of,
    send,
    set_the_scene,
    take,
)
from tests.support.web import AUTH, Web, document, serve, validate


@pytest.fixture
async def web(node: NodeUnderTest, tmp_path: Path) -> AsyncIterator[Web]:
    async with serve(node, ari=ARI) as made:
        await set_the_scene(node, tmp_path)
        yield made
        for bridge in list(node.bridges):
            node.bridges.destroy(bridge.id)


@pytest.mark.parametrize("operation_id", sorted(set(operations()) - {"events.eventWebsocket"}))
async def test_the_request_succeeds_as_documented(web: Web, operation_id: str) -> None:
    await take(web, BEFORE.get(operation_id, ()))
    answer = await send(web, operation_id)
    assert answer.status < 300, answer.body


async def test_the_websocket_opens_as_documented(web: Web) -> None:
    parameters, _ = request_of("events.eventWebsocket")
    params = {name: as_text(value) for name, value in parameters.items()}
    async with web.client.ws_connect(f"{web.url}/events", params=params, headers=AUTH) as socket:
        first = await socket.receive_json()
    assert first["type"] == "Resync"


@pytest.mark.parametrize("operation_id", sorted(operations()))
def test_the_parameters_and_the_body_follow_their_schemas(operation_id: str) -> None:
    described = operations()[operation_id]
    for parameter in described.get("parameters", ()):
        if "example" in parameter:
            validate(parameter["schema"], parameter["example"])
        else:
            assert not parameter.get("required"), parameter["name"]
    if "requestBody" in described:
        content = described["requestBody"]["content"]["application/json"]
        assert content["example"]
        validate(content["schema"], content["example"])


@pytest.mark.parametrize("operation_id", sorted(operations()))
def test_every_answer_has_an_example_that_follows_its_schema(operation_id: str) -> None:
    for code, response in operations()[operation_id]["responses"].items():
        for content in response.get("content", {}).values():
            if content["schema"].get("format") != "binary":
                assert "example" in content, code
                validate(content["schema"], content["example"])


@pytest.mark.parametrize("name", sorted(document()["components"]["schemas"]))
def test_every_schema_has_an_example_that_follows_it(name: str) -> None:
    (example,) = document()["components"]["schemas"][name]["examples"]
    validate({"$ref": f"#/components/schemas/{name}"}, example)


@pytest.mark.parametrize("response", sorted(document()["components"]["responses"]))
def test_what_answers_have_in_common_has_an_example(response: str) -> None:
    content = document()["components"]["responses"][response]["content"]["application/json"]
    validate(content["schema"], content["example"])


def test_every_operation_says_when_to_use_it() -> None:
    assert [name for name, item in operations().items() if "description" not in item] == []
