"""Connecting to a WebSocket server (RFC 6455 section 4.1) as websocket_client.conf says.

Only the handshake is done here; the frames belong to whoever gets the socket.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.base.tasks import TaskScope
from server.config.sections.websocket_client import WebsocketClient
from server.tech.connecting import open_connection
from server.tech.tls_pump import secure

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
MAX_HEAD = 16_384  # bytes of the server's answer
SUBPROTOCOL = "media"  # offered by a section that names none


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection whose handshake is done.

    :param start: what the server has sent after it already.
    """

    connection: socket.socket
    start: bytes


OnOpened = Callable[[Opened | None, str], None]
"""Gets the connection, or ``None`` and the reason why there is none."""


def connect_client(
    scope: TaskScope, client: WebsocketClient, query: str, then: OnOpened
) -> asyncio.Task[None]:
    """Connect, as often as the section says, and call *then*, unless the task is cancelled first.

    :param query: is added to the URI's.
    """
    return scope.spawn(_connect(scope, client, query, then), f"connect to {client.name}")


async def _connect(scope: TaskScope, client: WebsocketClient, query: str, then: OnOpened) -> None:
    problem = ""
    for attempt in range(client.reconnect_attempts + 1):
        if attempt:
            await asyncio.sleep(client.reconnect_interval / 1000)
        try:
            opened = await open_client(scope, client, query)
        except OSError as error:
            problem = f"{client.uri}: {error.strerror or error}"
        else:
            then(opened, "")
            return
    then(None, problem)


async def open_client(scope: TaskScope, client: WebsocketClient, query: str = "") -> Opened:
    """Connect once.

    :param scope: of the tasks that serve the connection if it is one of TLS.

    :raises OSError: no connection, not in time, or the server refused the handshake.
    """
    timeout = client.connection_timeout / 1000
    connection = await open_connection(client.address, timeout)
    try:
        if client.enable_tcp_keepalives:
            _keep_alive(connection, client)
        async with asyncio.timeout(timeout):
            if client.is_secure:
                connection = await secure(scope, connection, client)
            start = await _shake_hands(connection, client, query)
    except TimeoutError:
        connection.close()
        raise TimeoutError("the handshake timed out") from None
    except BaseException:
        connection.close()
        raise
    return Opened(connection, start)


async def _shake_hands(connection: socket.socket, client: WebsocketClient, query: str) -> bytes:
    loop = asyncio.get_running_loop()
    key = base64.b64encode(os.urandom(16))
    await loop.sock_sendall(connection, handshake(client, query, key))
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > MAX_HEAD:
            raise ConnectionError("the answer to the handshake is too long")
        piece = await loop.sock_recv(connection, 4096)
        if not piece:
            raise ConnectionError("the connection ended in the handshake")
        data += piece
    check_answer(data[:end], key, client)
    return data[end + 4 :]


def handshake(client: WebsocketClient, query: str, key: bytes) -> bytes:
    """Return the request; section and *query* hold no line breaks."""
    parts = urlsplit(client.uri)
    target = parts.path or "/"
    queries = [each for each in (parts.query, query) if each]
    if queries:
        target += "?" + "&".join(queries)
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {', '.join(client.protocols or (SUBPROTOCOL,))}",
    ]
    if client.username:
        credentials = f"{client.username}:{client.password}".encode()
        lines.append(f"Authorization: Basic {base64.b64encode(credentials).decode()}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def check_answer(head: bytes, key: bytes, client: WebsocketClient) -> None:
    """Check the server's answer (RFC 6455 section 4.1).

    :raises ConnectionError: it is not what it has to be.
    """
    status, *lines = head.decode("latin-1").split("\r\n")
    words = status.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or words[1] != "101":
        raise ConnectionError(f"the server answered {status[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    wanted = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest()).decode()
    if headers.get("upgrade", "").lower() != "websocket":
        raise ConnectionError("the server did not switch to WebSocket")
    if headers.get("sec-websocket-accept") != wanted:
        raise ConnectionError("the server's Sec-WebSocket-Accept is wrong")
    if headers.get("sec-websocket-extensions"):
        raise ConnectionError("the server chose extensions that were not offered")
    chosen = headers.get("sec-websocket-protocol", "")
    if chosen and chosen not in (client.protocols or (SUBPROTOCOL,)):
        raise ConnectionError(f"the server chose the subprotocol {chosen!r}")


def _keep_alive(connection: socket.socket, client: WebsocketClient) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, client.tcp_keepalive_time)
    interval = client.tcp_keepalive_interval
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, client.tcp_keepalive_probes)
