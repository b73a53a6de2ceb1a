"""Cut a byte stream into messages (RFC 3261 section 18.3), and keep-alives (RFC 5626)."""

from __future__ import annotations

import re

from server.base.errors import RemoteProtocolError
from server.sip.message import MAX_MESSAGE_SIZE

PING = b"\r\n\r\n"  # RFC 5626 section 4.4.1
PONG = b"\r\n"

_find_length = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
).finditer
_is_number = re.compile(rb"[0-9]{1,7}[ \t]*").fullmatch


class StreamFramer:
    """Collects the bytes of one connection.

    CRLFCRLF between messages is a ping, a lone CRLF its pong or RFC 3261's leniency; neither is
    a message.

    :param max_size: bytes of the largest message taken.
    """

    def __init__(self, max_size: int = MAX_MESSAGE_SIZE) -> None:
        self._max_size = max_size
        self._buffer = bytearray()
        self._searched = 0  # no end of headers begins before here
        self._needed = 0  # size of the message whose headers are complete, 0 before that
        self._pings = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, return the messages they completed.

        :raises RemoteProtocolError: the stream can't be framed any more: close the connection.
            What was complete before the fault is lost with it.
        """
        self._buffer += data
        messages: list[bytes] = []
        while (message := self._next_message()) is not None:
            messages.append(message)
        return messages

    def take_pings(self) -> int:
        """How many CRLF pongs are owed since the last call."""
        pings, self._pings = self._pings, 0
        return pings

    def _next_message(self) -> bytes | None:
        if not self._needed:
            self._skip_keep_alives()
            self._needed = self._measure()
        if not self._needed or len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = self._searched = 0
        return message

    def _skip_keep_alives(self) -> None:
        buffer, position = self._buffer, 0
        while buffer.startswith(PING, position):
            self._pings += 1
            position += len(PING)
        # A lone CRLF at the end may be half a ping: it stays until more is known.
        if buffer.startswith(PONG, position) and bytes(buffer[position + 2 : position + 4]) not in (
            b"",
            b"\r",
        ):
            position += len(PONG)
        if position:
            del buffer[:position]
            self._searched = 0

    def _measure(self) -> int:
        """Size of the first message, 0 while its headers are incomplete."""
        end = self._buffer.find(PING, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - 3)
            if len(self._buffer) > self._max_size:
                raise RemoteProtocolError(f"headers beyond {self._max_size} bytes", 513)
            return 0
        size = end + 4 + _content_length(bytes(self._buffer[:end]))
        if size > self._max_size:
            raise RemoteProtocolError(f"message of {size} bytes", 513)
        return size


def _content_length(head: bytes) -> int:
    """RFC 3261 section 20.14: over streams it must be there."""
    values = {match.group(1) for match in _find_length(head)}
    if len(values) != 1:
        raise RemoteProtocolError(f"{len(values)} Content-Length headers on a stream", 400)
    value = values.pop()
    if not _is_number(value):
        raise RemoteProtocolError(f"malformed Content-Length: {value[:80]!r}", 400)
    return int(value)
