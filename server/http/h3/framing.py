"""HTTP/3's framing by aioquic, and what we need to know of QUIC's streams for our limits."""

from __future__ import annotations

import pylsqpack
from aioquic.h3.connection import H3Connection, Setting
from aioquic.quic.connection import QuicConnection


class Framing(H3Connection):
    """The server's side of HTTP/3, WebTransport included.

    Header fields are not kept in a table between requests (RFC 9204, 5: capacity 0): a few bytes
    sent could otherwise unfold to thousands of times their size.
    """

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic, enable_webtransport=True)
        self._decoder = pylsqpack.Decoder(0, 0)

    def _get_local_settings(self) -> dict[int, int]:
        return {
            **super()._get_local_settings(),
            Setting.QPACK_MAX_TABLE_CAPACITY: 0,
            Setting.QPACK_BLOCKED_STREAMS: 0,
        }

    # aioquic keeps its streams to itself, but tells nobody how much of what it was given waits.

    @property
    def is_ended(self) -> bool:
        """Whether one side has ended the connection; aioquic reports it some round trips later."""
        return self._quic._close_event is not None

    @property
    def has_backlog(self) -> bool:
        """Whether the client has not acknowledged everything."""
        return any(stream.sender._buffer for stream in self._quic._streams.values())

    def is_open(self, stream_id: int) -> bool:
        """Tell whether one of both directions is not over yet."""
        return stream_id in self._quic._streams

    def is_over(self, stream_id: int) -> bool:
        """Tell whether nothing more can be sent: all arrived, or the client gave up."""
        stream = self._quic._streams.get(stream_id)
        if stream is None:
            return True
        sender = stream.sender
        return sender.is_finished or sender._reset_error_code is not None

    def backlog(self, stream_id: int) -> int:
        """Return the bytes that the client has not acknowledged."""
        stream = self._quic._streams.get(stream_id)
        return 0 if stream is None else len(stream.sender._buffer)
