"""SIP over TCP: listening sockets, and connections that both sides use (RFC 3261 section 18)."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable
from typing import Protocol, cast

from server.base.errors import RemoteProtocolError, Unavailable
from server.base.tasks import TaskScope
from server.sip.framing import StreamFramer
from server.sip.settings import Transport
from server.sip.transaction import Flow

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 20_000
CONNECT_TIMEOUT = 10.0  # seconds; Timer B is 32
FIRST_MESSAGE_TIMEOUT = 30.0  # seconds for a stranger to say something
IDLE_TIMEOUT = 3600.0  # seconds; a registered phone refreshes or pings within this
MAX_WRITE_BUFFER = 1024 * 1024  # bytes that a peer may leave unread before it is cut off
SWEEP_INTERVAL = 10.0  # seconds between looks for idle connections
PING = b"\r\n\r\n"  # RFC 5626 section 4.4.1
PONG = b"\r\n"


class TcpUser(Protocol):
    """Who uses connections: the transports."""

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""

    def connection_lost(self, connection: TcpConnection) -> None:
        """A connection is gone."""


class TcpConnection(asyncio.Protocol):
    """One connection, which is a flow."""

    is_reliable = True
    transport = "TCP"

    def __init__(self, endpoint: TcpEndpoint, *, is_outgoing: bool) -> None:
        self.endpoint = endpoint
        self.is_outgoing = is_outgoing
        self.local = ("", 0)
        self.remote = ("", 0)
        self.last_heard = 0.0
        self.last_sent = 0.0
        self.has_spoken = is_outgoing
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None

    def __repr__(self) -> str:
        return f"<TCP {self.local} - {self.remote}>"

    @property
    def is_open(self) -> bool:
        """``True`` while messages can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send one message. A peer that does not read is cut off."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_WRITE_BUFFER:
            logger.warning("%r: the peer does not read, cut off", self)
            transport.abort()
            return
        self.last_sent = asyncio.get_running_loop().time()
        transport.write(data)

    def close(self) -> None:
        """Close, after what was sent is gone."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.local = transport.get_extra_info("sockname")[:2]
        self.remote = transport.get_extra_info("peername")[:2]
        self.last_heard = self.last_sent = asyncio.get_running_loop().time()
        self.endpoint.add(self)

    def data_received(self, data: bytes) -> None:
        self.last_heard = asyncio.get_running_loop().time()
        try:
            messages = self._framer.feed(data)
        except RemoteProtocolError as error:
            logger.info("%r: %s", self, error)
            self.abort()
            return
        if (pings := self._framer.take_pings()) > 0:
            self.send(PONG * min(pings, 16))
        for message in messages:
            self.has_spoken = True
            self.endpoint.user.received(message, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.endpoint.remove(self)


class TcpEndpoint:
    """One listening socket, and the connections that were made from its address.

    :param settings: its transport section.
    :param keep_alive: seconds between pings on connections that phones made, 0 for none.
    """

    protocol = "TCP"

    def __init__(self, settings: Transport, user: TcpUser, *, keep_alive: float) -> None:
        self.name = settings.name
        self.user = user
        self._settings = settings
        self._keep_alive = keep_alive
        self._server: asyncio.Server | None = None
        self._address = ("", 0)
        self._connections: set[TcpConnection] = set()
        self._by_remote: dict[tuple[str, int], TcpConnection] = {}
        self._connecting: dict[tuple[str, int], list[Callable[[TcpConnection | None], None]]] = {}
        self._scope = TaskScope(f"tcp {settings.name}")
        self._counter = itertools.count()

    async def open(self, host: str, port: int) -> None:
        """Bind and listen.

        :raises Unavailable: the address can't be bound.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: TcpConnection(self, is_outgoing=False), host, port, reuse_address=True
            )
        except OSError as error:
            raise Unavailable(f"transport {self.name}: TCP {host} port {port}: {error}") from error
        self._address = self._server.sockets[0].getsockname()[:2]
        self._scope.spawn(self._sweep(), "sweep")

    async def close(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._scope.close()
        for connection in list(self._connections):
            connection.close()

    @property
    def address(self) -> tuple[str, int]:
        """What is bound."""
        return self._address

    def __len__(self) -> int:
        return len(self._connections)

    def find(self, remote: tuple[str, int]) -> TcpConnection | None:
        """Return the open connection with a peer."""
        connection = self._by_remote.get(remote)
        return connection if connection is not None and connection.is_open else None

    def connect(
        self, remote: tuple[str, int], done: Callable[[TcpConnection | None], None]
    ) -> None:
        """Connect to a peer; those who ask meanwhile share the connection."""
        waiting = self._connecting.get(remote)
        if waiting is not None:
            waiting.append(done)
        elif len(self._connections) + len(self._connecting) >= MAX_CONNECTIONS:
            done(None)
        else:
            self._connecting[remote] = [done]
            self._scope.spawn(self._connect(remote), f"connect {next(self._counter)}")

    def add(self, connection: TcpConnection) -> None:
        """Take a new connection; refuse it when there are too many."""
        self._connections.add(connection)
        self._by_remote[connection.remote] = connection
        self._configure(connection)
        if len(self._connections) > MAX_CONNECTIONS:
            logger.warning("%r refused: %s connections", connection, len(self._connections))
            connection.abort()

    def remove(self, connection: TcpConnection) -> None:
        """Forget a connection that is gone."""
        self._connections.discard(connection)
        if self._by_remote.get(connection.remote) is connection:
            del self._by_remote[connection.remote]
        self.user.connection_lost(connection)

    async def _connect(self, remote: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        connection: TcpConnection | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, connection = await loop.create_connection(
                    lambda: TcpConnection(self, is_outgoing=True), *remote
                )
        except (OSError, TimeoutError) as error:
            logger.info("transport %s: can't connect to %s:%s: %s", self.name, *remote, error)
        for done in self._connecting.pop(remote):
            done(connection)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            now = loop.time()
            for connection in list(self._connections):
                limit = IDLE_TIMEOUT if connection.has_spoken else FIRST_MESSAGE_TIMEOUT
                if now - connection.last_heard > limit and now - connection.last_sent > limit:
                    connection.close()
                elif self._keep_alive and now - connection.last_sent > self._keep_alive:
                    connection.send(PING)

    def _configure(self, connection: TcpConnection) -> None:
        transport = connection._transport
        assert transport is not None
        sock = transport.get_extra_info("socket")
        if sock is None:
            return
        settings = self._settings
        if settings.tos and sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, settings.tos)
        if settings.tcp_keepalive_enable:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                (socket.TCP_KEEPIDLE, settings.tcp_keepalive_idle_time),
                (socket.TCP_KEEPINTVL, settings.tcp_keepalive_interval_time),
                (socket.TCP_KEEPCNT, settings.tcp_keepalive_probe_count),
            ):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
