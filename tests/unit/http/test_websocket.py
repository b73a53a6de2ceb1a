"""The events' WebSocket: handshake, delivery, slow and silent clients, the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from server.config.sections.ari import Ari
from server.http import websocket
from server.http.messages import Request
from server.http.websocket import EventSession, Flusher, accept, text_frame
from tests.support.node import NodeUnderTest
from tests.support.web import USER, Web, serve

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GOOD = {
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": KEY,
}


def handshake(**changes: bytes) -> int:
    changed = {name.replace("_", "-").encode(): value for name, value in changes.items()}
    return accept(Request("GET", "/", "", {**GOOD, **changed}, b"", "")).status


def test_the_key_is_answered_as_in_the_rfc() -> None:
    response = accept(Request("GET", "/", "", GOOD, b"", ""))
    assert dict(response.headers)[b"Sec-WebSocket-Accept"] == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("version", [b"7", b"8", b"13"])
def test_known_versions(version: bytes) -> None:
    assert handshake(sec_websocket_version=version) == 101


def test_what_is_wrong_with_a_handshake() -> None:
    assert handshake(upgrade=b"h2c") == 426
    assert handshake(sec_websocket_version=b"9") == 400
    assert handshake(sec_websocket_key=b"short") == 400
    assert handshake(sec_websocket_protocol=b"chat, ari") == 101
    assert handshake(sec_websocket_protocol=b"chat") == 400


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_frames_are_as_a_library_reads_them(length: int) -> None:
    reader = StreamReader()
    reader.feed_data(text_frame(b"x" * length))
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as stop:
        next(parser)
    frame = stop.value.value
    assert (frame.opcode, frame.fin, len(frame.data)) == (Opcode.TEXT, True, length)


def connect(web: Web, query: str, **options: Any) -> Any:
    return web.client.ws_connect(f"{web.url}/events?{query}&api_key=ari:secret", **options)


async def next_event(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    event: dict[str, Any] = await socket.receive_json(timeout=5)
    return event


async def test_an_application_gets_its_events(web: Web) -> None:
    async with connect(web, "app=test", protocols=("ari",)) as socket:
        assert socket.protocol == "ari"
        channel = await web.node.call()
        event = await next_event(socket)
        assert (event["type"], event["application"]) == ("StasisStart", "test")
        assert event["channel"]["id"] == channel.id
        assert event["asterisk_id"] == "test-node"
        channel.hangup()
        assert (await next_event(socket))["type"] == "ChannelHangupRequest"


async def test_several_applications_share_a_socket(web: Web) -> None:
    async with connect(web, "app=one,two&subscribeAll=true") as socket:
        assert web.node.applications.is_registered("one")
        assert web.node.applications.is_registered("two")
        web.node.bridges.create(bridge_id="b")
        events = [await next_event(socket), await next_event(socket)]
        assert {event["application"] for event in events} == {"one", "two"}
        web.node.bridges.destroy("b")


async def test_the_latest_connection_of_an_application_replaces_the_former(web: Web) -> None:
    async with connect(web, "app=test") as first:
        async with connect(web, "app=test") as second:
            assert (await next_event(first))["type"] == "ApplicationReplaced"
            channel = await web.node.call()
            assert (await next_event(second))["type"] == "StasisStart"
            channel.hangup()
        await socket_count(web, 1)


async def socket_count(web: Web, count: int) -> None:
    await until(lambda: web.http.websocket_count == count)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.002)


async def test_a_dropped_socket_unregisters_its_applications(web: Web) -> None:
    socket = await connect(web, "app=test")
    socket._response.connection.transport.abort()
    await socket.close()
    await socket_count(web, 0)
    assert not web.node.applications.is_registered("test")


async def test_a_closed_socket_unregisters_its_applications(web: Web) -> None:
    async with connect(web, "app=test") as socket:
        await socket.close(code=1000)
    await socket_count(web, 0)
    assert not web.node.applications.is_registered("test")


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("app=", 400), ("app=,", 400), (f"app={'x' * 600}", 400)]
)
async def test_bad_applications_are_refused(web: Web, query: str, status: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect(web, query)
    assert refused.value.status == status
    await socket_count(web, 0)


async def test_credentials_are_needed(web: Web) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await web.client.ws_connect(f"{web.url}/events?app=test")
    assert refused.value.status == 401


async def test_pings_are_answered_and_binary_messages_ignored(web: Web) -> None:
    async with connect(web, "app=test", autoping=False) as socket:
        await socket.send_bytes(b"hello")
        await socket.ping(b"there")
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"there")


async def test_too_long_messages_end_the_session(web: Web) -> None:
    async with connect(web, "app=test") as socket:
        await socket.send_str("x" * (websocket.MAX_INCOMING + 1))
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1009


async def test_pretty_events_are_indented(node: NodeUnderTest) -> None:
    pretty = Ari(users={"ari": USER}, pretty=True)
    async with serve(node, ari=pretty) as web, connect(web, "app=test&subscribeAll=yes") as socket:
        node.bridges.create(bridge_id="b")
        text = await socket.receive_str(timeout=5)
        assert "\n  " in text
        assert json.loads(text)["type"] == "BridgeCreated"
        node.bridges.destroy("b")


async def test_the_end_of_the_server_closes_sockets(node: NodeUnderTest) -> None:
    async with serve(node) as web:
        socket = await connect(web, "app=test")
        closing = asyncio.create_task(web.http.close())
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await closing


async def test_a_client_that_does_not_read_harms_itself_only(web: Web) -> None:
    host, _, port = web.origin.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    head = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in GOOD.items())
    target = "/ari/events?app=lazy&subscribeAll=true&api_key=ari:secret"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    async with connect(web, "app=keen&subscribeAll=true") as keen:
        text = "x" * 60_000
        sent = 0
        while not web.http.counters.slow_consumers:
            sent += 1
            variables = {"number": sent, "text": text}
            web.node.events.user_event("Noise", application="lazy", variables=variables)
            web.node.events.user_event("Noise", application="keen", variables={"number": sent})
            await asyncio.sleep(0)
            assert sent < 1000
        numbers = [(await next_event(keen))["userevent"]["number"] for _ in range(sent)]
    assert numbers == list(range(1, sent + 1))
    assert not web.node.applications.is_registered("lazy")
    writer.transport.abort()


class FakeTransport:
    """Counts what is written; never drains by itself."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_aborted = False
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self.is_closed = True


class Ends:
    """Counts the callbacks of a session."""

    def __init__(self) -> None:
        self.ended = 0
        self.overflowed = 0
        self.transport = FakeTransport()
        self.session = EventSession(
            self.transport,  # type: ignore[arg-type]
            "peer",
            on_end=self._on_end,
            on_overflow=self._on_overflow,
        )

    def _on_end(self, session: EventSession) -> None:
        self.ended += 1

    def _on_overflow(self) -> None:
        self.overflowed += 1


@pytest.fixture
async def slow() -> Any:
    ends = Ends()
    yield ends
    ends.session.connection_lost()


async def test_what_one_iteration_delivers_is_written_at_once(slow: Ends) -> None:
    for message in (b"1", b"2", b"3"):
        slow.session.deliver(message)
    assert not slow.transport.written
    await asyncio.sleep(0)
    assert len(slow.transport.written) == 1


async def test_a_connection_that_fails_keeps_no_other_from_its_events(
    slow: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Ends()

    def fail(_data: bytes) -> None:
        raise RuntimeError("the handler is closed")

    monkeypatch.setattr(slow.transport, "write", fail)
    slow.session.deliver(b"1")
    other.session.deliver(b"2")
    flusher = Flusher.of_running_loop()
    with pytest.raises(RuntimeError):
        flusher.flush()
    flusher.flush()
    assert other.transport.written == [text_frame(b"2")]
    other.session.connection_lost()


async def test_frames_queue_while_the_client_is_slow_and_keep_their_order(slow: Ends) -> None:
    slow.session.deliver(b"1")
    await asyncio.sleep(0)
    slow.session.pause_writing()
    slow.session.deliver(b"2")
    slow.session.deliver(b"3")
    assert slow.session.queued_bytes == 2
    slow.session.resume_writing()
    slow.session.deliver(b"4")
    await asyncio.sleep(0)
    assert b"".join(slow.transport.written) == b"".join(map(text_frame, (b"1", b"2", b"3", b"4")))
    assert slow.session.queued_bytes == 0


@pytest.mark.parametrize("frame", [b"x" * 100_000, b"x"])
async def test_a_queue_beyond_the_limit_ends_this_client_only(slow: Ends, frame: bytes) -> None:
    slow.session.pause_writing()
    for _ in range(websocket.MAX_QUEUED_FRAMES + 10):
        slow.session.deliver(frame)
    assert (slow.overflowed, slow.ended) == (1, 1)
    close = slow.transport.written[-1]
    assert close[0] == 0x88
    assert int.from_bytes(close[2:4], "big") == websocket.SLOW_CONSUMER
    assert slow.session.queued_bytes == 0


async def test_a_silent_client_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "PING_INTERVAL", 0.01)
    ends = Ends()
    await until(lambda: ends.transport.is_aborted)
    assert ends.transport.written[0][0] == 0x89
    ends.session.connection_lost()
    assert ends.ended == 1


async def test_a_client_that_ignores_a_close_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT", 0.01)
    ends = Ends()
    ends.session.close(1001, "bye")
    ends.session.close(1001, "again")
    await until(lambda: ends.transport.is_aborted)
    ends.session.connection_lost()
    assert ends.ended == 1


async def test_broken_frames_end_the_session(slow: Ends) -> None:
    slow.session.data_received(b"\xff\xff\xff\xff")
    assert slow.ended == 1
    slow.session.data_received(b"more")
    slow.session.deliver(b"late")
    assert slow.transport.written[-1][0] == 0x88
