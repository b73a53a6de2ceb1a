"""FastAGI: the address of a server of scripts, and the connection to it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import dns.asyncresolver
import dns.exception

from server.agi.peer import LinePeer
from server.base.errors import InvalidArgument
from server.tech.connecting import open_connection

DEFAULT_PORT = 4573
CONNECT_TIMEOUT = 2.0  # seconds for one address, as in Asterisk
SRV_TIMEOUT = 5.0  # seconds for the name service
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


class Target(NamedTuple):
    """An SRV record."""

    priority: int
    weight: int
    host: str
    port: int


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


async def connect_fastagi(address: Address) -> LinePeer:
    """Connect to a server of scripts; of several the next is tried when one can't be reached.

    :raises OSError: none can be reached.
    """
    targets = [(address.host, address.port)]
    if address.is_service:
        targets = await find_service(address.host) or targets
    problem = OSError("nothing to connect to")
    for target in targets:
        try:
            connection = await open_connection(target, CONNECT_TIMEOUT)
        except OSError as error:
            problem = error
            continue
        return await adopt(connection)
    raise problem


async def adopt(connection: socket.socket, max_line: int | None = None) -> LinePeer:
    """Speak lines on a connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = LinePeer() if max_line is None else LinePeer(max_line)
    await asyncio.get_running_loop().create_connection(lambda: peer, sock=connection)
    return peer


async def find_service(domain: str) -> list[tuple[str, int]]:
    """Return the servers that a domain's SRV records name, in the order to try them."""
    try:
        answer = await dns.asyncresolver.resolve(
            SRV_PREFIX + domain, "SRV", lifetime=SRV_TIMEOUT, search=False
        )
    except (dns.exception.DNSException, OSError):
        return []
    targets = [
        Target(r.priority, r.weight, r.target.to_text(omit_final_dot=True), r.port) for r in answer
    ]
    return [(target.host, target.port) for target in order_targets(targets)][:MAX_TARGETS]


def order_targets(targets: Iterable[Target]) -> list[Target]:
    """Order SRV records as RFC 2782 says: by priority, inside one at random by weight."""
    left = sorted(targets, key=lambda target: (target.priority, target.weight))
    ordered: list[Target] = []
    while left:
        group = [target for target in left if target.priority == left[0].priority]
        chosen = random.choices(group, [target.weight or 0.01 for target in group])[0]
        ordered.append(chosen)
        left.remove(chosen)
    return ordered
