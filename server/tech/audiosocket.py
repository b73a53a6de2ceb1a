"""``AudioSocket``: raw audio on a TCP connection that we open to an application.

The application hears who it is about by a UUID in the first frame; see the engine's
``audiosocket.c`` for the frames.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid

from server.base.causes import Cause
from server.base.errors import InvalidArgument
from server.base.tasks import TaskScope
from server.media.engine import MediaEngine
from server.media.sockets import Protocol, SocketNews, SocketStream
from server.tech.base import OutgoingCall, Party
from server.tech.connecting import connect
from server.tech.external_media import (
    MediaLeg,
    MediaTechnology,
    choose_codec,
    read_options,
    split_host_port,
)

logger = logging.getLogger(__name__)

LINEAR_CODECS = ("slin", "slin16")  # AudioSocket has no others that the engine speaks
DEFAULT_CODEC = "slin"


class AudioSocketLeg(MediaLeg):
    """Audio on a TCP connection; it is answered when the connection is open."""

    stream: SocketStream

    def __init__(
        self,
        name: str,
        stream: SocketStream,
        scope: TaskScope,
        target: tuple[str, int],
        identity: uuid.UUID,
    ) -> None:
        super().__init__(name, stream)
        self._scope = scope
        self._target = target
        self._identity = identity
        self._connecting: asyncio.Task[None] | None = None
        stream.on_news = self._on_news

    def dial(self, caller: Party, connected: Party) -> None:
        """Connect; the answer follows."""
        self._connecting = connect(self._scope, self._target, self._on_connected)

    def close(self) -> None:
        """End the connection, or the attempt to open it."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        super().close()

    def _on_connected(self, connection: socket.socket | None, problem: str) -> None:
        self._connecting = None
        if connection is None:
            self.fail(Cause.DESTINATION_OUT_OF_ORDER, problem)
            return
        self.stream.connect(connection, Protocol.AUDIOSOCKET, start=self._identity.bytes)
        self.answered()

    def _on_news(self, news: SocketNews, error: int) -> None:
        if news in (SocketNews.HUNG_UP, SocketNews.CLOSED):
            self.fail(Cause.NORMAL_CLEARING, "the AudioSocket peer ended the call")
        elif news is not SocketNews.ANSWERED:
            logger.warning("%s: %s (errno %d)", self.name, news.name.lower(), error)
            self.fail(Cause.NETWORK_OUT_OF_ORDER, f"AudioSocket: {news.name.lower()}")


class AudioSocketTechnology(MediaTechnology):
    """Makes ``AudioSocket/host:port/uuid[/c(codec)]``."""

    name = "AudioSocket"

    def __init__(self, engine: MediaEngine, scope: TaskScope) -> None:
        super().__init__(engine)
        self._scope = scope

    def create_leg(self, resource: str, call: OutgoingCall) -> AudioSocketLeg:
        """Prepare a connection; see :class:`server.tech.base.Technology`.

        :raises InvalidArgument: host, port or UUID are missing, or the codec is not linear.
        """
        destination, _, rest = resource.partition("/")
        text, _, options = rest.partition("/")
        target = split_host_port("endpoint", destination)
        identity = read_uuid(text, "endpoint")
        codec = linear_codec(choose_codec(read_options(options, "c"), call, DEFAULT_CODEC))
        stream = self._engine.open_socket(codec)
        name = f"{self.name}/{destination}-{text}"
        leg = AudioSocketLeg(name, stream, self._scope, target, identity)
        leg.variables = {"AUDIOSOCKET_UUID": text, "AUDIOSOCKET_SERVICE": destination}
        return leg


def read_uuid(text: str, field: str) -> uuid.UUID:
    """Read a UUID.

    :raises InvalidArgument: it is none; names *field*.
    """
    try:
        found = uuid.UUID(text)
    except ValueError:
        raise InvalidArgument(field, f"AudioSocket needs a UUID, not {text!r}") from None
    return found


def linear_codec(codec: str) -> str:
    """Return the codec if AudioSocket can carry it.

    :raises InvalidArgument: it can't.
    """
    if codec not in LINEAR_CODECS:
        names = ", ".join(LINEAR_CODECS)
        raise InvalidArgument("format", f"AudioSocket carries {names}, not {codec}")
    return codec
