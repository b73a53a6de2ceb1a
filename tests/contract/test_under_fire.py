"""The real server under random calls and random operations, and consumers that misbehave.

Afterwards nothing may be left of any call: no channel, bridge, stream, file or memory; and the log
has no error of ours.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import random
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from arion.testing import Call, CallFailed, Phone

from tests.support.server_process import EventStream, ServerProcess

CLIENTS = 4
CALLS = 200
SPARE_FILES = 4  # descriptors that may come and go: a lingering HTTP connection, the console
GROWTH = 6_000  # KiB that 200 calls may cost for good: arenas, caches
DIALPLAN = """
[phones](+)
exten => _72X,1,Stasis(client${EXTEN:2})
 same => n,Hangup()
exten => _73X,1,Answer()
 same => n,Stasis(client${EXTEN:2},a,b)
 same => n,Wait(0.05)
 same => n,Hangup()
"""
FORESEEN = {200, 201, 204, 400, 404, 409, 412, 422}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own; must end clean, with nothing left of any call."""
    made = ServerProcess(tmp_path / "var")
    with (made.var / "etc/extensions.conf").open("a", encoding="utf-8") as dialplan:
        dialplan.write(DIALPLAN)
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert "0 active channels" in await made.cli("core show channels")
        assert not re.findall(r"(?m)^.*(?:Traceback|\bERROR\b).*$", made.log)
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


def memory_kib(server: ServerProcess) -> int:
    """Return the server's resident memory."""
    status = Path(f"/proc/{server.pid}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


def authorization(server: ServerProcess) -> dict[str, str]:
    """Return the header that lets requests in."""
    pair = f"arion:{server.access.users['arion']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


class Client:
    """An application with a phone, both moody."""

    def __init__(self, server: ServerProcess, number: int, seed: int) -> None:
        self.server = server
        self.number = number
        self.app = f"client{number}"
        self.random = random.Random(seed)
        self.statuses: dict[int, int] = {}
        self.known: list[str] = []
        self.stream: EventStream | None = None
        self.problems: list[str] = []
        self.session = aiohttp.ClientSession(headers=authorization(server))

    async def run(self, calls: int) -> None:
        user = "alice" if self.number % 2 else "bob"
        self.stream = await self.server.connect_app(self.app)
        async with (
            Phone(user, self.server.access.phones[user], server=self.server.sip) as phone,
            self.session,
        ):
            for _ in range(calls):
                await self.one_call(phone)
            await self.stream.close()

    async def one_call(self, phone: Phone) -> None:
        assert self.stream
        exten = f"7{self.random.choice('23')}{self.number}"
        call = await phone.prepare(exten)
        dialling = asyncio.create_task(_dial(call))
        try:
            started = await self.stream.wait_for(
                "StasisStart", 5, channel__protocol_id=call.call_id
            )
        except TimeoutError:
            self.problems.append(f"no StasisStart for {exten}")
            return
        channel = started["channel"]["id"]
        self.known.append(channel)
        for _ in range(self.random.randrange(1, 9)):
            await self.operate(channel)
            if self.random.random() < 0.1:
                break
        if self.random.random() < 0.15:
            await self.lose_the_socket()
        if self.random.random() < 0.5:
            await call.hangup() if call.answered.is_set() else await self.delete(channel)
        else:
            await self.delete(channel)
        await dialling
        if call.answered.is_set():
            async with asyncio.timeout(5):
                await call.ended.wait()

    async def lose_the_socket(self) -> None:
        assert self.stream
        if self.random.random() < 0.5:
            self.stream.drop()
        self.stream = await self.server.connect_app(self.app)

    async def delete(self, channel: str) -> None:
        await self.ask("DELETE", f"/channels/{channel}")

    async def operate(self, channel: str) -> None:
        other = self.random.choice(self.known[-6:])
        bridge = f"bridge{self.random.randrange(3)}"
        name = f"r{self.random.randrange(6)}"
        method, path, query = self.random.choice(
            [
                ("POST", f"/channels/{channel}/answer", {}),
                ("POST", f"/channels/{channel}/answer", {}),
                ("POST", f"/channels/{channel}/ring", {}),
                ("POST", f"/channels/{channel}/play", {"media": "sound:vm-intro"}),
                ("POST", f"/channels/{channel}/play", {"media": "tone:ring"}),
                ("POST", f"/channels/{channel}/play", {"media": "sound:none"}),
                ("POST", f"/channels/{channel}/record",
                 {"name": name, "format": "wav", "ifExists": "overwrite"}),
                ("POST", f"/channels/{channel}/moh", {}),
                ("POST", f"/channels/{channel}/mute", {"direction": "in"}),
                ("POST", f"/channels/{channel}/hold", {}),
                ("POST", f"/channels/{channel}/dtmf", {"dtmf": "12"}),
                ("POST", f"/channels/{channel}/continue", {}),
                ("POST", f"/channels/{other}/continue", {}),
                ("POST", f"/channels/{channel}/move", {"app": f"client{self.random.randrange(4)}"}),
                ("POST", f"/channels/{channel}/variable", {"variable": "X", "value": "1"}),
                ("GET", f"/channels/{channel}/variable", {"variable": "CHANNEL(state)"}),
                ("GET", f"/channels/{channel}/rtp_statistics", {}),
                ("POST", f"/bridges/{bridge}", {"type": self.random.choice(["mixing", "holding"])}),
                ("POST", f"/bridges/{bridge}/addChannel", {"channel": channel}),
                ("POST", f"/bridges/{bridge}/addChannel", {"channel": f"{channel},{other}"}),
                ("POST", f"/bridges/{bridge}/removeChannel", {"channel": channel}),
                ("POST", f"/bridges/{bridge}/play", {"media": "sound:vm-intro"}),
                ("POST", f"/bridges/{bridge}/record",
                 {"name": name, "format": "wav", "ifExists": "overwrite"}),
                ("POST", f"/bridges/{bridge}/moh", {}),
                ("DELETE", f"/bridges/{bridge}", {}),
                ("DELETE", f"/recordings/live/{name}", {}),
                ("POST", f"/recordings/live/{name}/stop", {}),
                ("POST", "/channels",
                 {"endpoint": f"Local/72{self.number}@phones", "app": self.app, "timeout": "1"}),
                ("POST", "/channels",
                 {"endpoint": f"Local/73{self.number}@phones", "extension": "700",
                  "context": "phones"}),
                ("DELETE", f"/channels/{other}", {}),
                ("GET", "/channels", {}),
                ("GET", "/bridges", {}),
                ("GET", "/applications", {}),
            ]
        )  # fmt: skip
        await self.ask(method, path, **query)

    async def ask(self, method: str, path: str, **query: str) -> None:
        url = f"{self.server.access.ari_url}{path}"
        async with self.session.request(method, url, params=query) as response:
            body = await response.read()
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            if response.status not in FORESEEN:
                self.problems.append(f"{method} {path} {query}: {response.status} {body!r}")


async def _dial(call: Call) -> None:
    with contextlib.suppress(CallFailed):
        await call.dial(10)


async def clean_up(server: ServerProcess) -> None:
    """End what applications left behind, as they would have to."""
    for channel in await server.get("/channels"):
        with contextlib.suppress(AssertionError):
            await server.delete(f"/channels/{channel['id']}")
    for bridge in await server.get("/bridges"):
        with contextlib.suppress(AssertionError):
            await server.delete(f"/bridges/{bridge['id']}")


@pytest.mark.timeout(120)
async def test_random_calls_leave_nothing(server: ServerProcess) -> None:
    seed = int(os.environ.get("FIRE_SEED", "1"))
    warm = [Client(server, number, seed + 100 + number) for number in range(CLIENTS)]
    await asyncio.gather(*(client.run(5) for client in warm))
    await clean_up(server)
    assert await server.leftovers() == []
    files, memory = server.open_files(), memory_kib(server)
    clients = [Client(server, number, seed + number) for number in range(CLIENTS)]
    await asyncio.gather(*(client.run(CALLS // CLIENTS) for client in clients))
    await clean_up(server)
    assert [problem for client in clients for problem in client.problems] == []
    assert await server.leftovers() == []
    assert server.open_files() <= files + SPARE_FILES
    assert memory_kib(server) <= memory + GROWTH


# consumers that misbehave


async def raw_socket(server: ServerProcess, head: str) -> socket.socket:
    """Connect and send a request's head; blocking, with a small buffer for what comes back."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(5)
    await asyncio.to_thread(made.connect, ("127.0.0.1", server.access.http_port))
    credentials = authorization(server)["Authorization"]
    made.sendall(f"{head}Authorization: {credentials}\r\n\r\n".encode())
    return made


def websocket_head(query: str) -> str:
    """Return the head of a WebSocket handshake."""
    return (
        f"GET /ari/events?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )


@pytest.mark.timeout(60)
async def test_who_never_reads_is_cut_off_and_hurts_nobody(server: ServerProcess) -> None:
    reader = await server.connect_app("reader", subscribeAll="true")
    sleeper = await raw_socket(server, websocket_head("app=sleeper&subscribeAll=true"))
    channel = await server.post("/channels", endpoint="Local/700@phones/n", app="reader")
    await reader.wait_for("StasisStart")
    memory = memory_kib(server)
    for number in range(5_000):
        if number % 100 == 0:
            await asyncio.sleep(0)
        await server.post(
            f"/channels/{channel['id']}/variable", variable="X", value=f"{number}" + "x" * 4000
        )
        if "too slow" in server.log:
            break
    seen = await reader.wait_for("ChannelVarset", value=f"{number}" + "x" * 4000)
    assert seen["channel"]["id"] == channel["id"]
    apps = {app["name"] for app in await server.get("/applications")}
    assert apps == {"reader"}
    assert memory_kib(server) < memory + 24_000
    sleeper.close()
    await reader.close()
    await clean_up(server)


@pytest.mark.timeout(60)
async def test_a_burst_of_events_arrives_whole_and_in_order(server: ServerProcess) -> None:
    reader = await server.connect_app("reader")
    watcher = await server.connect_app("watcher", subscribeAll="true")
    channel = await server.post("/channels", endpoint="Local/700@phones/n", app="reader")
    await reader.wait_for("StasisStart")
    values = {f"V{number}": str(number) for number in range(500)}
    url = f"{server.access.ari_url}/channels/{channel['id']}/variables"
    async with aiohttp.ClientSession(headers=authorization(server)) as session:
        for _ in range(10):
            async with session.post(url, json={"variables": values}) as response:
                assert response.status == 204
    await server.delete(f"/channels/{channel['id']}")
    for stream in (reader, watcher):
        await stream.wait_for("ChannelDestroyed", channel__id=channel["id"])
        heard = [
            int(event["value"])
            for event in stream.events
            if event["type"] == "ChannelVarset" and event["variable"].startswith("V")
        ]
        assert heard == list(range(500)) * 10
        await stream.close()
