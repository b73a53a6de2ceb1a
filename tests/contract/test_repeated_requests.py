"""With an Idempotency-Key a request is carried out once, whatever happened to the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.node import NodeUnderTest, settle
from tests.support.web import AUTH, Web, serve

KEY = {"Idempotency-Key": "5b2c"}
ORIGINATE = {"endpoint": "PJSIP/bob", "app": "test"}


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        made.node.connect()
        yield made


async def originate(web: Web, **options: Any) -> Any:
    return await web.call("channels.originate", params=ORIGINATE, **options)


async def test_without_a_key_a_repetition_is_another_request(web: Web) -> None:
    first, second = await originate(web), await originate(web)
    assert first.json["id"] != second.json["id"]
    taken = {**ORIGINATE, "channelId": "mine"}
    assert (await web.call("channels.originate", params=taken)).status == 200
    assert (await web.call("channels.originate", params=taken)).status == 409


async def test_with_a_key_it_gets_the_first_answer(web: Web) -> None:
    first, second = [await originate(web, headers=KEY) for _ in range(2)]
    assert first.body == second.body
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(web.node.registry) == 1


async def test_a_connection_that_broke_before_the_answer_loses_nothing(web: Web) -> None:
    host, _, port = web.origin.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /ari/channels?endpoint=PJSIP/bob&app=test HTTP/1.1\r\nHost: {web.origin}\r\n"
    fields = {**AUTH, **KEY, "Content-Length": "0"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"{head}{lines}\r\n".encode())
    await writer.drain()
    writer.transport.abort()
    for _ in range(100):
        await settle()
        if len(web.node.registry):
            break
        await asyncio.sleep(0.01)
    (channel,) = web.node.registry
    again = await web.request("POST", "/channels?endpoint=PJSIP/bob&app=test", headers=KEY)
    assert (again.status, again.json["id"]) == (200, channel.id)
    assert len(web.node.registry) == 1


async def test_a_key_can_not_be_used_for_another_request(web: Web) -> None:
    await originate(web, headers=KEY)
    other = await web.call("bridges.create", headers=KEY)
    assert (other.status, other.message) == (
        422,
        "Idempotency-Key: it was used for another request",
    )


async def test_a_malformed_key_is_refused(web: Web) -> None:
    answer = await originate(web, headers={"Idempotency-Key": "x" * 256})
    assert (answer.status, answer.message.partition(":")[0]) == (400, "Idempotency-Key")
    assert len(web.node.registry) == 0
