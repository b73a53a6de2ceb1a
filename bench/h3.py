"""An HTTP/3 client that repeats one request on many streams at the same time."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent


class H3Load(QuicConnectionProtocol):
    """A connection."""

    def __init__(self, quic: QuicConnection, **_: object) -> None:
        super().__init__(quic)
        self._http = H3Connection(quic)
        self._path = ""
        self._credentials = b""
        self._deadline = 0.0
        self._live = 0
        self._count = 0
        self._done: asyncio.Future[None] | None = None

    async def repeat(self, path: str, key: str, streams: int, seconds: float) -> int:
        """GET *path* on so many streams at a time; return how often it was answered.

        :raises RuntimeError: the status was not 200.
        """
        self._path = path
        self._credentials = b"Basic " + base64.b64encode(key.encode())
        self._deadline = time.monotonic() + seconds
        self._count, self._live = 0, streams
        self._done = self._loop.create_future()
        for _ in range(streams):
            self._begin()
        self.transmit()
        await self._done
        return self._count

    def _begin(self) -> None:
        self._http.send_headers(
            self._quic.get_next_available_stream_id(),
            [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":authority", b"bench"),
                (b":path", self._path.encode()),
                (b"authorization", self._credentials),
            ],
            end_stream=True,
        )

    def quic_event_received(self, event: QuicEvent) -> None:
        for received in self._http.handle_event(event):
            if (
                isinstance(received, HeadersReceived)
                and dict(received.headers)[b":status"] != b"200"
            ):
                raise RuntimeError(str(received.headers))
            if isinstance(received, HeadersReceived | DataReceived) and received.stream_ended:
                self._on_answer()

    def _on_answer(self) -> None:
        self._count += 1
        if time.monotonic() < self._deadline:
            self._begin()
            return
        self._live -= 1
        if not self._live and self._done is not None:
            self._done.set_result(None)


@asynccontextmanager
async def h3_load(address: tuple[str, int]) -> AsyncIterator[H3Load]:
    """Connect."""
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE
    )
    async with connect(*address, configuration=configuration, create_protocol=H3Load) as client:
        assert isinstance(client, H3Load)
        yield client
