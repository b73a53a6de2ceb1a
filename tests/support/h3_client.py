"""An HTTP/3 client of aioquic: requests, and the events of a WebTransport session."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection, H3Stream
from aioquic.h3.events import (
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

from tests.support.web import AUTH, Answer

Fields = Sequence[tuple[bytes, bytes]]
TIMEOUT = 5  # seconds for whatever is waited for
BASIC = (b"authorization", AUTH["Authorization"].encode())


class Exchange:
    """A request's stream."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.body = b""
        self.interim: list[int] = []
        self.headers_arrived = asyncio.Event()
        self.ended = asyncio.Event()
        self.reset: int | None = None

    def take(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            fields = {name.decode(): value.decode() for name, value in event.headers}
            if fields[":status"].startswith("1"):
                self.interim.append(int(fields[":status"]))
                return
            self.fields = fields
            self.headers_arrived.set()
        elif isinstance(event, DataReceived):
            self.body += event.data
        if isinstance(event, HeadersReceived | DataReceived) and event.stream_ended:
            self.ended.set()

    async def answer(self) -> Answer:
        await asyncio.wait_for(self.ended.wait(), TIMEOUT)
        if self.reset is not None:
            raise ConnectionResetError(self.reset)
        return Answer(int(self.fields[":status"]), self.fields, self.body)


class LenientConnection(H3Connection):
    """Accepts what aioquic does not know: an answer to HEAD tells a length, and has no content."""

    def _check_content_length(self, stream: H3Stream) -> None:
        if stream.content_length:
            super()._check_content_length(stream)


class H3Client(QuicConnectionProtocol):
    """A connection to the server under test."""

    def __init__(self, quic: QuicConnection, **options: object) -> None:
        super().__init__(quic)
        self.http = LenientConnection(quic, enable_webtransport=True)
        self.exchanges: dict[int, Exchange] = {}
        self.streams: dict[int, bytes] = {}  # of WebTransport, by id
        self.arrived = asyncio.Event()
        self.ended: asyncio.Future[ConnectionTerminated] = self._loop.create_future()

    @property
    def quic(self) -> QuicConnection:
        return self._quic

    def waiting_bytes(self) -> int:
        """Return the length of the datagram that has arrived, but was not read yet."""
        assert self._transport is not None
        with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as own:
            own.setblocking(False)
            try:
                return len(own.recv(65_536, socket.MSG_PEEK))
            except BlockingIOError:
                return 0

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated) and not self.ended.done():
            self.ended.set_result(event)
            for exchange in self.exchanges.values():
                exchange.ended.set()
        if isinstance(event, StreamReset) and event.stream_id in self.exchanges:
            exchange = self.exchanges[event.stream_id]
            exchange.reset = event.error_code
            exchange.ended.set()
        for received in self.http.handle_event(event):
            self._take(received)

    def _take(self, event: H3Event) -> None:
        if isinstance(event, WebTransportStreamDataReceived):
            self.streams[event.stream_id] = self.streams.get(event.stream_id, b"") + event.data
            self.arrived.set()
        elif isinstance(event, HeadersReceived | DataReceived):
            self.exchanges[event.stream_id].take(event)

    def begin(
        self,
        method: str,
        path: str,
        fields: Fields = (),
        *,
        is_complete: bool = False,
        is_authenticated: bool = True,
    ) -> int:
        """Send the headers of a request below ``/ari`` and return its stream."""
        stream_id = self._quic.get_next_available_stream_id()
        self.exchanges[stream_id] = Exchange()
        head: list[tuple[bytes, bytes]] = [
            (b":method", method.encode()),
            (b":scheme", b"https"),
            (b":authority", b"localhost"),
            (b":path", f"/ari{path}".encode()),
            *fields,
        ]
        if is_authenticated:
            head.append(BASIC)
        self.http.send_headers(stream_id, head, end_stream=is_complete)
        self.transmit()
        return stream_id

    def send(self, stream_id: int, data: bytes, *, is_last: bool = False) -> None:
        self.http.send_data(stream_id, data, end_stream=is_last)
        self.transmit()

    def subscribe(self, query: str, *, is_authenticated: bool = True) -> int:
        """Ask for a WebTransport session of events and return its stream."""
        protocol = [(b":protocol", b"webtransport")]
        path = f"/events?{query}"
        return self.begin("CONNECT", path, protocol, is_authenticated=is_authenticated)

    async def lines(self) -> int:
        """Wait for the stream that the server opens in a session, and return its id."""
        while not self.streams:
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), TIMEOUT)
        return next(iter(self.streams))

    async def read_line(self, stream_id: int) -> Any:
        """Take the next line of a stream."""
        while b"\n" not in self.streams.get(stream_id, b""):
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), TIMEOUT)
        line, _, self.streams[stream_id] = self.streams[stream_id].partition(b"\n")
        return json.loads(line)

    def write_line(self, stream_id: int, message: Mapping[str, Any]) -> None:
        """Send a line on a stream."""
        self._quic.send_stream_data(stream_id, json.dumps(message).encode() + b"\n")
        self.transmit()

    async def request(
        self, method: str, path: str, body: bytes = b"", fields: Fields = (), **options: bool
    ) -> Answer:
        """Send a request and wait for its answer."""
        stream_id = self.begin(method, path, fields, is_complete=not body, **options)
        if body:
            self.send(stream_id, body, is_last=True)
        return await self.exchanges[stream_id].answer()


@asynccontextmanager
async def h3_client(address: tuple[str, int], certificate: Path) -> AsyncIterator[H3Client]:
    """Connect to a server at an IP address, which has to be trusted as ``localhost``."""
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        server_name="localhost",
        verify_mode=ssl.CERT_REQUIRED,
        max_datagram_frame_size=65_536,
    )
    configuration.load_verify_locations(cafile=str(certificate))
    async with connect(
        *address, configuration=configuration, create_protocol=H3Client
    ) as connection:
        yield cast(H3Client, connection)
    await asyncio.sleep(0)  # the socket is closed in the next turn of the loop
