"""Outbound WebSockets against a server of the websockets library."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, basic_auth
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from server.base.errors import Conflict, NotFound
from server.config.sections.ari import Ari, OutboundWebsocket
from server.config.sections.websocket_client import WebsocketClient
from server.http.outbound import JITTER, Link, OutboundWebsockets
from server.resources.stasis_calls import enter_stasis
from tests.support.node import NodeUnderTest, settle
from tests.support.web import READER, USER, Web, serve, validate_event

LINK = OutboundWebsocket("link", websocket_client_id="peer", apps=("a", "b"), local_ari_user="ari")
CALLS = replace(LINK, name="calls", apps=("percall",))
WRONG_KEY = (
    b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: bm9uc2Vuc2U=\r\n\r\n"
)
USERS = {"ari": USER, "reader": READER}


class App:
    """An application's server, and what it heard."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.connections: list[ServerConnection] = []
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closes: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.greeting: list[str] = []

    async def talk(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        for message in self.greeting:
            await connection.send(message)
        try:
            while True:
                self.messages.put_nowait(json.loads(await connection.recv()))
        except ConnectionClosed as closed:
            code = closed.rcvd or closed.sent
            self.closes.put_nowait((code.code, code.reason) if code else (1006, ""))

    @property
    def uri(self) -> str:
        assert self.server
        host, port = self.server.sockets[0].getsockname()[:2]
        return f"ws://{host}:{port}/events?x=1"

    async def next(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.messages.get(), 5)
        validate_event(message)
        return message

    async def until(self, kind: str) -> dict[str, Any]:
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def closed(self) -> tuple[int, str]:
        return await asyncio.wait_for(self.closes.get(), 5)


@asynccontextmanager
async def running_app(**options: Any) -> AsyncIterator[App]:
    app = App()
    port = options.pop("port", 0)
    async with serve_websocket(app.talk, "127.0.0.1", port, **options) as server:
        app.server = server
        yield app


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with running_app(subprotocols=["ari"]) as made:
        yield made


class World:
    """A node whose outbound WebSockets a test configures."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.node = web.node
        self.outbound = OutboundWebsockets(
            web.http, web.node.applications, web.node.bus, draw=lambda: 0.0
        )
        web.node.applications.set_call_connector(self.outbound)

    def configure(self, client: WebsocketClient, *links: OutboundWebsocket) -> None:
        ari = Ari(users=USERS, outbound_websockets={link.name: link for link in links})
        self.outbound.configure(ari, {client.name: client})


@pytest.fixture
async def world(node: NodeUnderTest) -> AsyncIterator[World]:
    async with serve(node) as web:
        made = World(web)
        yield made
        await made.outbound.close()
        assert made.outbound.links == {}


def client(uri: str, **changes: Any) -> WebsocketClient:
    made = WebsocketClient(
        "peer", uri=uri, connection_type="persistent", connection_timeout=3000,
        reconnect_interval=20,
    )  # fmt: skip
    return replace(made, **changes)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.002)


# persistent connections


async def test_applications_are_registered_and_told_so(world: World, app: App) -> None:
    world.configure(client(app.uri), LINK)
    first, second = await app.next(), await app.next()
    assert [first["type"], second["type"]] == ["ApplicationRegistered"] * 2
    assert [first["application"], second["application"]] == ["a", "b"]
    assert first["asterisk_id"] == "test-node"
    assert world.node.applications.is_registered("a")
    assert world.web.http.websocket_count == 1
    assert world.outbound.find("link").is_connected
    request = app.connections[0].request
    assert request is not None
    assert (request.path, request.headers["Sec-WebSocket-Protocol"]) == ("/events?x=1", "ari")
    assert "Authorization" not in request.headers
    assert app.connections[0].subprotocol == "ari"


async def test_events_and_requests_go_over_it(world: World, app: App) -> None:
    world.configure(client(app.uri), replace(LINK, subscribe_all=True))
    await app.until("ApplicationRegistered")
    await app.until("ApplicationRegistered")
    create = {"type": "RESTRequest", "transaction_id": "t", "request_id": "r", "method": "POST",
              "uri": "bridges?bridgeId=x"}  # fmt: skip
    await app.connections[0].send(json.dumps(create))
    answer = await app.next()
    assert (answer["type"], answer["status_code"]) == ("RESTResponse", 200)
    assert {(await app.next())["application"], (await app.next())["application"]} == {"a", "b"}
    world.node.bridges.destroy("x")


async def test_requests_run_as_the_local_user(world: World, app: App) -> None:
    world.configure(client(app.uri), replace(LINK, local_ari_user="reader"))
    app.greeting = [json.dumps({"type": "RESTRequest", "method": "POST", "uri": "bridges"})]
    assert (await app.until("RESTResponse"))["status_code"] == 403


async def test_credentials_are_sent(world: World) -> None:
    check = basic_auth(realm="x", credentials=("me", "s3cret"))
    async with running_app(process_request=check) as app:
        world.configure(client(app.uri, username="me", password="s3cret"), LINK)
        await app.until("ApplicationRegistered")
        world.configure(client(app.uri, username="me", password="wrong"), LINK)
        await until(lambda: "401" in world.outbound.find("link").failure)


async def test_a_lost_connection_is_made_again(world: World, app: App) -> None:
    world.configure(client(app.uri), LINK)
    await app.until("ApplicationRegistered")
    app.connections[0].transport.abort()
    await until(lambda: not world.node.applications.is_registered("a"))
    await until(lambda: world.node.applications.is_registered("a"))
    await app.closed()
    await app.connections[1].close()
    await until(lambda: len(app.connections) == 3)


async def test_a_server_that_comes_later_is_found(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_app() as app:
        uri = app.uri
    with caplog.at_level(logging.WARNING):
        world.configure(client(uri), LINK)
        await until(lambda: world.outbound.find("link").failures > 2)
    assert caplog.text.count("refused") == 1  # said once, not at every attempt
    async with running_app(port=int(uri.rpartition(":")[2].partition("/")[0])) as app:
        await app.until("ApplicationRegistered")
        assert world.outbound.find("link").failure == ""


def test_waits_double_up_to_a_bound_and_differ() -> None:
    draws = iter([0.0] * 8 + [1.0])
    outbound = OutboundWebsockets(None, None, None, draw=lambda: next(draws))  # type: ignore[arg-type]
    link = Link(LINK, client("ws://x", reconnect_interval=100, reconnect_attempts=3))
    waits = []
    for failures in range(8):
        link.failures = failures
        waits.append(round(outbound._delay(link), 3))
    assert waits == [0.1, 0.1, 0.2, 0.4, 0.8, 0.8, 0.8, 0.8]
    assert outbound._delay(link) == pytest.approx(0.8 * (1 + JITTER))


async def test_a_server_that_says_nothing_is_given_up(world: World) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # connects, and nobody answers
    host, port = silent.getsockname()
    world.configure(client(f"ws://{host}:{port}", connection_timeout=30), LINK)
    await until(lambda: "30 ms" in world.outbound.find("link").failure)
    silent.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n",
        WRONG_KEY,
        b"SSH-2.0\r\n\r\n",
        b"",
        b"\xff" * 100_000,
    ],
)
async def test_what_is_no_websocket_is_a_failure(world: World, answer: bytes) -> None:
    async def respond(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    world.configure(client(f"ws://{host}:{port}"), LINK)
    await until(lambda: world.outbound.find("link").failures > 1)
    assert world.outbound.find("link").failure
    server.close()


# reload and stop


async def test_only_what_changed_is_reconnected(world: World, app: App) -> None:
    other = replace(LINK, name="other", apps=("c",))
    world.configure(client(app.uri), LINK, other)
    for _ in range(3):
        await app.until("ApplicationRegistered")
    world.configure(client(app.uri), LINK, replace(other, apps=("d",)))
    gone = await app.until("ApplicationUnregistered")
    assert gone["application"] == "c"
    assert (await app.closed())[0] == 1001
    assert (await app.until("ApplicationRegistered"))["application"] == "d"
    assert not world.node.applications.is_registered("c")
    assert len(app.connections) == 3
    world.configure(client(app.uri))
    assert {(await app.closed())[0], (await app.closed())[0]} == {1001}
    assert world.outbound.links == {}


async def test_unusable_sections_are_left_out(world: World, app: App) -> None:
    bad = [replace(LINK, websocket_client_id="none"), replace(LINK, apps=()),
           replace(LINK, local_ari_user="nobody")]  # fmt: skip
    for link in bad:
        world.configure(client(app.uri), link)
        assert world.outbound.links == {}
    world.configure(client(app.uri, connection_type=""), LINK)
    assert world.outbound.links == {}


async def test_another_connection_may_take_an_application_over(world: World, app: App) -> None:
    world.configure(client(app.uri), LINK)
    await app.until("ApplicationRegistered")
    world.node.connect("a")
    assert (await app.until("ApplicationReplaced"))["application"] == "a"


async def test_a_connection_can_be_started_by_hand(world: World) -> None:
    async with running_app() as app:
        uri = app.uri
    world.configure(client(uri, reconnect_interval=3_600_000), LINK, CALLS)
    await until(lambda: world.outbound.find("link").failures == 1)
    async with running_app(port=int(uri.rpartition(":")[2].partition("/")[0])) as app:
        world.outbound.start("link")
        await app.until("ApplicationRegistered")
        with pytest.raises(Conflict):
            world.outbound.start("link")
        with pytest.raises(NotFound):
            world.outbound.start("nothing")


# a connection for each call


async def test_a_call_brings_its_own_connection(world: World, app: App) -> None:
    world.configure(client(app.uri, connection_type="per_call_config"), CALLS)
    assert app.connections == []
    went_on = asyncio.Event()

    async def dialplan(channel: Any) -> None:
        await enter_stasis(channel, "percall", ["x"])
        went_on.set()
        await channel.wait_hangup()

    world.node.dialplan.extensions["stasis"] = dialplan
    channel = await world.node.call()
    started = await app.next()  # no ApplicationRegistered before it
    assert (started["type"], started["args"]) == ("StasisStart", ["x"])
    assert started["application"] == f"percall:{channel.name}"
    await app.connections[0].send(
        json.dumps(
            {"type": "RESTRequest", "method": "POST", "uri": f"channels/{channel.id}/continue"}
        )
    )
    assert (await app.next())["type"] == "RESTResponse"
    assert (await app.until("StasisEnd"))["channel"]["id"] == channel.id
    assert (await app.closed())[0] == 1000
    assert app.messages.empty()
    assert went_on.is_set()
    assert world.node.applications.list() == []
    channel.hangup()


async def test_calls_have_connections_of_their_own(world: World, app: App) -> None:
    world.configure(client(app.uri, connection_type="per_call_config"), CALLS)
    world.node.dialplan.extensions["stasis"] = lambda c: enter_stasis(c, "percall", [])
    channels = [await world.node.call("alice"), await world.node.call("bob")]
    started = [await app.next(), await app.next()]
    assert {event["channel"]["id"] for event in started} == {channel.id for channel in channels}
    assert len(app.connections) == 2
    for channel in channels:
        channel.hangup()
    await app.closed()
    await app.closed()


async def test_an_application_that_is_connected_is_preferred(world: World, app: App) -> None:
    world.configure(client(app.uri, connection_type="per_call_config"), CALLS)
    mine = world.node.connect("percall")
    world.node.dialplan.extensions["stasis"] = lambda c: enter_stasis(c, "percall", [])
    channel = await world.node.call()
    assert "StasisStart" in mine.types
    assert app.connections == []
    channel.hangup()


async def test_when_it_cannot_be_made_the_dialplan_goes_on(world: World) -> None:
    async with running_app() as app:
        uri = app.uri
    peer = client(uri, connection_type="per_call_config", reconnect_attempts=2,
                  reconnect_interval=1)  # fmt: skip
    world.configure(peer, CALLS)
    failures: asyncio.Queue[str] = asyncio.Queue()

    async def dialplan(channel: Any) -> None:
        with pytest.raises(NotFound) as failure:
            await enter_stasis(channel, "percall", [])
        failures.put_nowait(str(failure.value))

    world.node.dialplan.extensions["stasis"] = dialplan
    await world.node.call()
    assert "percall can't be reached" in await asyncio.wait_for(failures.get(), 5)


async def test_a_caller_may_hang_up_while_it_is_made(world: World) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # connects, and nobody answers
    host, port = silent.getsockname()
    world.configure(client(f"ws://{host}:{port}", connection_type="per_call_config"), CALLS)
    world.node.dialplan.extensions["stasis"] = lambda c: enter_stasis(c, "percall", [])
    channel = await world.node.call()
    assert not world.node.applications.is_registered(f"percall:{channel.name}")
    channel.hangup()
    await until(lambda: len(world.node.node.scope) == 0)
    silent.close()


async def test_the_end_of_a_connection_unregisters_its_application(world: World, app: App) -> None:
    world.configure(client(app.uri, connection_type="per_call_config"), CALLS)
    connection = await world.outbound.connect_for_call("percall", "PJSIP/x-1")
    assert world.node.applications.is_registered("percall:PJSIP/x-1")
    connection.close()
    assert (await app.closed())[0] == 1000
    await settle()
    assert not world.node.applications.is_registered("percall:PJSIP/x-1")
