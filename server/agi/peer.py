"""The other side of a session: a script's pipes or a server's socket, as lines both ways."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from server.agi.protocol import MAX_LINE, MAX_PENDING, LineBuffer

WRITE_LIMIT = 64 * 1024  # bytes that a script may leave unread before it is waited for


class Peer(Protocol):
    """Who sends commands and gets replies."""

    def take(self) -> str | None:
        """Return the next line; ``None`` for one that was too long.

        :raises IndexError: there is none yet.
        """

    @property
    def is_over(self) -> bool:
        """Whether no line will come any more, and none waits."""

    def changed(self) -> asyncio.Future[None]:
        """Return a future that is done once there may be news: a line, the end, room to write."""

    @property
    def is_full(self) -> bool:
        """Whether it does not read what it is sent."""

    def send(self, text: str) -> None:
        """Send a reply; it gets its line end here."""

    def notify_hangup(self) -> None:
        """Tell that the call is over."""

    def close(self) -> None:
        """Part with it. May be called again."""


class LinePeer(asyncio.Protocol):
    """Lines on asyncio transports: one for both directions, or one for each.

    Nothing is kept without bound: with :data:`MAX_PENDING` commands waiting it stops to read,
    with :data:`WRITE_LIMIT` bytes unread it :attr:`is_full`.

    :param is_duplex: the transport that is read is the one to write to.
    """

    def __init__(self, max_line: int = MAX_LINE, *, is_duplex: bool = True) -> None:
        self._is_duplex = is_duplex
        self._buffer = LineBuffer(max_line)
        self._reader: asyncio.ReadTransport | None = None
        self._writer: asyncio.WriteTransport | None = None
        self._gate: asyncio.Future[None] | None = None
        self._is_ended = False
        self._is_paused = False
        self._is_full = False

    # Peer

    def take(self) -> str | None:
        line = self._buffer.lines.popleft()
        if self._is_paused and len(self._buffer.lines) < MAX_PENDING // 2:
            self._is_paused = False
            if self._reader is not None:
                self._reader.resume_reading()
        return line

    @property
    def is_empty(self) -> bool:
        """Whether no line waits."""
        return not self._buffer.lines

    @property
    def is_over(self) -> bool:
        return self._is_ended and not self._buffer.lines

    @property
    def is_full(self) -> bool:
        return self._is_full and self._writer is not None and not self._writer.is_closing()

    def changed(self) -> asyncio.Future[None]:
        if self._gate is None or self._gate.done():
            self._gate = asyncio.get_running_loop().create_future()
        return self._gate

    def send(self, text: str) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(text.encode("utf-8", "surrogateescape") + b"\n")

    def notify_hangup(self) -> None:
        self.send("HANGUP")

    def close(self) -> None:
        self._is_ended = True
        self._buffer.lines.clear()
        for transport in (self._reader, self._writer):
            if transport is not None:
                transport.close()
        self._wake()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._reader = cast(asyncio.ReadTransport, transport)
        if self._is_duplex:
            self.set_writer(cast(asyncio.WriteTransport, transport))

    def set_writer(self, transport: asyncio.WriteTransport) -> None:
        """Write here; for a socket it is the same that is read."""
        transport.set_write_buffer_limits(high=WRITE_LIMIT)
        self._writer = transport

    def data_received(self, data: bytes) -> None:
        self._buffer.feed(data)
        if len(self._buffer.lines) >= MAX_PENDING and not self._is_paused:
            self._is_paused = True
            if self._reader is not None:
                self._reader.pause_reading()
        if self._buffer.lines:
            self._wake()

    def eof_received(self) -> bool:
        self._end()
        return True  # what it asked for before is still answered

    def connection_lost(self, error: Exception | None) -> None:
        self._end()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    # private

    def _end(self) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._buffer.end()
        self._wake()

    def _wake(self) -> None:
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)
