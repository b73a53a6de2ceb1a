"""From a URI to an address (RFC 3263, without NAPTR and SRV)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from server.base.tasks import TaskScope
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}
TTL = 60.0  # seconds that an answer is kept; getaddrinfo does not say how long it is valid
TIMEOUT = 5.0  # seconds for one look-up
MAX_CACHED = 1024
MAX_LOOKUPS = 64  # at a time; more fail at once


class Destination(NamedTuple):
    """Where a message goes. *host* is an address."""

    transport: str
    host: str
    port: int


@lru_cache(maxsize=1024)  # asked for every message, of few hosts
def is_address(host: str) -> bool:
    """``True`` for an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def wanted_transport(uri: Uri) -> str:
    """The transport that a URI asks for, in Via's spelling; ``UDP`` unless it says otherwise."""
    name = uri.params.get("transport")
    if name:
        return name.upper()
    return "TLS" if uri.scheme == "sips" else "UDP"


class Resolver:
    """Looks names up without blocking the loop, and remembers the answers for a while."""

    def __init__(self) -> None:
        self._scope = TaskScope("resolver")
        self._cache: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()

    async def close(self) -> None:
        """Give up what is being looked up."""
        await self._scope.close()

    def resolve(self, uri: Uri, done: Callable[[Destination | None], None]) -> None:
        """Find where *uri* leads; ``done`` is called before this returns if that is known."""
        transport = wanted_transport(uri)
        host = uri.params.get("maddr") or uri.host
        port = uri.port or DEFAULT_PORTS.get(transport, 5060)
        if is_address(host):
            done(Destination(transport, host, port))
            return

        def found(addresses: list[str]) -> None:
            done(Destination(transport, addresses[0], port) if addresses else None)

        self.look_up(host, found)

    def look_up(self, name: str, done: Callable[[list[str]], None]) -> None:
        """Find the addresses of a host name; none if that fails."""
        now = asyncio.get_running_loop().time()
        cached = self._cache.get(name)
        if cached is not None and cached[0] > now:
            done(cached[1])
        elif not name or len(self._scope) >= MAX_LOOKUPS:
            done([])
        else:
            self._scope.spawn(self._look_up(name, done), name)

    async def _look_up(self, name: str, done: Callable[[list[str]], None]) -> None:
        loop = asyncio.get_running_loop()
        addresses: list[str] = []
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        except (OSError, TimeoutError, UnicodeError) as error:
            logger.warning("%s: no address: %s", name, error)
        self._cache[name] = (loop.time() + TTL, addresses)
        self._cache.move_to_end(name)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        done(addresses)
