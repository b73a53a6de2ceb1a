"""Requests, errors, and the stream of events when the connection breaks."""

from __future__ import annotations

import asyncio

import aiohttp.web
import arion
import pytest
from arion import _feed
from arion._inbox import MAX_EVENTS, Inbox, Outcomes

from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve


async def test_errors_have_a_class_for_each_status(client: arion.Client, web: Web) -> None:
    with pytest.raises(arion.NotFound) as missing:
        await client.channels.get("no/such?channel")
    assert (missing.value.status, missing.value.operation) == (404, "channels.get")
    with pytest.raises(arion.BadRequest, match="operation:"):
        await client.playbacks.control("x", operation="dance")
    async with arion.Client(web.url, "reader", "look") as reader:
        with pytest.raises(arion.Forbidden):
            await reader.bridges.create()
    async with arion.Client(web.url, "ari", "wrong") as stranger:
        with pytest.raises(arion.Unauthorized):
            await stranger.channels.list()
        with pytest.raises(arion.Unauthorized):
            async with stranger.events("test"):
                pass


async def test_a_server_that_is_not_there() -> None:
    async with arion.Client("http://127.0.0.1:1/ari", "a", "b", timeout=1) as client:
        with pytest.raises(arion.ConnectionFailed, match=r"channels\.list"):
            await client.channels.list()
        with pytest.raises(arion.ConnectionFailed):
            async for _ in client.events("test", reconnect=False):
                pass


async def test_parameters_arrive_as_given(client: arion.Client, node: NodeUnderTest) -> None:
    async with client.events("test"):
        params = {"eventSource": "endpoint:PJSIP/alice"}
        await client.applications.subscribe("test", event_source=[params["eventSource"]])
        application = await client.applications.unsubscribe(
            "test", event_source=params["eventSource"]
        )
        assert application.endpoint_ids == []
        allowed = {"allowed": [{"type": "StasisStart"}]}
        filtered = await client.applications.filter("test", event_filter=allowed)
        assert filtered.events_allowed == allowed["allowed"]
        channel = await client.channels.originate(
            endpoint="PJSIP/bob", app="test", variables={"A": "1, 2"}, timeout=5
        )
        made = node.registry.find(channel.id)
        assert made is not None
        assert made.variables.get("A") == "1, 2"
    info = await client.asterisk.get_info(only=["system", "status"])
    assert info.system is not None
    assert info.build is None


async def test_the_server_says_what_it_can(client: arion.Client) -> None:
    declared = await client._core.declared()
    assert {"app", "subscribeAll", "resume", "share"} <= declared


async def test_waiting_needs_a_stream(client: arion.Client, node: NodeUnderTest) -> None:
    node.connect()
    await node.call()
    (channel,) = await client.channels.list()
    with pytest.raises(arion.NotListening):
        await channel.digit()


async def test_a_stream_reconnects_and_finds_out_what_ended(
    client: arion.Client, node: NodeUnderTest, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_feed, "FIRST_DELAY", 0.01)
    async with client.events("test") as events:
        call = await node.call()
        start = await anext(events)
        assert isinstance(start, arion.StasisStart)
        await start.channel.answer()
        playback = await start.channel.play("sound:long")
        waiting = asyncio.create_task(playback.finished())
        gone = asyncio.create_task(start.channel.wait_gone())
        await settle()
        for connection in list(web.http._connections):
            if connection._session is not None:
                connection.abort()
        call.hangup()
        async with asyncio.timeout(5):
            assert (await waiting).id == playback.id
            await gone
        await node.call("bob")
        async with asyncio.timeout(5):
            async for event in events:
                if isinstance(event, arion.StasisStart):
                    break


async def test_a_stream_waits_for_a_server_that_starts_late(
    node: NodeUnderTest, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.config.sections.http import Http

    monkeypatch.setattr(_feed, "FIRST_DELAY", 0.01)
    async with arion.Client(f"http://127.0.0.1:{unused_tcp_port}/ari", "ari", "secret") as client:
        connecting = asyncio.create_task(client.events("test").__aenter__())
        await asyncio.sleep(0.03)
        async with serve(node, Http(enabled=True, bindport=unused_tcp_port)):
            stream = await asyncio.wait_for(connecting, 5)
            assert node.applications.is_registered("test")
            await stream.aclose()


async def test_events_of_unknown_types_are_events(unused_tcp_port: int) -> None:
    async def handler(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        socket = aiohttp.web.WebSocketResponse(protocols=("ari",))
        await socket.prepare(request)
        for junk in ("no json", "[]", "null", '{"type": 3}', '{"type":"StasisStart","channel":1}'):
            await socket.send_str(junk)
        await socket.send_json({"type": "FullMoon", "application": "test", "bright": True})
        await socket.send_json({"type": "StasisEnd", "channel": {"id": "1"}})
        await socket.close()
        return socket

    app = aiohttp.web.Application()
    app.router.add_get("/ari/events", handler)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    async with arion.Client(f"http://127.0.0.1:{unused_tcp_port}/ari", "a", "b") as client:
        stream = client.events("test", reconnect=False)
        seen = [await anext(stream), await anext(stream)]
        with pytest.raises(arion.ConnectionFailed, match="closed the events"):
            await anext(stream)
    await runner.cleanup()
    assert isinstance(seen[0], arion.UnknownEvent)
    assert seen[0].name == "FullMoon"
    assert seen[0].raw["bright"] is True
    assert isinstance(seen[1], arion.StasisEnd)
    assert seen[1].channel.name == ""


async def test_an_inbox_keeps_the_latest_events() -> None:
    inbox = Inbox()
    for number in range(MAX_EVENTS + 5):
        inbox.put({"number": number})
    assert await inbox.take(lambda _: True) == {"number": 5}
    assert await inbox.take(lambda event: event["number"] == 100) == {"number": 100}
    assert await inbox.take(lambda _: True) == {"number": 6}


async def test_outcomes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arion._inbox.MAX_OUTCOMES", 3)
    outcomes = Outcomes()
    for number in range(5):
        outcomes.expect(("playback", str(number)))
    assert len(outcomes.pending()) == 3
    outcomes.settle(("playback", "4"), {})
    assert len(outcomes.pending()) == 2
