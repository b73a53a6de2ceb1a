"""POST /channels/externalMedia: every documented code, and what the channel is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.base.errors import Forbidden
from server.config.sections.ari import Scope
from server.config.sections.websocket_client import WebsocketClient
from server.http.scopes import _check_endpoint
from server.tech.base import OutgoingCall
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve

RTP = {"app": "test", "external_host": "127.0.0.1:9000", "format": "ulaw"}
AUDIOSOCKET = {"encapsulation": "audiosocket", "transport": "tcp"}
UUID = "40325ec2-5efd-4bd3-805f-53576e581d13"
WEBSOCKET = {"encapsulation": "none", "transport": "websocket"}


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


async def test_rtp_is_a_channel_that_enters_the_application(web: Web) -> None:
    app = web.node.connect()
    params = {**RTP, "channelId": "m1", "format": "slin16"}
    answer = await web.call(
        "channels.externalMedia", params=params, json={"variables": {"COLOUR": "red"}}
    )
    assert (answer.status, answer.json["id"]) == (200, "m1")
    assert answer.json["name"].startswith("UnicastRTP/127.0.0.1:9000-")
    await settle()
    assert [event["channel"]["id"] for event in app.of("StasisStart")] == ["m1"]
    assert app.of("StasisStart")[0]["channel"]["state"] == "Up"
    channel = web.node.channels.find("m1")
    stream = channel.leg.stream
    assert channel.variables.get("UNICASTRTP_LOCAL_ADDRESS") == "127.0.0.1"
    assert channel.variables.get("UNICASTRTP_LOCAL_PORT") == str(stream.port)
    assert channel.variables.get("COLOUR") == "red"
    assert (stream.codec, stream.remote) == ("slin16", ("127.0.0.1", 9000))
    assert (await web.call("channels.hangup", "m1")).status == 204


async def test_audiosocket_enters_the_application_once_it_is_connected(web: Web) -> None:
    app = web.node.connect()
    connected: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set_result(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    params = {**RTP, **AUDIOSOCKET, "external_host": host, "format": "slin", "data": UUID}
    answer = await web.call("channels.externalMedia", params=params)
    assert (answer.status, answer.json["name"]) == (200, f"AudioSocket/{host}-{UUID}")
    channel = web.node.channels.find(answer.json["id"])
    assert channel.variables.get("AUDIOSOCKET_SERVICE") == host
    await connected
    await settle()
    assert "StasisStart" in app.types
    channel.hangup()
    server.close()
    await server.wait_closed()


async def test_a_websocket_waits_for_its_application(web: Web) -> None:
    app = web.node.connect()
    params = {"app": "test", "format": "ulaw", "connection_type": "server", **WEBSOCKET}
    answer = await web.call("channels.externalMedia", params=params)
    assert answer.status == 200
    assert answer.json["name"].startswith("WebSocket/INCOMING/")
    channel = web.node.channels.find(answer.json["id"])
    connection_id = channel.variables.get("MEDIA_WEBSOCKET_CONNECTION_ID")
    assert channel.variables.get("MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE") == "160"
    await settle()
    assert "StasisStart" not in app.types
    channel.hangup()
    await settle()
    closing = (UPGRADE, "Connection: close\r\n")
    assert (await handshake(web, f"/media/{connection_id}", *closing))[9:12] == b"404"


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
BAD_PROTOCOL = "Sec-WebSocket-Protocol: chat\r\n"


async def handshake(web: Web, path: str, *headers: str, method: str = "GET") -> bytes:
    """Ask for a path, and return what is answered until the connection ends."""
    lines = "".join(headers) or "Connection: close\r\n"
    return await web.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())


async def test_what_media_websockets_refuse(web: Web) -> None:
    web.node.connect()
    leg = web.node.media.create_leg("INCOMING", OutgoingCall())
    path = f"/media/{leg.connection_id}"
    assert (await handshake(web, path))[9:12] == b"426"
    assert (await handshake(web, path, method="POST"))[9:12] == b"501"
    old = UPGRADE.replace("Version: 13", "Version: 99")
    assert (await handshake(web, path, old, "Connection: close\r\n"))[9:12] == b"400"
    bad = (UPGRADE, BAD_PROTOCOL, "Connection: close\r\n")
    assert (await handshake(web, path, *bad))[9:12] == b"400"
    other = (UPGRADE, "Connection: close\r\n")
    assert (await handshake(web, "/media/unknown", *other))[9:12] == b"404"
    web.node.media.claim(leg.connection_id)
    assert (await handshake(web, path, *other))[9:12] == b"409"
    leg.hangup(16)


async def test_a_server_of_websocket_client_conf(web: Web) -> None:
    app = web.node.connect()
    params = {"app": "test", "format": "ulaw", **WEBSOCKET}
    for status, host in ((400, ""), (400, "nobody"), (501, "hidden")):
        web.node.websocket_clients["hidden"] = WebsocketClient(
            name="hidden", uri="ws://localhost/", proxy_host="proxy:3128"
        )
        answer = await web.call("channels.externalMedia", params={**params, "external_host": host})
        assert (answer.status, "external_host" in answer.message) == (status, True)
    web.node.websocket_clients["gone"] = WebsocketClient(
        name="gone", uri="ws://127.0.0.1:1/", reconnect_attempts=0
    )
    answer = await web.call("channels.externalMedia", params={**params, "external_host": "gone"})
    assert answer.status == 200
    for _ in range(300):
        if app.of("ChannelDestroyed"):
            break
        await asyncio.sleep(0.01)
    assert app.of("ChannelDestroyed")[0]["cause"] == 3


async def test_a_name_is_looked_up_before_the_channel_is_made(web: Web) -> None:
    web.node.connect()
    answer = await web.call(
        "channels.externalMedia", params={**RTP, "external_host": "localhost:9000"}
    )
    assert answer.status == 200
    channel = web.node.channels.find(answer.json["id"])
    assert channel.variables.get("UNICASTRTP_LOCAL_ADDRESS") in ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("status", "changes", "named"),
    [
        (400, {"app": ""}, "app"),
        (400, {"format": ""}, "format"),
        (400, {"format": "opium"}, "format"),
        (400, {"encapsulation": "gzip"}, "encapsulation"),
        (400, {"transport": "sctp"}, "transport"),
        (400, {"transport": "tcp"}, "transport"),
        (400, {"transport": "websocket"}, "encapsulation"),
        (400, {"encapsulation": "audiosocket"}, "transport"),
        (400, {"connection_type": "server"}, "connection_type"),
        (400, {"connection_type": "peer"}, "connection_type"),
        (400, {"direction": "in"}, "direction"),
        (400, {"external_host": ""}, "external_host"),
        (400, {"external_host": "127.0.0.1"}, "external_host"),
        (400, {"external_host": "127.0.0.1:70000"}, "external_host"),
        (400, {"external_host": "no such name:9"}, "external_host"),
        (400, {"external_host": "name.invalid:9"}, "external_host"),
        (400, {"channelId": "y" * 999}, "channelId"),
        (400, {**AUDIOSOCKET, "external_host": "127.0.0.1"}, "external_host"),
        (400, AUDIOSOCKET, "data"),
        (400, {**AUDIOSOCKET, "data": "no UUID"}, "data"),
        (400, {**AUDIOSOCKET, "data": UUID, "format": "ulaw"}, "format"),
        (501, {"encapsulation": "none"}, "transport"),
        (501, {"encapsulation": "none", "transport": "tcp"}, "transport"),
    ],
)
async def test_what_is_wrong_is_refused_and_named(
    web: Web, status: int, changes: dict[str, str], named: str
) -> None:
    web.node.connect()
    answer = await web.call("channels.externalMedia", params={**RTP, **changes})
    assert (answer.status, named in answer.message) == (status, True), answer.message
    assert len(web.node.registry) == 0


@pytest.mark.parametrize("missing", ["app", "format", "external_host"])
async def test_what_is_needed_is_asked_for(web: Web, missing: str) -> None:
    params = {name: value for name, value in RTP.items() if name != missing}
    answer = await web.call("channels.externalMedia", params=params)
    assert (answer.status, missing in answer.message) == (400, True)


async def test_an_id_that_is_taken_is_a_conflict(web: Web) -> None:
    web.node.connect()
    params = {**RTP, "channelId": "m1"}
    assert (await web.call("channels.externalMedia", params=params)).status == 200
    assert (await web.call("channels.externalMedia", params=params)).status == 409


def test_a_scoped_token_names_the_endpoints_it_is_good_for() -> None:
    scope = Scope(endpoints=("UnicastRTP/127.0.0.1:*",))
    wanted = {"encapsulation": "rtp", "external_host": "127.0.0.1:9000"}
    _check_endpoint(scope, wanted)
    for changes in ({"external_host": "127.0.0.2:9000"}, {"encapsulation": "none"}):
        with pytest.raises(Forbidden):
            _check_endpoint(scope, {**wanted, **changes})
