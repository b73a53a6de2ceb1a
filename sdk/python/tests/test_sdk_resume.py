"""Resuming: what a server that numbers its events is asked for, and what the program sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp.web
import arion
import pytest
from aiohttp.web import HTTPException, Request, Response, WebSocketResponse
from arion import _feed

Script = Callable[[WebSocketResponse], Awaitable[None]]

SPECIFICATION = {"paths": {"/events": {"get": {"parameters": [{"name": "resume"}]}}}}


class Server:
    """Plays a script on each connection, and keeps how it was asked."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.scripts: list[Script | type[HTTPException]] = []
        self.specification: dict[str, Any] | None = SPECIFICATION
        self.refusals: list[type[HTTPException]] = []  # of the specification
        self.url = ""

    async def events(self, request: Request) -> WebSocketResponse:
        self.asked.append(request.query.get("resume"))
        script = self.scripts.pop(0)
        if isinstance(script, type):
            raise script
        socket = WebSocketResponse(protocols=("ari",))
        await socket.prepare(request)
        await script(socket)
        await socket.close()
        return socket

    async def document(self, request: Request) -> Response:
        if self.refusals:
            raise self.refusals.pop(0)
        if self.specification is None:
            raise aiohttp.web.HTTPNotFound
        return aiohttp.web.json_response(self.specification)

    async def answer(self, request: Request) -> Response:
        raise aiohttp.web.HTTPConflict(
            text=json.dumps({"message": "Channel not in Stasis application"})
        )

    async def channel(self, request: Request) -> Response:
        raise aiohttp.web.HTTPNotFound(text=json.dumps({"message": "Channel not found"}))


@pytest.fixture
async def server(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(_feed, "FIRST_DELAY", 0.01)
    made = Server()
    app = aiohttp.web.Application()
    app.router.add_get("/ari/events", made.events)
    app.router.add_get("/ari/api-docs/openapi.json", made.document)
    app.router.add_get("/ari/channels/{id}", made.channel)
    app.router.add_post("/ari/channels/{id}/answer", made.answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    made.url = f"http://127.0.0.1:{unused_tcp_port}/ari"
    yield made
    await runner.cleanup()


def sends(*events: dict[str, Any]) -> Script:
    async def script(socket: WebSocketResponse) -> None:
        for event in events:
            await socket.send_json({"application": "test", **event})

    return script


async def stays(socket: WebSocketResponse) -> None:
    await socket.receive()


def user_event(number: int) -> dict[str, Any]:
    return {"type": "ChannelUserevent", "seq": number, "eventname": str(number), "userevent": {}}


def start(number: int, channel: str) -> dict[str, Any]:
    return {"type": "StasisStart", "seq": number, "args": [], "channel": {"id": channel}}


async def take(events: arion.EventStream, count: int) -> list[str]:
    async with asyncio.timeout(5):
        taken = [await anext(events) for _ in range(count)]
    return [f"{event.type} {event.seq}" for event in taken]


async def test_what_was_missed_comes_once(server: Server) -> None:
    server.scripts = [
        sends({"type": "Resync", "reason": "new", "seq": 6}, user_event(7), user_event(9)),
        aiohttp.web.HTTPServiceUnavailable,
        sends(user_event(9), user_event(12)),  # 9 comes again: it was seen
        stays,
    ]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test", resume="auto") as events,
    ):
        seen = await take(events, 4)
        assert seen[1:] == ["ChannelUserevent 7", "ChannelUserevent 9", "ChannelUserevent 12"]
        async with asyncio.timeout(5):
            while len(server.asked) < 4:
                await asyncio.sleep(0.002)
    assert server.asked == ["new", "9", "9", "12"]


async def test_a_resync_ends_what_is_no_more(server: Server) -> None:
    server.scripts = [
        sends(start(1, "gone")),
        sends({"type": "Resync", "reason": "expired", "seq": 90, "channels": [], "bridges": []}),
        stays,
    ]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test", resume="always") as events,
    ):
        first = await anext(events)
        assert isinstance(first, arion.StasisStart)
        await first.channel.wait_gone(timeout=5)
        assert (await anext(events)).raw["type"] == "Resync"


async def test_a_server_that_numbers_nothing_is_asked_for_nothing(server: Server) -> None:
    """As Asterisk is: it has no such document, and no such parameter."""
    server.specification = None
    server.scripts = [sends(start(1, "gone")), stays]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test", resume="auto") as events,
    ):
        first = await anext(events)
        assert isinstance(first, arion.StasisStart)
        async with asyncio.timeout(5):
            assert isinstance(await anext(events), arion.Reconnected)
        await first.channel.wait_gone(timeout=5)
    assert server.asked == [None, None]


async def test_a_server_that_starts_is_asked_again_what_it_can(server: Server) -> None:
    server.refusals = [aiohttp.web.HTTPServiceUnavailable]
    server.scripts = [sends({"type": "Resync", "reason": "new", "seq": 6}), stays]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test", resume="auto") as events,
    ):
        assert await take(events, 1) == ["Resync 6"]
    assert server.asked[0] == "new"


async def test_a_refused_number_leads_back_to_plain_events(server: Server) -> None:
    server.scripts = [aiohttp.web.HTTPBadRequest, sends(user_event(1)), stays]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test", resume="auto") as events,
    ):
        assert await take(events, 1) == ["ChannelUserevent 1"]
    assert server.asked[:2] == ["new", None]


async def test_whoever_insists_on_resuming_hears_of_the_refusal(server: Server) -> None:
    server.scripts = [aiohttp.web.HTTPBadRequest]
    async with arion.Client(server.url, "a", "b") as client:
        with pytest.raises(arion.BadRequest):
            async with client.events("test", resume="always"):
                pass


async def test_a_command_that_comes_too_late_finds_the_channel_gone(server: Server) -> None:
    async def leaves_later(socket: WebSocketResponse) -> None:
        await sends(start(1, "leaving"))(socket)
        await asyncio.sleep(0.05)
        await sends({"type": "StasisEnd", "channel": {"id": "leaving"}})(socket)
        await stays(socket)

    server.scripts = [leaves_later]
    async with (
        arion.Client(server.url, "a", "b") as client,
        client.events("test") as events,
    ):
        first = await anext(events)
        assert isinstance(first, arion.StasisStart)
        with pytest.raises(arion.ChannelGone):
            await first.channel.answer()
        with pytest.raises(arion.Conflict):
            await client.channels.answer("never here")


async def test_events_that_nobody_takes_are_bounded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_feed, "MAX_WAITING", 3)
    server.scripts = [sends(*map(user_event, range(1, 11)))]
    async with arion.Client(server.url, "a", "b") as client:
        events = client.events("test", reconnect=False)
        async with events:
            async with asyncio.timeout(5):
                while events.dropped < 7:
                    await asyncio.sleep(0.002)
            assert await take(events, 3) == [f"ChannelUserevent {n}" for n in (8, 9, 10)]
