"""At the level of bytes: when an event can be read, the reply to its command can be read too."""

from __future__ import annotations

import base64
import json
import select
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tests.support.server_process import ServerProcess

ROUNDS = 60


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own."""
    made = ServerProcess(tmp_path / "var")
    await made.start()
    try:
        yield made
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


class Wire:
    """A connection without a library between us and the bytes."""

    def __init__(self, server: ServerProcess) -> None:
        pair = f"arion:{server.access.users['arion']}".encode()
        self._authorization = f"Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
        self.socket = socket.create_connection(("127.0.0.1", server.access.http_port), 5)

    def request(self, method: str, path: str, headers: str = "") -> None:
        """Send a request without a body."""
        head = f"{method} /ari{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{headers}"
        self.socket.sendall(f"{head}{self._authorization}\r\n".encode())

    def upgrade(self, query: str) -> None:
        """Become an event stream."""
        self.request(
            "GET",
            f"/events?{query}",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        )
        assert self.socket.recv(4096).startswith(b"HTTP/1.1 101 ")

    def ask(self, method: str, uri: str) -> None:
        """Send a REST request over the WebSocket."""
        request = {"type": "RESTRequest", "request_id": uri, "method": method, "uri": uri}
        frame = Frame(Opcode.TEXT, json.dumps(request).encode())
        self.socket.sendall(frame.serialize(mask=True))

    def is_readable(self) -> bool:
        """Tell whether something has come that was not read."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False

    def drain(self) -> bytes:
        """Read what has come, until nothing came for a moment."""
        got = b""
        while select.select([self.socket], [], [], 0.02)[0]:
            got += self.socket.recv(65536)
        return got


def was_reply_first(command: Wire, stream: Wire) -> bool:
    """Wait for the first event, and tell whether the reply could be read then.

    The two are written within microseconds, so this may not sleep.
    """
    deadline = time.monotonic() + 5
    while not stream.is_readable():
        assert time.monotonic() < deadline, "no event came"
    return command.is_readable()


@pytest.mark.timeout(60)
async def test_the_reply_is_written_before_the_events_it_causes(server: ServerProcess) -> None:
    streams = [Wire(server) for _ in range(4)]
    for number, stream in enumerate(streams):
        stream.upgrade(f"app=app{number}&subscribeAll=true")
    commands = [Wire(server) for _ in range(8)]  # an order by chance would show among them
    command = commands[0]
    command.request("POST", "/channels?endpoint=Local/700@phones/n&app=app0&channelId=c")
    assert b" 200 " in command.drain()
    for number in range(ROUNDS):
        for stream in streams:
            stream.drain()
        action = (
            f"variable?variable=X&value={number}",
            f"play?media=sound:none&playbackId=p{number}",
            f"record?name=r{number}&format=wav&maxDurationSeconds=60",
        )[number % 3]
        command = commands[number % 8]
        command.request("POST", f"/channels/c/{action}")
        assert was_reply_first(command, streams[number % 4]), action
        assert command.drain().startswith(b"HTTP/1.1 20")
    command.request("DELETE", "/channels/c")
    command.drain()
    for wire in (*commands, *streams):
        wire.socket.close()
    assert await server.leftovers() == []


def messages(received: bytes) -> list[dict[str, object]]:
    """Decode the text frames of a server."""
    reader = StreamReader()
    reader.feed_data(received)
    found = []
    while reader.buffer:
        parser = Frame.parse(reader.read_exact, mask=False)
        with pytest.raises(StopIteration) as end:
            next(parser)
        found.append(json.loads(end.value.value.data))
    return found


@pytest.mark.timeout(60)
async def test_over_a_websocket_the_reply_precedes_the_events_on_every_socket(
    server: ServerProcess,
) -> None:
    others = [Wire(server) for _ in range(4)]
    for number, other in enumerate(others):
        other.upgrade(f"app=other{number}&subscribeAll=true")
    command = Wire(server)
    command.upgrade("app=app0&subscribeAll=true")
    command.ask("POST", "channels?endpoint=Local/700@phones/n&app=app0&channelId=c")
    first = messages(command.drain())[0]
    assert (first["type"], first["status_code"]) == ("RESTResponse", 200)
    for number in range(ROUNDS):
        for wire in (*others, command):
            wire.drain()
        action = (
            f"channels/c/variable?variable=X&value={number}",
            f"channels/c/play?media=sound:none&playbackId=p{number}",
        )[number % 2]
        command.ask("POST", action)
        assert was_reply_first(command, others[number % 4]), action
        seen = messages(command.drain())
        assert [seen[0]["type"], seen[0]["uri"]] == ["RESTResponse", action]
        assert len(seen) > 1
        assert "RESTResponse" not in [message["type"] for message in seen[1:]]
    command.ask("DELETE", "channels/c")
    command.drain()
    for wire in (*others, command):
        wire.socket.close()
    assert await server.leftovers() == []
