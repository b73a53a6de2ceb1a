"""TLS for media connections of the engine, which reads and writes plain sockets only.

Python decrypts and encrypts between the connection and one end of a local socket pair; the engine
has the other end. What waits in between is bounded by the buffers of both, and who does not read
holds up nobody but the other end of the same connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from server.base.tasks import TaskScope
from server.config.sections.websocket_client import WebsocketClient

CHUNK = 65_536  # bytes that are moved at once
CLOSE_TIMEOUT = 1.0  # seconds for the peer to take what is left


def tls_context(client: WebsocketClient) -> ssl.SSLContext:
    """Return the TLS side of a section.

    :raises OSError: a certificate or key can't be loaded.
    """
    context = ssl.create_default_context(
        cafile=client.ca_list_file or None, capath=client.ca_list_path or None
    )
    if not (client.verify_server_cert and client.verify_server_hostname):
        context.check_hostname = False
    if not client.verify_server_cert:
        context.verify_mode = ssl.CERT_NONE
    if client.cert_file:
        context.load_cert_chain(client.cert_file, client.priv_key_file or None)
    return context


async def secure(
    scope: TaskScope, connection: socket.socket, client: WebsocketClient
) -> socket.socket:
    """Speak TLS on a connection; return a socket on which its plain text is.

    :raises OSError: no TLS comes about.
    """
    reader, writer = await asyncio.open_connection(
        sock=connection, ssl=tls_context(client), server_hostname=client.address[0]
    )
    return plain_end(scope, reader, writer, client.name)


def plain_end(
    scope: TaskScope, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
) -> socket.socket:
    """Return a socket on which the plain text of a TLS connection is.

    :param name: of the connection, for whoever lists tasks.
    """
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    scope.spawn(_pump(scope, reader, writer, near), f"TLS of {name}")
    return far


async def _pump(
    scope: TaskScope,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    near: socket.socket,
) -> None:
    """Move bytes until the engine or the peer is done; then end both."""
    loop = asyncio.get_running_loop()
    inward = scope.spawn(_move_in(reader, near), "TLS inward")
    try:
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(near, CHUNK):
                writer.write(data)
                await writer.drain()
    finally:
        inward.cancel()
        await asyncio.wait([inward])
        near.close()
        writer.close()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await writer.wait_closed()
        writer.transport.abort()


async def _move_in(reader: asyncio.StreamReader, near: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            await loop.sock_sendall(near, data)
    with contextlib.suppress(OSError):
        near.shutdown(socket.SHUT_WR)  # the engine sees the end, and ends too
