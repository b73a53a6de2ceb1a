"""Streams whose audio comes and goes on a connection: AudioSocket, WebSocket media, EAGI.

Python opens the connection and shakes hands; then it hands the socket over, and the engine reads
and writes it, keeps the queue of what is to be played, and answers control texts by itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from server.base.errors import Conflict
from server.media import _media
from server.media.streams import Stream

if TYPE_CHECKING:
    from server.media.engine import MediaEngine

FLAG_JSON, FLAG_PASSTHROUGH, FLAG_NO_INPUT, FLAG_NO_OUTPUT = 1, 2, 4, 8  # enum mp_socket_flags


class Protocol(IntEnum):
    """What is spoken on the connection (``enum mp_socket_protocol``)."""

    AUDIOSOCKET = 0
    WEBSOCKET_SERVER = 1  # the peer asked for the connection
    WEBSOCKET_CLIENT = 2  # we did
    RAW = 3  # samples alone, to a script that only hears


class SocketNews(Enum):
    """What happens on the connection (``enum mp_socket_news``); all but the first end it."""

    ANSWERED = 0  # by the peer's command
    HUNG_UP = 1  # by the peer's command
    CLOSED = 2  # the peer said goodbye
    REFUSED = 3  # the peer sent what is not taken
    FAILED = 4


NewsHandler = Callable[[SocketNews, int], None]  # and an errno, 0 for none


class SocketStream(Stream):
    """A stream on a TCP connection; silent until :meth:`connect`.

    :ivar on_news: called when the peer answers or the connection ends.
    """

    def __init__(self, engine: MediaEngine, handle: int, codec: str) -> None:
        super().__init__(engine, handle, codec)
        self.on_news: NewsHandler | None = None
        self.is_connected = False

    def connect(
        self,
        connection: socket.socket,
        protocol: Protocol,
        *,
        channel_id: str = "",
        head: str = "",
        hello: str = "",
        start: bytes = b"",
        is_json: bool = False,
        is_passthrough: bool = False,
        direction: str = "both",
        ping_interval: int = 0,
        ping_probes: int = 0,
    ) -> None:
        """Hand a connection over; it is closed here once the engine has it.

        :param channel_id: as it is written in control texts, escaped for their format.
        :param head: what is sent before anything else: the answer to a handshake.
        :param hello: the first text message, or empty for none.
        :param start: what came after the handshake and was read already; for AudioSocket the
            16 bytes of the UUID.
        :param is_json: the format of control texts.
        :param is_passthrough: the peer paces its audio, nothing is queued.
        :param direction: from the peer's view: ``both``, ``in`` (it only hears) or ``out``.
        :param ping_interval: seconds between pings; 0 sends none.
        :param ping_probes: pings without an answer that end the connection.
        :raises Conflict: a connection was handed over already.
        """
        if self.is_connected:
            connection.close()
            raise Conflict("the media stream is connected already")
        self.is_connected = True
        flags = (
            FLAG_JSON * is_json
            | FLAG_PASSTHROUGH * is_passthrough
            | FLAG_NO_INPUT * (direction == "in")
            | FLAG_NO_OUTPUT * (direction == "out")
        )
        done = self._engine.request(
            _media.STREAM_CONNECT,
            self.handle,
            connection.fileno(),
            int(protocol),
            flags,
            ping_interval,
            ping_probes,
            channel_id,
            head,
            hello,
            start,
        )
        # The engine takes a duplicate; ours must stay open until it has it.
        done.add_done_callback(lambda future: self._on_taken(connection, future.exception()))

    def close(self) -> None:
        """End the stream and say goodbye to the peer."""
        self.on_news = None
        super().close()

    def handle_news(self, news: SocketNews, error: int) -> None:
        """Pass on what the engine reports."""
        if self.on_news is not None:
            self.on_news(news, error)

    def _on_taken(self, connection: socket.socket, error: BaseException | None) -> None:
        connection.close()
        if error is not None:
            self.handle_news(SocketNews.FAILED, 0)
