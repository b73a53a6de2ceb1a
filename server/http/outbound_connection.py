"""Opens one WebSocket as websocket_client.conf says: proxy, TLS, handshake (RFC 6455, 4.1)."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Callable, Sequence
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame
from websockets.protocol import Event, State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from server.base.errors import Unavailable
from server.config.sections.websocket_client import WebsocketClient
from server.http.websocket import MAX_INCOMING, SUBPROTOCOL, EventSession
from server.tech.tls_pump import tls_context

MAX_PROXY_ANSWER = 8_192  # bytes

SessionMaker = Callable[[asyncio.Transport, ClientProtocol], EventSession]


class OutboundConnection(asyncio.Protocol):
    """A connection: the handshake, then the session that *make_session* returns.

    :param make_session: called in the step in which the handshake succeeds.
    """

    def __init__(self, client: WebsocketClient, make_session: SessionMaker) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[EventSession] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._client = client
        self._make_session = make_session
        self._transport: asyncio.Transport | None = None
        self._session: EventSession | None = None
        protocols = client.protocols or (SUBPROTOCOL,)
        self._handshake = ClientProtocol(
            parse_uri(client.uri),
            subprotocols=[Subprotocol(name) for name in protocols],
            max_size=MAX_INCOMING,
        )

    # transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._handshake.connect()
        if self._client.username:
            request.headers["Authorization"] = basic_authorization(
                self._client.username, self._client.password
            )
        self._handshake.send_request(request)
        for data in self._handshake.data_to_send():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self._session is not None:
            self._session.data_received(data)
            return
        self._handshake.receive_data(data)
        received = self._handshake.events_received()
        if self._handshake.handshake_exc is not None:
            self._fail(self._handshake.handshake_exc)
        elif self._handshake.state is State.OPEN:
            self._open(received)

    def eof_received(self) -> None:
        """End the connection too: half of it is of no use."""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._session is not None:
            self._session.connection_lost()
        if not self.opened.done():
            self.opened.set_exception(
                exc or ConnectionResetError("the server closed the connection")
            )
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        if self._session is not None:
            self._session.pause_writing()

    def resume_writing(self) -> None:
        if self._session is not None:
            self._session.resume_writing()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # private

    def _open(self, received: Sequence[Event]) -> None:
        if self._transport is None or self.opened.done():
            return
        try:
            self._session = self._make_session(self._transport, self._handshake)
        except Exception as failure:
            self._fail(failure)
            return
        self.opened.set_result(self._session)
        self._session.take([frame for frame in received if isinstance(frame, Frame)])

    def _fail(self, failure: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(failure)
        self.abort()


async def connect(client: WebsocketClient, make_session: SessionMaker) -> OutboundConnection:
    """Connect, within the time of the section's ``connection_timeout``.

    :raises Unavailable: it failed; says why.
    """
    connection = OutboundConnection(client, make_session)
    try:
        async with asyncio.timeout(client.connection_timeout / 1000):
            await _connect_transport(client, connection)
            await connection.opened
    except TimeoutError:
        connection.abort()
        raise Unavailable(f"no connection within {client.connection_timeout} ms") from None
    except (OSError, WebSocketException, EOFError) as failure:
        connection.abort()
        raise Unavailable(describe(failure)) from None
    except BaseException:
        connection.abort()
        raise
    return connection


async def _connect_transport(client: WebsocketClient, connection: OutboundConnection) -> None:
    loop = asyncio.get_running_loop()
    host, port = client.address
    context = tls_context(client) if client.is_secure else None
    name = host if context is not None else None
    if client.proxy_host:
        raw = await _through_proxy(client, host, port)
    else:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        raw = await _first_that_answers(found)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if client.enable_tcp_keepalives:
            _keep_alive(raw, client)
        await loop.create_connection(
            lambda: connection, sock=raw, ssl=context, server_hostname=name
        )
    except BaseException:
        raw.close()
        raise


_Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def _first_that_answers(found: Sequence[_Found]) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        raw = socket.socket(family, kind, protocol)
        raw.setblocking(False)
        try:
            await loop.sock_connect(raw, address)
        except OSError as reason:
            raw.close()
            failure = reason
        except BaseException:
            raw.close()
            raise
        else:
            return raw
    raise failure


async def _through_proxy(client: WebsocketClient, host: str, port: int) -> socket.socket:
    """Have an HTTP proxy connect us (RFC 9110, 9.3.6).

    :raises OSError: it can't be reached, or refuses.
    """
    loop = asyncio.get_running_loop()
    proxy, _, proxy_port = client.proxy_host.removeprefix("http://").rpartition(":")
    found = await loop.getaddrinfo(proxy, proxy_port, type=socket.SOCK_STREAM)
    raw = await _first_that_answers(found)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if client.proxy_username:
        credentials = basic_authorization(client.proxy_username, client.proxy_password)
        head += f"Proxy-Authorization: {credentials}\r\n"
    try:
        await loop.sock_sendall(raw, f"{head}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            # Byte by byte: what follows the head belongs to the server behind the proxy.
            byte = await loop.sock_recv(raw, 1)
            if not byte or len(answer) >= MAX_PROXY_ANSWER:
                raise ConnectionResetError("the proxy's answer is no HTTP response")
            answer += byte
        status = answer.split(b"\r\n", 1)[0].decode("latin-1")
        if status.split(" ")[1:2] != ["200"]:
            raise ConnectionRefusedError(f"the proxy refused: {status}")
    except BaseException:
        raw.close()
        raise
    return raw


def _keep_alive(raw: socket.socket, client: WebsocketClient) -> None:
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, client.tcp_keepalive_time)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, client.tcp_keepalive_interval)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, client.tcp_keepalive_probes)


def basic_authorization(user: str, password: str) -> str:
    """Return the value of a header with Basic credentials (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def describe(failure: BaseException) -> str:
    """Return why a connection failed, in one line."""
    if isinstance(failure, ConnectionError) and failure.errno:
        return os.strerror(failure.errno)  # asyncio's own text names the address only
    cause = failure.__cause__
    text = str(failure) or type(failure).__name__
    return f"{text}: {cause}" if isinstance(failure, WebSocketException) and cause else text
