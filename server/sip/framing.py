"""Cut a byte stream into messages (RFC 3261 section 18.3), and keep-alives (RFC 5626)."""

from __future__ import annotations


class StreamFramer:
    """Collects the bytes of one connection.

    :param max_size: bytes of the largest message taken.
    """

    def __init__(self, max_size: int = 65_535) -> None:
        self.pings = 0  # CRLFCRLF seen and not yet answered; the transport sends CRLF for each

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, return the messages they completed.

        :raises RemoteProtocolError: the stream can't be framed any more: close the connection.
        """
        raise NotImplementedError

    def take_pings(self) -> int:
        """How many CRLF pongs are owed since the last call."""
        raise NotImplementedError
