"""The transports of a stack: sockets in, flows out (RFC 3261 section 18)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

from server.base.errors import Unavailable
from server.sip.resolver import Destination, Resolver
from server.sip.settings import Global, Transport
from server.sip.transaction import Flow
from server.sip.transport.tcp import TcpConnection, TcpEndpoint
from server.sip.transport.udp import UdpEndpoint, UdpFlow, local_host_towards
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

FlowFound = Callable[["Flow | None", float], None]
AnyEndpoint = UdpEndpoint | TcpEndpoint
T = TypeVar("T", UdpEndpoint, TcpEndpoint)


class BoundAddress(NamedTuple):
    """A transport that listens."""

    name: str
    protocol: str
    host: str
    port: int


class TransportsUser(Protocol):
    """Who uses the transports: the technology."""

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""

    def flow_lost(self, flow: Flow) -> None:
        """A connection broke."""

    def flush(self) -> None:
        """Something may have become ready to be sent."""


class Transports:
    """All bound transports.

    :param settings: the transport sections, in order; the first of a protocol is its default.
    :param now: the stack's clock.
    """

    def __init__(
        self,
        settings: Iterable[Transport],
        global_: Global,
        user: TransportsUser,
        now: Callable[[], float],
    ) -> None:
        self._settings = {transport.name: transport for transport in settings}
        self._global = global_
        self._user = user
        self._now = now
        self._endpoints: dict[str, AnyEndpoint] = {}
        self._resolver = Resolver()

    async def start(self) -> None:
        """Bind all.

        :raises Unavailable: one can't be bound; names the transport. The others are closed.
        """
        try:
            for settings in self._settings.values():
                self._endpoints[settings.name] = await self._open(settings)
        except Unavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all sockets and connections."""
        await self._resolver.close()
        for endpoint in self._endpoints.values():
            await self._close(endpoint)
        self._endpoints.clear()

    async def reload(self, settings: Iterable[Transport]) -> None:
        """Take new transport sections; those that may not be reloaded stay, and are reported."""
        wanted = {transport.name: transport for transport in settings}
        for name, old in list(self._settings.items()):
            new = wanted.get(name)
            if new == old:
                continue
            if not old.allow_reload:
                logger.warning("transport %s: a change needs a restart (allow_reload=no)", name)
                continue
            del self._settings[name]
            endpoint = self._endpoints.pop(name, None)
            if endpoint is not None:
                await self._close(endpoint)
        for name, new in wanted.items():
            if name in self._settings:
                continue
            try:
                self._endpoints[name] = await self._open(new)
            except Unavailable as error:
                logger.error("%s", error)
            else:
                self._settings[name] = new

    def needing_restart(self, wanted: Mapping[str, Transport]) -> list[str]:
        """Return the names of transports that differ from what is wanted, but may not change."""
        return [
            name
            for name, running in self._settings.items()
            if not running.allow_reload and wanted.get(name) != running
        ]

    def bound_addresses(self) -> list[BoundAddress]:
        """List what listens where; port 0 in the configuration has become a real one."""
        return [
            BoundAddress(endpoint.name, endpoint.protocol, *endpoint.address)
            for endpoint in self._endpoints.values()
        ]

    def send(self, flow: Flow, data: bytes) -> None:
        """Send a message on a flow."""
        if isinstance(flow, UdpFlow):
            flow.endpoint.send(data, flow)
        elif isinstance(flow, TcpConnection):
            flow.send(data)

    def look_up(self, name: str, done: Callable[[list[str]], None]) -> None:
        """Find the addresses of a host name; none if that fails."""
        self._resolver.look_up(name, done)

    def media_host(self, uri: Uri, endpoint_transport: str) -> str:
        """Our address towards *uri*, as far as it is known before a flow is made."""
        settings = self._settings.get(endpoint_transport) or next(
            iter(self._settings.values()), None
        )
        bound = settings.bind.host if settings is not None else ""
        if bound and bound not in ("0.0.0.0", "::"):
            return bound
        return local_host_towards(uri.host)

    def external_media_address(self, flow: Flow) -> str:
        """The media address for a peer outside, empty if it needs none."""
        settings = self._settings_of(flow)
        if settings is None or not settings.external_media_address:
            return ""
        return "" if settings.is_local(flow.remote[0]) else settings.external_media_address

    # For the stack (FlowProvider)

    def find_flow(self, uri: Uri, transport: str, done: FlowFound, now: float) -> None:
        """Find or make a way to *uri*; ``done`` may be called before this returns."""

        def finish(flow: Flow | None) -> None:
            done(flow, self._now())
            self._user.flush()  # when it took its time, nobody else will

        def resolved(destination: Destination | None) -> None:
            if destination is None:
                finish(None)
            else:
                self._reach(destination, transport, finish)

        self._resolver.resolve(uri, resolved)

    def reply_flow(self, flow: Flow, address: tuple[str, int]) -> Flow:
        """The flow from the same socket to another address."""
        if isinstance(flow, UdpFlow) and address != flow.remote:
            return flow.endpoint.flow(address)
        return flow

    def advertised(self, flow: Flow) -> tuple[str, int]:
        """Our signalling address as a peer on *flow* can reach it."""
        host, port = flow.local
        endpoint = self._endpoint_of(flow)
        if endpoint is not None:
            port = endpoint.address[1]  # a connection of ours has another port at our end
        settings = self._settings_of(flow)
        if settings is None or not settings.external_signaling_address:
            return host, port
        if settings.is_local(flow.remote[0]):
            return host, port
        return settings.external_signaling_address, settings.external_signaling_port or port

    # For connections (TcpUser)

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came on a connection."""
        self._user.received(data, flow)

    def connection_lost(self, connection: TcpConnection) -> None:
        """A connection is gone."""
        self._user.flow_lost(connection)

    async def _open(self, settings: Transport) -> AnyEndpoint:
        host, port = settings.bind.host, settings.bind.port
        if settings.protocol == "udp":
            udp = UdpEndpoint(settings.name, self._user.received)
            await udp.open(host, port, tos=settings.tos)
            return udp
        keep_alive = float(self._global.keep_alive_interval)
        tcp = TcpEndpoint(settings, self, keep_alive=keep_alive)
        await tcp.open(host, port)
        return tcp

    async def _close(self, endpoint: AnyEndpoint) -> None:
        if isinstance(endpoint, UdpEndpoint):
            endpoint.close()
        else:
            await endpoint.close()

    def _reach(
        self, destination: Destination, transport: str, finish: Callable[[Flow | None], None]
    ) -> None:
        remote = (destination.host, destination.port)
        if destination.transport == "UDP":
            udp = self._choose(UdpEndpoint, destination, transport)
            finish(udp.flow(remote) if udp is not None else None)
        elif destination.transport == "TCP":
            self._reach_tcp(destination, transport, finish)
        else:
            logger.info("no transport for %s to %s:%s", destination.transport, *remote)
            finish(None)

    def _reach_tcp(
        self, destination: Destination, transport: str, finish: Callable[[Flow | None], None]
    ) -> None:
        remote = (destination.host, destination.port)
        for endpoint in self._endpoints.values():
            if isinstance(endpoint, TcpEndpoint):
                connection = endpoint.find(remote)
                if connection is not None:
                    finish(connection)
                    return
        tcp = self._choose(TcpEndpoint, destination, transport)
        if tcp is None:
            finish(None)
        else:
            tcp.connect(remote, finish)

    def _choose(self, kind: type[T], destination: Destination, name: str) -> T | None:
        """The named transport if it is of this kind, else the first that can reach the address."""
        wants_v6 = ":" in destination.host
        usable = [
            endpoint
            for endpoint in self._endpoints.values()
            if isinstance(endpoint, kind) and (":" in endpoint.address[0]) == wants_v6
        ]
        named = next((endpoint for endpoint in usable if endpoint.name == name), None)
        return named or (usable[0] if usable else None)

    def _endpoint_of(self, flow: Flow) -> AnyEndpoint | None:
        if isinstance(flow, UdpFlow | TcpConnection):
            return flow.endpoint
        return None

    def _settings_of(self, flow: Flow) -> Transport | None:
        endpoint = self._endpoint_of(flow)
        return None if endpoint is None else self._settings.get(endpoint.name)
