"""Outbound WebSockets: applications of ari.conf that the server connects to.

A ``persistent`` connection is made at start and made again whenever it ends. A
``per_call_config`` one is made when a call enters Stasis for one of its applications, and ends
with the call's stay. Either carries what an application's own connection does: events one way,
REST requests the other, which run as ``local_ari_user``.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from websockets.client import ClientProtocol

from server.base.clock import Clock
from server.base.errors import Conflict, NotFound, ServerError, Unavailable
from server.base.tasks import TaskScope
from server.config.sections.ari import Ari, OutboundWebsocket
from server.config.sections.outbound import PER_CALL, PERSISTENT, problem_of
from server.config.sections.websocket_client import WebsocketClient
from server.http.messages import Request
from server.http.outbound_connection import OutboundConnection, connect
from server.http.rest import Outcome
from server.http.rest_socket import Caller, RestSocket, Wire
from server.http.websocket import EventSession
from server.model import events
from server.stasis.applications import Applications, CallConnection
from server.stasis.bus import Bus
from server.stasis.topics import application_topic

logger = logging.getLogger(__name__)

JITTER = 0.25  # a wait becomes longer by up to this part of it
CLOSE_TIMEOUT = 1.0  # seconds for servers to answer a close frame when we stop


class Host(Protocol):
    """What outbound WebSockets need of the HTTP server."""

    clock: Clock
    scope: TaskScope
    asterisk_id: str

    @property
    def is_pretty(self) -> bool:
        """Whether JSON is indented."""

    def hold(self) -> AbstractContextManager[None]:
        """Keep events back until a response is written."""

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Outcome:
        """Answer a REST request of a user."""

    def workers_of(self, wire: Wire) -> Sequence[tuple[str, str]]:
        """Return the applications that a session shares, with its worker's name in each."""

    def admit_session(self, session: EventSession, caller: Caller) -> None:
        """Count a session among those that are open."""

    def end_session(self, session: EventSession) -> None:
        """Forget it, and unregister its applications."""

    def count_overflow(self) -> None:
        """Take note of a server that was too slow."""


@dataclass(slots=True)
class Link:
    """A connection that is configured.

    :param failure: why the last attempt failed, or empty.
    :param failures: attempts since the last success.
    """

    settings: OutboundWebsocket
    client: WebsocketClient
    failure: str = ""
    failures: int = 0
    session: EventSession | None = None
    keeper: asyncio.Task[None] | None = None
    connections: set[OutboundConnection] = field(default_factory=set)

    @property
    def is_connected(self) -> bool:
        """Whether a persistent connection is up."""
        return self.session is not None

    @property
    def status(self) -> str:
        """How it is, in words."""
        if self.client.connection_type == PER_CALL:
            return f"Per call ({len(self.connections)} open)"
        return "Connected" if self.is_connected else self.failure or "Connecting"


class OutboundWebsockets:
    """All outbound WebSockets.

    :param draw: returns a number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        host: Host,
        applications: Applications,
        bus: Bus,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._host = host
        self._applications = applications
        self._bus = bus
        self._draw = draw
        self._scope = TaskScope("outbound")
        self._links: dict[str, Link] = {}

    @property
    def links(self) -> Mapping[str, Link]:
        """What is configured, by name."""
        return self._links

    # life

    def configure(self, ari: Ari, clients: Mapping[str, WebsocketClient]) -> None:
        """Take over the configuration, at start or on reload.

        Connections whose settings did not change stay up; unusable ones have been reported by
        :mod:`server.config.loader`.
        """
        wanted = {
            name: Link(settings, clients[settings.websocket_client_id])
            for name, settings in ari.outbound_websockets.items()
            if ari.enabled and not problem_of(settings, ari, clients)
        }
        for name, link in list(self._links.items()):
            fresh = wanted.get(name)
            if fresh is None or (fresh.settings, fresh.client) != (link.settings, link.client):
                self._retire(self._links.pop(name))
        for name, link in wanted.items():
            if name not in self._links:
                self._links[name] = link
                if link.client.connection_type == PERSISTENT:
                    link.keeper = self._scope.spawn(self._keep_connected(link), name)

    def start(self, name: str) -> None:
        """Try to connect now, rather than after the wait.

        :raises NotFound: no such connection.
        :raises Conflict: it is connected, or made for each call.
        """
        link = self.find(name)
        if link.client.connection_type != PERSISTENT:
            raise Conflict(f"{name} is connected for each call")
        if link.is_connected or link.keeper is None:
            raise Conflict(f"{name} is connected")
        link.keeper.cancel()
        link.failures = 0
        link.keeper = self._scope.spawn(self._keep_connected(link), name)

    def find(self, name: str) -> Link:
        """Return a connection.

        :raises NotFound: it is not configured.
        """
        try:
            return self._links[name]
        except KeyError:
            raise NotFound(f"no outbound WebSocket {name}") from None

    async def close(self) -> None:
        """Say goodbye to all servers and end."""
        open_connections = [c for link in self._links.values() for c in link.connections]
        for link in self._links.values():
            self._retire(link)
        self._links.clear()
        if open_connections:
            await asyncio.wait([c.closed for c in open_connections], timeout=CLOSE_TIMEOUT)
        for connection in open_connections:
            connection.abort()
        await self._scope.close()

    # CallConnector

    def can_connect(self, app: str) -> bool:
        """Tell whether a connection for each call is configured for *app*."""
        return self._link_for_call(app) is not None

    async def connect_for_call(self, app: str, channel_name: str) -> CallConnection:
        """Connect to *app* for one call; see :class:`server.stasis.applications.CallConnector`."""
        link = self._link_for_call(app)
        if link is None:
            raise NotFound(f"Stasis application {app} is not registered")
        name = f"{link.settings.name}:{channel_name}"
        registered = f"{app}:{channel_name}"
        attempts = 0
        while True:
            attempts += 1
            try:
                connection = await self._open(link, name, [registered])
                return _PerCallConnection(registered, connection.opened.result(), self._bus)
            except Unavailable as failure:
                logger.warning("WebSocket %s: %s", name, failure)
                if attempts >= link.client.reconnect_attempts:
                    reason = f"Stasis application {app} can't be reached: {failure}"
                    raise NotFound(reason) from None
            await asyncio.sleep(link.client.reconnect_interval / 1000)

    def _link_for_call(self, app: str) -> Link | None:
        for link in self._links.values():
            if link.client.connection_type == PER_CALL and app in link.settings.apps:
                return link
        return None

    # persistent connections

    async def _keep_connected(self, link: Link) -> None:
        while True:
            try:
                connection = await self._open(link, link.settings.name, link.settings.apps)
            except ServerError as failure:
                link.failures += 1
                level = logging.WARNING if link.failures == 1 else logging.DEBUG
                logger.log(level, "WebSocket %s: %s", link.settings.name, failure)
                link.failure = str(failure)
            else:
                await self._until_closed(link, connection)
            await asyncio.sleep(self._delay(link))

    async def _until_closed(self, link: Link, connection: OutboundConnection) -> None:
        link.session = connection.opened.result()
        link.failure = ""
        link.failures = 0
        logger.info("WebSocket %s: connected to %s", link.settings.name, link.client.uri)
        try:
            await asyncio.shield(connection.closed)
        finally:
            link.session = None
        logger.warning("WebSocket %s: disconnected", link.settings.name)

    def _delay(self, link: Link) -> float:
        """Return the seconds until the next attempt: twice as long after each failure, up to
        ``reconnect_attempts`` times, and a little more so that servers don't all come at once."""
        doublings = min(max(link.failures - 1, 0), link.client.reconnect_attempts)
        wait = link.client.reconnect_interval / 1000 * 2.0**doublings
        return wait * (1 + JITTER * self._draw())

    # both kinds

    async def _open(self, link: Link, name: str, apps: Sequence[str]) -> OutboundConnection:
        """Connect and register.

        :raises Unavailable: it failed.
        """
        connection = await connect(
            link.client,
            lambda transport, frames: self._make_session(link, name, apps, transport, frames),
        )
        link.connections.add(connection)
        connection.closed.add_done_callback(lambda _: link.connections.discard(connection))
        return connection

    def _make_session(
        self,
        link: Link,
        name: str,
        apps: Sequence[str],
        transport: asyncio.Transport,
        frames: ClientProtocol,
    ) -> EventSession:
        client = link.client
        host = self._host
        session = EventSession(
            transport,
            name,
            is_pretty=host.is_pretty,
            frames=frames,
            ping_interval=client.pingpong_interval if client.enable_pingpongs else None,
            ping_probes=client.pingpong_probes if client.enable_pingpongs else 1,
            on_end=host.end_session,
            on_overflow=host.count_overflow,
        )
        peer = transport.get_extra_info("peername")
        user = link.settings.local_ari_user
        caller = Caller(user, str(peer[0]), int(peer[1]), apps, kind=client.connection_type)
        session.requests = RestSocket(host, caller, session)
        self._applications.register(apps, session, subscribe_all=link.settings.subscribe_all)
        host.admit_session(session, caller)
        if client.connection_type == PERSISTENT:
            for app in dict.fromkeys(apps):
                self._bus.publish(events.application_registered(), (application_topic(app),))
        return session

    def _retire(self, link: Link) -> None:
        """Stop to keep a connection, and end what is open, after its last event."""
        if link.keeper is not None:
            link.keeper.cancel()
        session = link.session
        if session is None:
            return
        for app in dict.fromkeys(link.settings.apps):
            self._bus.publish(events.application_unregistered(), (application_topic(app),))
        self._bus.call_when_delivered(lambda: session.close(1001, "the connection is retired"))


class _PerCallConnection:
    """See :class:`server.stasis.applications.CallConnection`."""

    def __init__(self, app: str, session: EventSession, bus: Bus) -> None:
        self.app = app
        self._session = session
        self._bus = bus

    def close(self) -> None:
        self._bus.call_when_delivered(lambda: self._session.close(1000, "the call is over"))
