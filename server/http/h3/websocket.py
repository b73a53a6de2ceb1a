"""A WebSocket on one stream of HTTP/3 (RFC 9220): its frames are the stream's DATA.

To the session of the events' WebSocket the stream is a transport. Who takes nothing makes it wait
by the bytes that were not acknowledged; what a client sends while we take nothing waits here up to
a limit, since aioquic has no way to make it wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aioquic.h3.connection import ErrorCode
from aioquic.quic.connection import QuicConnection

from server.http.h3.framing import Framing
from server.http.websocket import MAX_INCOMING, EventSession

PROTOCOL = b"websocket"


class StreamTransport(asyncio.Transport):
    """The stream of a CONNECT, as a session writes to it.

    :param transmit: has what was written sent soon.
    :param forget: told when the stream ends from our side.
    """

    def __init__(
        self,
        quic: QuicConnection,
        http: Framing,
        stream_id: int,
        transmit: Callable[[], None],
        forget: Callable[[int], None],
    ) -> None:
        super().__init__()
        self.session: EventSession | None = None
        self._quic = quic
        self._http = http
        self._stream_id = stream_id
        self._transmit = transmit
        self._forget = forget
        self._high_water = 0
        self._is_full = False
        self._is_reading = True
        self._received = b""  # while nobody reads

    # Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, after those before."""
        if self._http.is_over(self._stream_id):
            return
        self._http.send_data(self._stream_id, bytes(data), end_stream=False)
        self._transmit()
        if not self._is_full and self._backlog() > self._high_water and self.session is not None:
            self._is_full = True
            self.session.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the bytes that may wait to be acknowledged."""
        self._high_water = high or 0

    def pause_reading(self) -> None:
        """Keep what comes."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Hand over what was kept, and what comes."""
        self._is_reading = True
        received, self._received = self._received, b""
        if received and self.session is not None:
            self.session.data_received(received)

    def close(self) -> None:
        """End the stream when everything has arrived."""
        if not self._http.is_over(self._stream_id):
            self._http.send_data(self._stream_id, b"", end_stream=True)
        self._end(ErrorCode.H3_NO_ERROR)

    def abort(self) -> None:
        """End the stream at once."""
        if not self._http.is_over(self._stream_id):
            self._quic.reset_stream(self._stream_id, ErrorCode.H3_REQUEST_CANCELLED)
        self._end(ErrorCode.H3_REQUEST_CANCELLED)

    # from the connection

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._is_reading and self.session is not None:
            self.session.data_received(data)
            return
        self._received += data
        if len(self._received) > MAX_INCOMING:
            self.abort()

    def progress(self) -> None:
        """The client may have taken something."""
        if self._is_full and self._backlog() <= self._high_water and self.session is not None:
            self._is_full = False
            self.session.resume_writing()

    # private

    def _backlog(self) -> int:
        return self._http.backlog(self._stream_id)

    def _end(self, error_code: int) -> None:
        with contextlib.suppress(ValueError):  # the client ended it already
            self._quic.stop_stream(self._stream_id, error_code)
        self._forget(self._stream_id)
        if self.session is not None:
            self.session.connection_lost()
        self._transmit()


class StreamSocket:
    """A WebSocket of events on a stream, as its connection sees it."""

    def __init__(self, transport: StreamTransport, session: EventSession) -> None:
        self._transport = transport
        self._session = transport.session = session

    def open(self) -> None:
        """Send from now on: the handshake is answered."""
        self._session.open()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._transport.data_received(data)

    def progress(self) -> None:
        """The client may have taken something."""
        self._transport.progress()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self._session.close(code, reason)

    def peer_ended(self) -> None:
        """The client has ended the stream, with or without goodbye."""
        self._transport.close()

    def connection_lost(self) -> None:
        """The client or its connection is gone."""
        self._session.connection_lost()
