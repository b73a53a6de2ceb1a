"""SIP over UDP: one socket, any number of peers."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from server.base.errors import Unavailable
from server.sip.transaction import Flow

logger = logging.getLogger(__name__)

MAX_FLOWS = 8192  # peers whose flow object is kept; further ones are made anew
RECEIVE_BUFFER = 4 * 1024 * 1024  # bytes: a burst of calls must not be lost in the kernel
KEEP_ALIVES = (b"\r\n\r\n", b"\r\n", b"\0\0\0\0", b"jaK\0")

Received = Callable[[bytes, Flow], None]


class UdpFlow:
    """A socket and a peer."""

    __slots__ = ("endpoint", "local", "remote")

    is_reliable = False
    transport = "UDP"

    def __init__(
        self, endpoint: UdpEndpoint, local: tuple[str, int], remote: tuple[str, int]
    ) -> None:
        self.endpoint = endpoint
        self.local = local
        self.remote = remote

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, UdpFlow):
            return False
        return self.remote == other.remote and self.endpoint is other.endpoint

    def __hash__(self) -> int:
        return hash(self.remote)

    def __repr__(self) -> str:
        return f"<UDP {self.local} - {self.remote}>"


class UdpEndpoint(asyncio.DatagramProtocol):
    """One bound socket.

    :param name: of its transport section.
    :param received: called with every datagram that may be SIP.
    """

    protocol = "UDP"

    def __init__(self, name: str, received: Received) -> None:
        self.name = name
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None
        self._address = ("", 0)
        self._flows: OrderedDict[tuple[str, int], UdpFlow] = OrderedDict()
        self._local_hosts: OrderedDict[str, str] = OrderedDict()

    async def open(self, host: str, port: int, *, tos: int = 0) -> None:
        """Bind.

        :raises Unavailable: the address can't be bound.
        """
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            _configure(sock, family, tos)
            sock.bind((host, port))
            sock.setblocking(False)
            await loop.create_datagram_endpoint(lambda: self, sock=sock)
        except OSError as error:
            sock.close()
            raise Unavailable(f"transport {self.name}: UDP {host} port {port}: {error}") from error
        self._address = cast("tuple[str, int]", sock.getsockname()[:2])

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def address(self) -> tuple[str, int]:
        """What is bound."""
        return self._address

    def flow(self, remote: tuple[str, int]) -> UdpFlow:
        """The flow to a peer."""
        flow = self._flows.get(remote)
        if flow is None:
            flow = UdpFlow(self, (self._local_host(remote[0]), self._address[1]), remote)
            self._flows[remote] = flow
            if len(self._flows) > MAX_FLOWS:
                self._flows.popitem(last=False)
        return flow

    def send(self, data: bytes, flow: UdpFlow) -> None:
        """Send one datagram."""
        if self._transport is not None:
            self._transport.sendto(data, flow.remote)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data in KEEP_ALIVES:
            return
        self._received(data, self.flow(addr[:2] if len(addr) > 2 else addr))

    def error_received(self, exc: Exception) -> None:
        # ICMP says that some peer's port is closed, not whose: the transactions time out.
        logger.debug("transport %s: %s", self.name, exc)

    def _local_host(self, remote_host: str) -> str:
        """Our address as *remote_host* sees it, when the socket is bound to all of them."""
        if self._address[0] not in ("0.0.0.0", "::"):
            return self._address[0]
        host = self._local_hosts.get(remote_host)
        if host is None:
            host = local_host_towards(remote_host)
            self._local_hosts[remote_host] = host
            if len(self._local_hosts) > MAX_FLOWS:
                self._local_hosts.popitem(last=False)
        return host


def local_host_towards(remote_host: str) -> str:
    """The source address that the kernel chooses towards a peer; nothing is sent."""
    family = socket.AF_INET6 if ":" in remote_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((remote_host, 9))
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(sock.getsockname()[0])


def _configure(sock: socket.socket, family: int, tos: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if tos:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    elif tos:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
