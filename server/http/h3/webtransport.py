"""The stream of a WebTransport session (draft-ietf-webtrans-http3), and how a session ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from aioquic.buffer import encode_uint_var
from aioquic.quic.connection import QuicConnection

from server.http.h3.framing import Framing

PROTOCOL = b"webtransport"
ACCEPTED = [(b":status", b"200"), (b"sec-webtransport-http3-draft", b"draft02")]
CLOSE_SESSION = 0x2843  # the capsule CLOSE_WEBTRANSPORT_SESSION, section 5
SESSION_GONE = 0x170D7B68  # WEBTRANSPORT_SESSION_GONE, section 8.5
MAX_REASON = 1_024  # bytes, section 5


def is_ours(stream_id: int) -> bool:
    """Tell whether we opened a bidirectional stream (RFC 9000, 2.1)."""
    return stream_id % 4 == 1


def close_capsule(code: int, reason: str) -> bytes:
    """Return the capsule that ends a session."""
    text = reason.encode()[:MAX_REASON]
    body = code.to_bytes(4, "big") + text
    return encode_uint_var(CLOSE_SESSION) + encode_uint_var(len(body)) + body


class SessionStream:
    """The bidirectional stream that we open in a session.

    :param session_id: the stream of the session's CONNECT.
    :param transmit: has what was written sent soon.
    :param forget: told when the session ends from our side.
    """

    def __init__(
        self,
        quic: QuicConnection,
        http: Framing,
        session_id: int,
        transmit: Callable[[], None],
        forget: Callable[[int], None],
    ) -> None:
        self.stream_id: int | None = None
        self._quic = quic
        self._http = http
        self._session_id = session_id
        self._transmit = transmit
        self._forget = forget

    def open(self) -> int:
        """Accept the session, open the stream, and return its id."""
        self._http.send_headers(self._session_id, ACCEPTED)
        self.stream_id = self._http.create_webtransport_stream(self._session_id)
        return self.stream_id

    def write(self, data: bytes) -> None:
        """Send bytes, after those before."""
        if self.stream_id is not None and not self._http.is_over(self.stream_id):
            self._quic.send_stream_data(self.stream_id, data)
            self._transmit()

    def backlog(self) -> int:
        """Return the bytes that the client has not acknowledged."""
        return 0 if self.stream_id is None else self._http.backlog(self.stream_id)

    def end(self, code: int, reason: str, *, is_abrupt: bool) -> None:
        """End stream and session; see :class:`server.http.h3.session.LineStream`."""
        if self.stream_id is not None and not self._http.is_over(self.stream_id):
            if is_abrupt:
                self._quic.reset_stream(self.stream_id, SESSION_GONE)
            else:
                self._quic.send_stream_data(self.stream_id, b"", end_stream=True)
        if not self._http.is_over(self._session_id):
            self._http.send_data(self._session_id, close_capsule(code, reason), end_stream=True)
        for stream_id in (self.stream_id, self._session_id):
            if stream_id is not None:
                with contextlib.suppress(ValueError):  # the client ended it already
                    self._quic.stop_stream(stream_id, SESSION_GONE)
        self._forget(self._session_id)
        self._transmit()
