"""``WebSocket``: media on a WebSocket, with an application that controls it by texts.

With ``WebSocket/INCOMING`` the application connects to our HTTP server, at ``/media/`` and the
connection id that it finds in ``MEDIA_WEBSOCKET_CONNECTION_ID``; else we connect to the server that
a section of websocket_client.conf names. Either way the engine gets the socket once the handshake
is done: frames, play queue and control texts are its affair.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from server.base.causes import Cause
from server.base.errors import Conflict, InvalidArgument, NotFound, NotSupported
from server.base.tasks import TaskScope
from server.config.sections.websocket_client import WebsocketClient
from server.media.codecs import CODECS
from server.media.engine import MediaEngine
from server.media.sockets import Protocol, SocketNews, SocketStream
from server.tech.base import OutgoingCall, Party
from server.tech.external_media import (
    MediaLeg,
    MediaTechnology,
    choose_codec,
    read_options,
)
from server.tech.websocket_client import Opened, connect_client

logger = logging.getLogger(__name__)

INCOMING = "INCOMING"
OPTIONS = "cnvpfd"
DIRECTIONS = ("both", "in", "out")
PTIME_MS = 20
_SAMPLE_BYTES = {"slin": 2, "slin16": 2}  # others: one

_CAUSES = {
    SocketNews.HUNG_UP: Cause.NORMAL_CLEARING,
    SocketNews.CLOSED: Cause.NORMAL_CLEARING,
    SocketNews.REFUSED: Cause.NETWORK_OUT_OF_ORDER,
    SocketNews.FAILED: Cause.NETWORK_OUT_OF_ORDER,
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a dial string says after the connection id.

    :param codec: of the media.
    :param is_json: the format of control texts.
    :param is_passthrough: the application paces its media, nothing is queued.
    :param answers: whether the channel is answered when the application has connected.
    :param direction: from the application's view: ``both``, ``in`` (it only hears) or ``out``.
    :param uri_query: what is added to the URI of a server that we connect to.
    """

    codec: str
    is_json: bool
    is_passthrough: bool
    answers: bool
    direction: str
    uri_query: str

    @property
    def frame_size(self) -> int:
        """Bytes of a frame of 20 ms; 0 in passthrough, where there are none."""
        if self.is_passthrough:
            return 0
        samples = CODECS[self.codec].clock_rate * PTIME_MS // 1000
        return samples * _SAMPLE_BYTES.get(self.codec, 1)


class WebSocketLeg(MediaLeg):
    """A channel on a media WebSocket.

    :param client: the server to connect to, ``None`` if the application connects to us.
    """

    stream: SocketStream

    def __init__(
        self,
        technology: WebSocketTechnology,
        name: str,
        stream: SocketStream,
        options: Options,
        call: OutgoingCall,
        client: WebsocketClient | None,
    ) -> None:
        super().__init__(name, stream)
        self.connection_id = str(uuid.uuid4()) if client is None else client.name
        self.variables = {
            "MEDIA_WEBSOCKET_CONNECTION_ID": self.connection_id,
            "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE": str(options.frame_size),
        }
        self.is_claimed = client is not None
        self._technology = technology
        self._options = options
        self._call = call
        self._client = client
        self._is_answered = False
        self._connecting: asyncio.Task[None] | None = None
        stream.on_news = self._on_news

    def dial(self, caller: Party, connected: Party) -> None:
        """Connect, or wait for the application to."""
        if self._client is not None:
            query = self._options.uri_query
            scope = self._technology.scope
            self._connecting = connect_client(scope, self._client, query, self._on_opened)

    def answered(self) -> None:
        """Report the answer, once."""
        if not self._is_answered:
            self._is_answered = True
            super().answered()

    def close(self) -> None:
        """End the connection, or the attempt to open it."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._technology.forget(self)
        super().close()

    # the application that connects to us

    def take(self, connection: socket.socket, head: str, start: bytes) -> None:
        """Take over a connection of the HTTP server.

        :param head: the answer to the handshake, not sent yet, so that nothing comes before it.
        :param start: what the application sent after its handshake.
        """
        if self.is_over:
            connection.close()
            return
        self._begin(connection, Protocol.WEBSOCKET_SERVER, head=head, start=start)

    def release(self) -> None:
        """Wait again: the connection that claimed this channel is gone."""
        self.is_claimed = False

    # private

    def _on_opened(self, opened: Opened | None, problem: str) -> None:
        self._connecting = None
        if opened is None:
            logger.warning("%s: %s", self.name, problem)
            self.fail(Cause.NO_ROUTE_DESTINATION, problem)
            return
        self._begin(opened.connection, Protocol.WEBSOCKET_CLIENT, start=opened.start)

    def _begin(
        self, connection: socket.socket, protocol: Protocol, *, head: str = "", start: bytes
    ) -> None:
        options, client = self._options, self._client
        pings = client is not None and client.enable_pingpongs
        channel_id = self._call.channel_id
        self.stream.connect(
            connection,
            protocol,
            channel_id=json.dumps(channel_id)[1:-1] if options.is_json else plain(channel_id),
            head=head,
            hello=self._hello(),
            start=start,
            is_json=options.is_json,
            is_passthrough=options.is_passthrough,
            direction=options.direction,
            ping_interval=client.pingpong_interval if client is not None and pings else 0,
            ping_probes=client.pingpong_probes if client is not None and pings else 0,
        )
        if options.answers:
            self.answered()

    def _hello(self) -> str:
        """Return MEDIA_START, the first text that the application gets."""
        members: dict[str, str | int] = {
            "connection_id": self.connection_id,
            "channel": self.name,
            "channel_id": self._call.channel_id,
            "format": self._options.codec,
            "optimal_frame_size": self._options.frame_size,
            "ptime": PTIME_MS,
        }
        if not self._options.is_json:
            told = " ".join(f"{name}:{plain(str(value))}" for name, value in members.items())
            return f"MEDIA_START {told}"
        variables = {
            name.lstrip("_"): value for name, value in self._call.variables.items()
        } | dict(self.variables)
        return json.dumps({"event": "MEDIA_START", **members, "channel_variables": variables})

    def _on_news(self, news: SocketNews, error: int) -> None:
        if news is SocketNews.ANSWERED:
            self.answered()
            return
        self.fail(_CAUSES[news], f"media WebSocket: {news.name.lower()}")


class WebSocketTechnology(MediaTechnology):
    """Makes ``WebSocket/INCOMING[/options]`` and ``WebSocket/section[/options]``.

    :param scope: of connections that are being opened.
    :param clients: the sections of websocket_client.conf.
    """

    name = "WebSocket"

    def __init__(
        self, engine: MediaEngine, scope: TaskScope, clients: Mapping[str, WebsocketClient]
    ) -> None:
        super().__init__(engine)
        self.scope = scope
        self._clients = clients
        self._incoming: dict[str, WebSocketLeg] = {}

    def create_leg(self, resource: str, call: OutgoingCall) -> WebSocketLeg:
        """Prepare a channel; see :class:`server.tech.base.Technology`.

        :raises InvalidArgument: no such section, or an option that makes no sense.
        :raises NotSupported: the section wants a proxy.
        """
        target, _, rest = resource.partition("/")
        is_incoming = target == INCOMING
        options = parse_options(rest, call, is_incoming=is_incoming)
        client = None if is_incoming else self._client(target)
        stream = self._engine.open_socket(options.codec)
        name = f"{self.name}/{target}/{next(self._numbers):08x}"
        leg = WebSocketLeg(self, name, stream, options, call, client)
        if is_incoming:
            self._incoming[leg.connection_id] = leg
        return leg

    def claim(self, connection_id: str) -> WebSocketLeg:
        """Return the channel that waits for this connection; nobody else gets it then.

        :raises NotFound: there is none.
        :raises Conflict: it is connected.
        """
        leg = self._incoming.get(connection_id)
        if leg is None:
            raise NotFound("no channel waits for this connection")
        if leg.is_claimed:
            raise Conflict("the channel is connected already")
        leg.is_claimed = True
        return leg

    def forget(self, leg: WebSocketLeg) -> None:
        """Take a channel's connection id out of use."""
        if self._incoming.get(leg.connection_id) is leg:
            del self._incoming[leg.connection_id]

    def _client(self, name: str) -> WebsocketClient:
        client = self._clients.get(name)
        if client is None:
            raise InvalidArgument("external_host", f"websocket_client.conf has no section {name!r}")
        if client.proxy_host:
            raise NotSupported("external_host", f"[{name}] names a proxy, which media can't use")
        return client


def parse_options(text: str, call: OutgoingCall, *, is_incoming: bool) -> Options:
    """Read ``c(codec)nv(name=value,…)pf(json)d(in)``.

    :raises InvalidArgument: an option is unknown or its value makes no sense.
    """
    options = read_options(text, OPTIONS)
    direction = options.get("d") or "both"
    if direction not in DIRECTIONS:
        raise InvalidArgument("endpoint", f"direction {direction!r}: both, in or out expected")
    query = "&".join(options["v"].split(",")) if options.get("v") else ""
    if "v" in options and is_incoming:
        raise InvalidArgument("endpoint", "option v goes with a server that we connect to")
    if not query.isascii() or not query.isprintable() or " " in query or "#" in query:
        raise InvalidArgument("endpoint", "option v has to be URI-encoded")
    return Options(
        codec=choose_codec(options, call),
        is_json=options.get("f") == "json",  # as in Asterisk, anything else is plain text
        is_passthrough="p" in options,
        answers="n" not in options,
        direction=direction,
        uri_query=query,
    )


def plain(text: str) -> str:
    """Return a text as plain control texts can hold it: without spaces and line breaks."""
    return "".join(
        "_" if letter.isspace() or not letter.isprintable() else letter for letter in text
    )
