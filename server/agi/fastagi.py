"""FastAGI: the address of a server of scripts, and the connection to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from server.agi.peer import LinePeer
from server.base.errors import InvalidArgument, ServerError
from server.dialplan.functions.dns_records import Service
from server.tech.connecting import open_connection

DEFAULT_PORT = 4573
CONNECT_TIMEOUT = 2.0  # seconds for one address, as in Asterisk
SRV_PREFIX = "_agi._tcp."
MAX_TARGETS = 16  # of an SRV record set that are tried


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server of scripts is.

    :param script: what follows the address, without the first slash.
    :param is_service: *host* is a domain whose SRV records name the servers.
    """

    host: str
    port: int
    script: str
    is_service: bool = False


FindServices = Callable[[str], Awaitable[Sequence[Service]]]


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> Address:
    """Read ``agi://host[:port][/script]`` or ``hagi://domain[/script]``.

    :raises InvalidArgument: there is no host, or the port is none.
    """
    scheme, _, rest = text.partition("://")
    place, _, script = rest.partition("/")
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    if not host:
        raise InvalidArgument("address", "there is no host in it")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise InvalidArgument("address", f"{port!r} is not a port")
    is_service = scheme.lower() == "hagi"
    return Address(host, int(port) if port else default_port, script, is_service)


async def connect_fastagi(address: Address, find: FindServices) -> LinePeer:
    """Connect to a server of scripts; of several the next is tried when one can't be reached.

    :param find: asks for the services of a name.
    :raises OSError: none can be reached.
    """
    targets = [(address.host, address.port)]
    if address.is_service:
        try:
            found = await find(SRV_PREFIX + address.host)
        except ServerError as error:
            raise OSError(str(error)) from None
        targets = [(service.host, service.port) for service in found[:MAX_TARGETS]] or targets
    problem = OSError("nothing to connect to")
    for target in targets:
        try:
            return await adopt(await open_connection(target, CONNECT_TIMEOUT))
        except OSError as error:
            problem = error
    raise problem


async def adopt(connection: socket.socket, max_line: int | None = None) -> LinePeer:
    """Speak lines on a connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = LinePeer() if max_line is None else LinePeer(max_line)
    await asyncio.get_running_loop().create_connection(lambda: peer, sock=connection)
    return peer
