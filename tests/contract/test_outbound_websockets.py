"""The real server connects to applications: for good, and for each call."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support.server_process import ServerProcess, free_port

DIALPLAN = """
[phones](+)
exten => 740,1,Stasis(percall,one,two)
 same => n,Set(GLOBAL(RESULT)=${STASISSTATUS})
exten => 741,1,Stasis(unreachable)
 same => n,Set(GLOBAL(RESULT)=${STASISSTATUS})
"""
ARI = """
[always]
type = outbound_websocket
websocket_client_id = always
apps = watcher
local_ari_user = arion
subscribe_all = yes
[calls]
type = outbound_websocket
websocket_client_id = calls
apps = percall
local_ari_user = arion
[lost]
type = outbound_websocket
websocket_client_id = lost
apps = unreachable
local_ari_user = arion
"""
CLIENT = """
[{name}]
type = websocket_client
uri = ws://127.0.0.1:{port}/{name}
connection_type = {kind}
reconnect_interval = 50
reconnect_attempts = 2
"""


class Apps:
    """The applications' server; paths are kept apart."""

    def __init__(self) -> None:
        self.port = 0
        self.connections: dict[str, ServerConnection] = {}
        self.messages: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}

    def queue(self, path: str) -> asyncio.Queue[dict[str, Any] | None]:
        return self.messages.setdefault(path, asyncio.Queue())

    async def talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        self.connections[path] = connection
        try:
            async for message in connection:
                self.queue(path).put_nowait(json.loads(message))
        except ConnectionClosed:
            pass
        self.queue(path).put_nowait(None)

    async def until(self, path: str, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while (message := await self.queue(path).get()) is None or message["type"] != kind:
                pass
        return message

    async def ask(self, path: str, method: str, uri: str) -> dict[str, Any]:
        request = {"type": "RESTRequest", "request_id": "1", "method": method, "uri": uri}
        await self.connections[path].send(json.dumps(request))
        return await self.until(path, "RESTResponse")


@pytest.fixture
async def apps() -> AsyncIterator[Apps]:
    made = Apps()
    async with serve(made.talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ari")]) as listener:
        made.port = listener.sockets[0].getsockname()[1]
        yield made


@pytest.fixture
async def server(tmp_path: Path, apps: Apps) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    etc = made.var / "etc"
    with (etc / "extensions.conf").open("a") as file:
        file.write(DIALPLAN)
    with (etc / "ari.conf").open("a") as file:
        file.write(ARI)
    kinds = {"always": "persistent", "calls": "per_call_config", "lost": "per_call_config"}
    (etc / "websocket_client.conf").write_text(
        "".join(
            CLIENT.format(name=name, kind=kind, port=free_port() if name == "lost" else apps.port)
            for name, kind in kinds.items()
        )
    )
    await made.start()
    try:
        yield made
        assert await made.stop() == 0
        assert not re.findall(r"(?m)^.*(?:Traceback|\bERROR\b).*$", made.log)
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def test_applications_are_connected_to(server: ServerProcess, apps: Apps) -> None:
    await apps.until("/always", "ApplicationRegistered")
    made = await apps.ask(
        "/always", "POST", "channels?endpoint=Local/740@phones/n&extension=700&context=phones"
    )
    assert made["status_code"] == 200, made
    started = await apps.until("/calls", "StasisStart")
    channel = started["channel"]["id"]
    assert started["args"] == ["one", "two"]
    assert started["application"] == f"percall:{started['channel']['name']}"
    sessions = await server.cli("ari show websocket sessions")
    assert "2 sessions" in sessions
    assert f"calls:{started['channel']['name']}"[:32] in sessions
    assert "Connected" in await server.cli("ari show outbound-websockets")
    await apps.ask("/calls", "POST", f"channels/{channel}/continue")
    await apps.until("/calls", "StasisEnd")
    assert await asyncio.wait_for(apps.queue("/calls").get(), 5) is None
    assert apps.connections["/calls"].close_code == 1000
    assert (await server.get("/asterisk/variable", variable="RESULT"))["value"] == "SUCCESS"


async def test_a_call_goes_on_when_its_application_cannot_be_reached(
    server: ServerProcess, apps: Apps
) -> None:
    await apps.until("/always", "ApplicationRegistered")
    await server.post("/channels", endpoint="Local/741@phones/n", extension="700", context="phones")
    await apps.until("/always", "ChannelDestroyed")
    assert (await server.get("/asterisk/variable", variable="RESULT"))["value"] == "FAILED"


async def test_what_is_shut_down_comes_back_if_it_is_persistent(
    server: ServerProcess, apps: Apps
) -> None:
    await apps.until("/always", "ApplicationRegistered")
    await server.cli("ari shutdown websocket session always")
    await apps.until("/always", "ApplicationRegistered")
    assert "always" in await server.cli("ari show outbound-websocket always")
    assert "is connected" in await server.cli("ari start outbound-websocket always")
