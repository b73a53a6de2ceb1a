"""A consumer of events that knows the wire: it can be cut anywhere, and says what it has seen."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any

from tests.support.web import AUTH


class EventClient(asyncio.Protocol):
    """One connection to ``/ari/events``.

    :param events: what comes is appended to this list, so that it can outlive connections.
    :param cut_after: bytes of frames after which the connection is cut; ``None`` for never.
    """

    def __init__(self, events: list[dict[str, Any]], cut_after: int | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.events = events
        self.head = b""
        self.opened: asyncio.Future[int] = loop.create_future()  # the handshake's status
        self.lost: asyncio.Future[None] = loop.create_future()
        self.close_code: int | None = None
        self._cut_after = cut_after
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._is_awaited: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @classmethod
    async def connect(
        cls,
        origin: str,
        query: str,
        events: list[dict[str, Any]] | None = None,
        *,
        cut_after: int | None = None,
        headers: str = "",
        authorization: str = AUTH["Authorization"],
    ) -> EventClient:
        """Connect to ``host:port`` and wait for the answer to the handshake."""
        host, _, port = origin.partition(":")
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(
            lambda: cls([] if events is None else events, cut_after), host, int(port)
        )
        client.send(
            f"GET /ari/events?{query} HTTP/1.1\r\nHost: {origin}\r\n"
            f"Authorization: {authorization}\r\n{headers}"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await client.opened
        return client

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._transport is not None
        self._transport.write(data)

    def cut(self) -> None:
        """End the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def until(self, is_true: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something holds, looked at after whatever comes."""
        if is_true():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_awaited.append((is_true, future))
        await asyncio.wait_for(future, seconds)

    async def wait_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait until *count* events of a type have come; return the last one."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events if event["type"] == kind]

        await self.until(lambda: len(found()) >= count)
        return found()[count - 1]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    # transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.opened.done():
            self.opened.set_result(0)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done():
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self.head = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            self.opened.set_result(int(self.head.split()[1]))
        if self._cut_after is not None:
            is_over = len(data) >= self._cut_after
            if is_over:  # the rest is as lost as what is still on its way
                del self._buffer[max(0, len(self._buffer) - len(data) + self._cut_after) :]
            self._cut_after -= len(data)
            self._take_frames()
            if is_over:
                self.cut()
                self._cut_after = None
                self._buffer.clear()
        else:
            self._take_frames()
        for entry in [entry for entry in self._is_awaited if entry[0]()]:
            self._is_awaited.remove(entry)
            entry[1].set_result(None)

    def _take_frames(self) -> None:
        buffer = self._buffer
        while len(buffer) >= 2:
            start, length = 2, buffer[1]
            if length == 126:
                if len(buffer) < 4:
                    return
                start, length = 4, struct.unpack_from("!H", buffer, 2)[0]
            elif length == 127:
                if len(buffer) < 10:
                    return
                start, length = 10, struct.unpack_from("!Q", buffer, 2)[0]
            if len(buffer) < start + length:
                return
            self.frame_received(buffer[0], bytes(buffer[start : start + length]))
            del buffer[: start + length]

    def frame_received(self, first: int, payload: bytes) -> None:
        """Take a frame: events and the closing one are of interest."""
        if first & 0x0F == 1:
            self.events.append(json.loads(payload))
        elif first & 0x0F == 8:
            self.close_code = struct.unpack("!H", payload[:2])[0]
            self.cut()


def notes(events: list[dict[str, Any]], app: str) -> list[int]:
    """Return the numbers in an application's user events, which tests put there as ``n``."""
    return [
        event["userevent"]["n"]
        for event in events
        if event["type"] == "ChannelUserevent" and event["application"] == app
    ]


def check_chain(events: list[dict[str, Any]]) -> None:
    """Assert what a client can check: numbers rise, and ``prev`` was always seen before."""
    known: dict[str, int] = {}
    last = 0
    for event in events:
        assert event["seq"] >= last
        last = event["seq"]
        if event["type"] != "Resync":
            assert event["prev"] <= known[event["application"]]
            assert event["seq"] > known[event["application"]]
        known[event["application"]] = event["seq"]


def seen(events: list[dict[str, Any]]) -> str:
    """Return the number to resume after, as a client knows it."""
    return str(max((event["seq"] for event in events), default="new"))
