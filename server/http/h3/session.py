"""Events over WebTransport: one stream of lines in each direction, each line a JSON object.

The server opens the stream as soon as the session is accepted. What it sends are the messages of
the events' WebSocket, what the client may send are requests as there (RESTRequest). Since answers
and events share one stream, no loss of a packet can put an event before its answer.

As over WebSocket, a session never makes anybody wait: lines are handed to QUIC while the client
keeps up, and otherwise queue up to a limit, past which this client alone is disconnected.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from server.http.websocket import (
    MAX_INCOMING,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_FRAMES,
    SLOW_CONSUMER,
    TRANSPORT_HIGH_WATER,
)

logger = logging.getLogger(__name__)

TOO_BIG = 1009  # "message too big", of the IANA WebSocket close codes, as all that we use


class LineStream(Protocol):
    """The stream under a session."""

    def write(self, data: bytes) -> None:
        """Send bytes, after those before."""

    def backlog(self) -> int:
        """Return the bytes that the client has not acknowledged."""

    def end(self, code: int, reason: str, *, is_abrupt: bool) -> None:
        """End stream and session.

        :param is_abrupt: what was not acknowledged is not sent any more.
        """


class LineReceiver(Protocol):
    """Who takes what a client sends; see :class:`server.http.rest_socket.RestSocket`."""

    def message_received(self, message: bytes) -> None:
        """Take a line."""

    def serve(self) -> None:
        """Go on: the client reads again."""

    def close(self) -> None:
        """The session is over."""


class LineSession:
    """A connected consumer of events; see :class:`server.stasis.applications.Consumer`.

    :param peer: address and stream, unique among the sessions that are open.
    :param on_end: called once, when it takes no more events.
    :param on_overflow: called when the client was too slow.
    """

    def __init__(
        self,
        stream: LineStream,
        peer: str,
        *,
        on_end: Callable[[LineSession], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self.peer = peer
        self.requests: LineReceiver | None = None
        self._stream = stream
        self._on_end = on_end
        self._on_overflow = on_overflow
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._max_queued_lines = MAX_QUEUED_FRAMES
        self._max_queued_bytes = MAX_QUEUED_BYTES
        self._received = b""
        self._is_reading = True
        self._is_held_back = True
        self._is_open = True

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait because the client is slow."""
        return self._queued_bytes

    @property
    def is_writable(self) -> bool:
        """Whether the client keeps up."""
        return not self._is_held_back and self._stream.backlog() < TRANSPORT_HIGH_WATER

    def open(self) -> None:
        """Send from now on: the stream is there."""
        self._is_held_back = False
        self.progress()

    def allow_backlog(self, lines: int, size: int) -> None:
        """Let more wait for the client than usual: *lines*, and *size* in bytes."""
        self._max_queued_lines += lines
        self._max_queued_bytes += size

    # Consumer

    def deliver(self, frame: bytes) -> None:
        """Send one message of UTF-8 JSON, now or when the client has caught up."""
        if not self._is_open:
            return
        if not self._queue and self.is_writable:
            self._stream.write(frame + b"\n")
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes > self._max_queued_bytes or len(self._queue) > self._max_queued_lines:
            self._overflow()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self._close(code, reason, is_abrupt=False)

    # from the connection

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._received += data
        self._read()
        if len(self._received) > MAX_INCOMING:
            self._close(TOO_BIG, "more was sent than can wait", is_abrupt=False)

    def set_reading(self, is_reading: bool) -> None:
        """Stop to take anything from the client, or go on.

        What it sends meanwhile waits here: aioquic has no way to make it wait.
        """
        self._is_reading = is_reading
        if is_reading:
            self._read()

    def progress(self) -> None:
        """The client may have taken something."""
        while self._queue and self.is_writable:
            message = self._queue.popleft()
            self._queued_bytes -= len(message)
            self._stream.write(message + b"\n")
        if self.requests is not None and self.is_writable:
            self.requests.serve()

    def peer_ended(self) -> None:
        """The client has ended one of the session's streams."""
        self.close(1000, "")

    def connection_lost(self) -> None:
        """The client or its connection is gone."""
        if self._is_open:
            self._is_open = False
            self._queue.clear()
            self._queued_bytes = 0
            self._received = b""
            if self.requests is not None:
                self.requests.close()
            self._on_end(self)

    # private

    def _read(self) -> None:
        while self._is_open and self._is_reading and self.requests is not None:
            line, newline, rest = self._received.partition(b"\n")
            if not newline:
                return
            self._received = rest
            if line.strip():
                self.requests.message_received(line)

    def _overflow(self) -> None:
        logger.warning(
            "event consumer %s is too slow: %d messages (%d bytes) wait; disconnecting it",
            self.peer,
            len(self._queue),
            self._queued_bytes,
        )
        self._on_overflow()
        reason = "too slow: events were queued beyond the limit"
        self._close(SLOW_CONSUMER, reason, is_abrupt=True)

    def _close(self, code: int, reason: str, *, is_abrupt: bool) -> None:
        if self._is_open:
            self.connection_lost()
            self._stream.end(code, reason, is_abrupt=is_abrupt)
