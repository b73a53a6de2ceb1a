"""A lean ARI client over asyncio, so that the load costs less than what it measures."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from httptools import HttpResponseParser

_MASK = b"\0\0\0\0"  # RFC 6455 wants a mask; this one changes nothing
_PONG = 0x8A
_TEXT = 0x1
_PING = 0x9


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests may be in flight at a time and are answered in order."""

    def __init__(
        self,
        address: tuple[str, int],
        user: str,
        password: str,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._key = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._host = f"{address[0]}:{address[1]}"
        self._address = address
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[asyncio.Future[tuple[int, bytes]]] = deque()
        self._parser = HttpResponseParser(self)
        self._body = b""

    async def open(self) -> Connection:
        """Connect."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, *self._address, ssl=self._tls)
        return self

    def close(self) -> None:
        """Disconnect."""
        if self._transport:
            self._transport.close()

    def request(
        self, method: str, path: str, body: bytes = b""
    ) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request below /ari; the future gets status and body."""
        assert self._transport
        head = (
            f"{method} /ari{path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Authorization: Basic {self._key}\r\nContent-Length: {len(body)}\r\n"
        )
        kind = "Content-Type: application/json\r\n" if body else ""
        self._transport.write(f"{head}{kind}\r\n".encode() + body)
        future: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    async def must(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Send a request and return the body.

        :raises RuntimeError: the status is not 2xx.
        """
        status, answer = await self.request(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer!r}")
        return answer

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(ConnectionResetError("the server closed"))
        self._waiting.clear()

    # httptools

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        future = self._waiting.popleft()
        body, self._body = self._body, b""
        if not future.done():
            future.set_result((self._parser.get_status_code(), body))


async def repeat_request(
    pool: Sequence[Connection], method: str, path: str, seconds: float, body: bytes = b""
) -> int:
    """Repeat a request on all connections, one at a time on each; return how often."""
    deadline = time.monotonic() + seconds

    async def repeat(connection: Connection) -> int:
        count = 0
        while time.monotonic() < deadline:
            await connection.must(method, path, body)
            count += 1
        return count

    return sum(await asyncio.gather(*map(repeat, pool)))


class EventSocket(asyncio.Protocol):
    """The events of an application.

    :param on_event: called with the JSON of each.
    """

    def __init__(self, on_event: Callable[[bytes], None]) -> None:
        self.opened = asyncio.get_running_loop().create_future()
        self._on_event = on_event
        self._buffer = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionResetError("the server closed"))

    def close(self) -> None:
        """Disconnect."""
        if self._transport:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Write raw bytes."""
        assert self._transport
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            if b" 101 " not in head[:20]:
                self.opened.set_exception(RuntimeError(head.decode()))
                return
            self._is_open = True
            self.opened.set_result(None)
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            size, begin = buffer[at + 1] & 0x7F, at + 2
            if size >= 126:
                begin += 2 if size == 126 else 8
                if len(buffer) < begin:
                    break
                size = int.from_bytes(buffer[at + 2 : begin], "big")
            if len(buffer) < begin + size:
                break
            self._handle_frame(buffer[at] & 0x0F, bytes(buffer[begin : begin + size]))
            at = begin + size
        del buffer[:at]

    def _handle_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._on_event(payload)
        elif opcode == _PING:
            self.send(bytes((_PONG, 0x80 | len(payload))) + _MASK + payload)


async def open_events(
    address: tuple[str, int],
    user: str,
    password: str,
    query: str,
    on_event: Callable[[bytes], None],
) -> EventSocket:
    """Connect an application.

    :param query: such as ``app=bench``.
    """
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(lambda: EventSocket(on_event), *address)
    nonce = base64.b64encode(os.urandom(16)).decode()
    protocol.send(
        f"GET /ari/events?{query}&api_key={user}:{password} HTTP/1.1\r\nHost: bench\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {nonce}\r\n\r\n".encode()
    )
    await protocol.opened
    return protocol
