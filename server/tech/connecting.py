"""Opening TCP connections for media, with a time limit, without making anybody wait."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from ipaddress import ip_address

from server.base.tasks import TaskScope

CONNECT_TIMEOUT = 2.0  # seconds, as in Asterisk's AudioSocket

OnConnected = Callable[[socket.socket | None, str], None]
"""Gets the connection, or ``None`` and the reason why there is none."""


def connect(scope: TaskScope, target: tuple[str, int], then: OnConnected) -> asyncio.Task[None]:
    """Open a connection and call *then*, unless the task is cancelled first.

    :param target: host, an address or a name, and port.
    """
    return scope.spawn(_connect(target, then), f"connect to {target[0]}:{target[1]}")


async def _connect(target: tuple[str, int], then: OnConnected) -> None:
    try:
        connection = await open_connection(target, CONNECT_TIMEOUT)
    except OSError as error:
        then(None, f"{target[0]}:{target[1]}: {error.strerror or error}")
    else:
        then(connection, "")


async def open_connection(target: tuple[str, int], timeout: float) -> socket.socket:
    """Open a TCP connection, trying every address of a name.

    :param timeout: seconds for all of it.
    :raises OSError: it can't be opened, or not in time.
    """
    loop = asyncio.get_running_loop()
    problem = OSError("the name has no address")
    try:
        async with asyncio.timeout(timeout):
            for family, kind, protocol, address in await _addresses(target):
                connection = socket.socket(family, kind, protocol)
                connection.setblocking(False)
                try:
                    await loop.sock_connect(connection, address)
                except BaseException as error:
                    with contextlib.suppress(OSError):
                        connection.close()
                    if not isinstance(error, OSError):
                        raise
                    problem = error
                else:
                    return connection
    except TimeoutError:
        raise TimeoutError("timed out") from None
    raise problem


async def _addresses(target: tuple[str, int]) -> list[tuple[int, int, int, tuple[str, int]]]:
    with contextlib.suppress(ValueError):
        family = socket.AF_INET6 if ip_address(target[0]).version == 6 else socket.AF_INET
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, target)]  # without a thread
    try:
        found = await asyncio.get_running_loop().getaddrinfo(*target, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long
        raise OSError(str(error)) from None
    return [
        (int(family), int(kind), protocol, (str(address[0]), target[1]))
        for family, kind, protocol, _, address in found
    ]
