"""The events' WebSocket on a stream of HTTP/3 (RFC 9220), with aioquic's client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aioquic.h3.connection import ErrorCode
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from server.http.websocket import MAX_INCOMING, MAX_QUEUED_BYTES, SLOW_CONSUMER
from tests.support.h3_client import TIMEOUT, Fields, H3Client
from tests.support.node import NodeUnderTest
from tests.support.web import Web, validate_event

VERSION = (b"sec-websocket-version", b"13")
QUERY = "app=test&subscribeAll=true"


def begin(client: H3Client, query: str = QUERY, fields: Fields = (VERSION,), **options: Any) -> int:
    head = [(b":protocol", b"websocket"), *fields]
    return client.begin("CONNECT", f"/events?{query}", head, **options)


class Socket:
    """The client's side of a WebSocket on a stream."""

    def __init__(self, client: H3Client, stream_id: int) -> None:
        self.client = client
        self.stream_id = stream_id
        self.exchange = client.exchanges[stream_id]
        self.frames = Protocol(Side.CLIENT, state=State.OPEN)
        self.received: list[Frame] = []
        self._taken = 0

    @classmethod
    async def open(cls, client: H3Client, query: str = QUERY, fields: Fields = ()) -> Socket:
        stream_id = begin(client, query, (VERSION, *fields))
        made = cls(client, stream_id)
        await asyncio.wait_for(made.exchange.headers_arrived.wait(), TIMEOUT)
        assert made.exchange.fields[":status"] == "200"
        assert "content-length" not in made.exchange.fields
        return made

    async def frame(self) -> Frame:
        async with asyncio.timeout(TIMEOUT):
            while not self.received:
                body = self.exchange.body
                self.frames.receive_data(body[self._taken :])
                self._taken = len(body)
                events: Sequence[object] = self.frames.events_received()
                self.received += [event for event in events if isinstance(event, Frame)]
                self.flush()
                if not self.received:
                    await asyncio.sleep(0.002)
        return self.received.pop(0)

    async def message(self) -> dict[str, Any]:
        frame = await self.frame()
        assert frame.opcode is Opcode.TEXT
        message: dict[str, Any] = json.loads(bytes(frame.data))
        validate_event(message)
        return message

    def send(self, message: object) -> None:
        self.frames.send_text(json.dumps(message).encode())
        self.flush()

    def flush(self) -> None:
        for data in self.frames.data_to_send():
            self.client.send(self.stream_id, data, is_last=not data)


def ask(method: str, uri: str) -> dict[str, str]:
    ids = {"transaction_id": "t", "request_id": "r"}
    return {"type": "RESTRequest", **ids, "method": method, "uri": uri}


async def test_events_and_answers_come_as_over_http_1(
    node: NodeUnderTest, client: H3Client
) -> None:
    offered = (b"sec-websocket-protocol", b"chat, ari")
    socket = await Socket.open(client, fields=(offered,))
    assert socket.exchange.fields["sec-websocket-protocol"] == "ari"
    for number in range(20):
        socket.send(ask("POST", f"bridges/b{number}"))
        answer, event = await socket.message(), await socket.message()
        assert (answer["type"], answer["status_code"]) == ("RESTResponse", 200)
        assert (event["type"], event["bridge"]["id"]) == ("BridgeCreated", f"b{number}")
    for number in range(20):
        node.bridges.destroy(f"b{number}")


@pytest.mark.parametrize(
    ("query", "fields", "options", "status"),
    [
        (QUERY, (VERSION,), {"is_authenticated": False}, 401),
        ("app=", (VERSION,), {}, 400),
        (QUERY, (), {}, 400),
        (QUERY, ((b"sec-websocket-version", b"8"),), {}, 400),
        (QUERY, (VERSION, (b"sec-websocket-protocol", b"chat")), {}, 400),
        (QUERY + "&worker=w", (VERSION,), {}, 400),
    ],
)
async def test_a_handshake_that_is_wrong_is_refused(
    web: Web, client: H3Client, query: str, fields: Fields, options: dict[str, Any], status: int
) -> None:
    stream_id = begin(client, query, fields, **options)
    assert (await client.exchanges[stream_id].answer()).status == status
    assert web.http.websocket_count == 0


async def test_a_path_without_events_has_no_websocket(client: H3Client) -> None:
    head = [(b":protocol", b"websocket"), VERSION]
    stream_id = client.begin("CONNECT", "/channels", head)
    assert (await client.exchanges[stream_id].answer()).status == 200  # the list, as to a GET
    other = client.begin("CONNECT", "/events?app=a", [(b":protocol", b"connect-udp")])
    assert (await client.exchanges[other].answer()).status == 501


async def test_the_client_says_goodbye(web: Web, client: H3Client) -> None:
    socket = await Socket.open(client)
    socket.frames.send_close(1000, "done")
    socket.flush()
    assert (await socket.frame()).opcode is Opcode.CLOSE
    await socket.exchange.answer()
    assert web.http.websocket_count == 0
    assert (await client.request("GET", "/channels")).status == 200


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_client_that_just_leaves_is_forgotten(
    web: Web, client: H3Client, *, is_reset: bool
) -> None:
    socket = await Socket.open(client)
    if is_reset:
        client.quic.reset_stream(socket.stream_id, ErrorCode.H3_REQUEST_CANCELLED)
        client.transmit()
    else:
        client.send(socket.stream_id, b"", is_last=True)
    await asyncio.wait_for(socket.exchange.ended.wait(), TIMEOUT)
    assert web.http.websocket_count == 0
    assert (await client.request("GET", "/channels")).status == 200


async def test_the_operator_can_end_it(web: Web, client: H3Client) -> None:
    socket = await Socket.open(client)
    (found,) = web.http.sessions
    found.close(1000, "closed by the operator")
    assert bytes((await socket.frame()).data)[2:] == b"closed by the operator"
    await socket.exchange.answer()
    assert web.http.websocket_count == 0


async def test_a_client_that_takes_nothing_is_disconnected(web: Web, client: H3Client) -> None:
    """It can take nothing, since the loop is not left here."""
    socket = await Socket.open(client)
    (found,) = web.http.sessions
    for _ in range(2 * MAX_QUEUED_BYTES // 100_000):
        found.deliver(b'"%b"' % (b"x" * 100_000))
    assert web.http.counters.slow_consumers == 1
    assert web.http.websocket_count == 0
    while (frame := await socket.frame()).opcode is not Opcode.CLOSE:
        pass
    assert int.from_bytes(bytes(frame.data)[:2], "big") == SLOW_CONSUMER


async def test_a_backlog_arrives_once_the_client_takes_it(web: Web, client: H3Client) -> None:
    socket = await Socket.open(client)
    (found,) = web.http.sessions
    for number in range(20):
        found.deliver(b'"%d%b"' % (number, b"x" * 100_000))
    assert found.queued_bytes > 0
    for number in range(20):
        assert bytes((await socket.frame()).data).startswith(b'"%d' % number)
    assert found.queued_bytes == 0


async def test_what_comes_while_nobody_reads_is_taken_later(client: H3Client, web: Web) -> None:
    socket = await Socket.open(client)
    (found,) = web.http.sessions
    found.set_reading(False)
    socket.send(ask("GET", "asterisk/ping"))
    assert (await client.request("GET", "/channels")).status == 200
    assert socket.exchange.body == b""
    found.set_reading(True)
    assert (await socket.message())["status_code"] == 200


async def test_who_sends_on_while_nobody_reads_is_reset(client: H3Client, web: Web) -> None:
    socket = await Socket.open(client)
    (found,) = web.http.sessions
    found.set_reading(False)
    client.send(socket.stream_id, b"\x82" * (MAX_INCOMING + 1))
    with pytest.raises(ConnectionResetError):
        await socket.exchange.answer()
    assert web.http.websocket_count == 0
    assert (await client.request("GET", "/channels")).status == 200


async def test_the_end_of_the_server_is_told(client: H3Client, web: Web) -> None:
    socket = await Socket.open(client)
    stop = asyncio.ensure_future(web.http.close())
    frame = await socket.frame()
    assert (frame.opcode, int.from_bytes(bytes(frame.data)[:2], "big")) == (Opcode.CLOSE, 1001)
    await asyncio.wait_for(stop, TIMEOUT)
    assert web.http.websocket_count == 0
