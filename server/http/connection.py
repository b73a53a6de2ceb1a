"""One HTTP/1.1 connection: requests in, responses out, in order.

httptools (llhttp) parses. A handler that returns at once is answered in the same step, while the
bus is held; one that returns a coroutine keeps the following requests of this connection waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol, cast

import httptools

from server.base.clock import Clock
from server.base.tasks import TaskScope
from server.http.files import CHUNK
from server.http.media import Handover
from server.http.messages import (
    MAX_BODY,
    MAX_TARGET,
    FileRange,
    Request,
    Response,
    ResponseEncoder,
    error,
)
from server.http.rest import Outcome, Upgrade
from server.http.websocket import EventSession
from server.tech.tls_pump import plain_end

logger = logging.getLogger(__name__)

MAX_HEADERS = 32_768  # bytes of names and values
MAX_HEADER_COUNT = 128
MAX_PENDING = 64  # parsed requests that wait for the one before them
LINGER = 1.0  # seconds that a refused client may go on sending
WRITE_HIGH_WATER = 262_144  # bytes that wait for a slow reader before we stop reading from it

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Host(Protocol):
    """What a connection needs of its server."""

    encoder: ResponseEncoder
    clock: Clock
    scope: TaskScope
    executor: ThreadPoolExecutor
    inactivity: float  # seconds for a request to arrive
    keep_alive: float  # seconds that an idle connection lives, 0 to close after each response

    def handle(self, request: Request) -> Outcome | Handover:
        """Answer a request. Never raises."""

    def hold(self) -> AbstractContextManager[None]:
        """Keep events back until the response is written."""

    def connected(self, connection: Connection) -> bool:
        """Take note of a connection; false when there are too many."""

    def disconnected(self, connection: Connection) -> None:
        """Forget it."""

    def open_session(self, transport: asyncio.Transport, upgrade: Upgrade) -> EventSession | None:
        """Answer a WebSocket handshake; ``None`` if it was refused."""


class Connection(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._scheme = "http"
        self._session: EventSession | None = None
        self._handed: list[bytes] | None = None  # what goes along with a connection given away
        # the request being received
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_size = 0
        self._body: list[bytes] = []
        self._body_size = 0
        self._refusal: Response | None = None
        self._is_receiving = False
        # requests that wait, and whether one is being answered
        self._pending: deque[tuple[Request, bool]] = deque()
        self._is_busy = False
        self._is_closing = False
        # flow control and timeout
        self._drained: asyncio.Future[None] | None = None
        self._is_reading_paused = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        peer = transport.get_extra_info("peername")
        if transport.get_extra_info("sslcontext") is not None:
            self._scheme = "https"
        self._peer = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("", 0)
        if not self._host.connected(self):
            self._is_closing = True
            self._transport.abort()
            return
        self._deadline = self._loop.time() + self._host.inactivity
        self._timer = self._loop.call_at(self._deadline, self._on_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closing = True
        self._transport = None
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ConnectionResetError())
        if self._session is not None:
            self._session.connection_lost()
            self._session = None
        self._host.disconnected(self)
        del self._parser  # it refers to us: without it no cycle is left

    def data_received(self, data: bytes) -> None:
        if self._session is not None:
            self._session.data_received(data)
        elif self._handed is not None:
            self._handed.append(data)
        elif not self._is_closing:
            self._parse(data)

    def pause_writing(self) -> None:
        if self._session is not None:
            self._session.pause_writing()
            return
        self._drained = self._loop.create_future()
        self._deadline = self._loop.time() + self._host.inactivity
        self._throttle()

    def resume_writing(self) -> None:
        if self._session is not None:
            self._session.resume_writing()
            return
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
        self._serve_pending()

    def close(self) -> None:
        """End the connection after what is being answered; a WebSocket with code 1001."""
        if self._session is not None:
            self._session.close(1001, "server is stopping")
        elif self._is_busy:
            self._is_closing = True
        else:
            self._end()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # parsing

    def _parse(self, data: bytes) -> None:
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserError as failure:
            self._refusal = self._refusal or error(400, f"malformed request: {failure}")
        self._serve_pending()
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif rest:
            self.data_received(rest)

    def on_message_begin(self) -> None:
        """Parser callback: a request starts."""
        self._target = b""
        self._headers = {}
        self._header_size = 0
        self._body = []
        self._body_size = 0
        self._is_receiving = True
        self._deadline = self._loop.time() + self._host.inactivity

    def on_url(self, url: bytes) -> None:
        """Parser callback: a piece of the request target."""
        self._target += url
        if len(self._target) > MAX_TARGET:
            self._refusal = error(414, f"the URI is longer than {MAX_TARGET} bytes")
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: a header."""
        name = name.lower()
        self._header_size += len(name) + len(value)
        if self._header_size > MAX_HEADERS or len(self._headers) >= MAX_HEADER_COUNT:
            self._refusal = error(431, f"the headers are longer than {MAX_HEADERS} bytes")
            raise ValueError
        known = self._headers.get(name)
        self._headers[name] = value if known is None else b"%b, %b" % (known, value)

    def on_headers_complete(self) -> None:
        """Parser callback: the body follows."""
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            self._refuse_body()
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport:
            self._transport.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Parser callback: a piece of the body."""
        self._body_size += len(body)
        if self._body_size > MAX_BODY:
            self._refuse_body()
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Parser callback: the request is complete."""
        self._is_receiving = False
        target, _, _ = self._target.decode("utf-8", "replace").partition("#")
        path, _, query = _origin_form(target).partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body) if self._body else b"",
            peer=self._peer[0],
            peer_port=self._peer[1],
            scheme=self._scheme,
        )
        self._pending.append((request, self._parser.should_keep_alive()))

    def _refuse_body(self) -> None:
        self._refusal = error(413, f"the body is longer than {MAX_BODY} bytes")
        raise ValueError

    # answering

    def _serve_pending(self) -> None:
        while self._pending and not self._is_busy and not self._is_closing and not self._drained:
            request, is_persistent = self._pending.popleft()
            self._serve(request, is_persistent)
        self._throttle()

    def _throttle(self) -> None:
        """Read no further than a bounded number of requests ahead."""
        is_full = len(self._pending) >= MAX_PENDING or self._drained is not None
        if is_full is self._is_reading_paused or self._transport is None or self._is_closing:
            return
        self._is_reading_paused = is_full
        if is_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _serve(self, request: Request, is_persistent: bool) -> None:
        with self._host.hold():
            outcome = self._host.handle(request)
            if isinstance(outcome, Response) and outcome.file is None:
                self._write(outcome, request, is_persistent)
                return
        if isinstance(outcome, Upgrade):
            self._upgrade(outcome)
            return
        if isinstance(outcome, Handover):
            self._begin_handover(outcome)
            return
        self._is_busy = True
        self._host.scope.spawn(self._answer(outcome, request, is_persistent), "request")

    async def _answer(
        self,
        outcome: Response | Coroutine[Any, Any, Response],
        request: Request,
        is_persistent: bool,
    ) -> None:
        response = outcome if isinstance(outcome, Response) else await outcome
        # No await between the end of the handler and this write: what the handler published
        # in its last step is delivered by the loop only after this step.
        self._write(response, request, is_persistent)
        try:
            if response.file is not None and request.method != "HEAD":
                await self._send_file(response.file)
        except OSError as failure:
            logger.debug("a response to %s broke off: %s", self._peer[0], failure)
            self.abort()
        self._is_busy = False
        if self._is_closing:
            self._end()
        self._serve_pending()

    def _write(self, response: Response, request: Request, is_persistent: bool) -> None:
        transport = self._transport
        if transport is None:
            return
        host = self._host
        is_last = (
            not is_persistent or response.is_closing or self._is_closing or not host.keep_alive
        )
        is_tls = self._scheme == "https"
        head = host.encoder.head(response, host.clock.wall(), is_closing=is_last, is_tls=is_tls)
        transport.write(head if request.method == "HEAD" else head + response.body)
        logger.debug("%s: %s %s: %d", self._peer[0], request.method, request.path, response.status)
        self._deadline = self._loop.time() + host.keep_alive
        if is_last:
            self._is_closing = True
            if response.file is None or request.method == "HEAD":
                transport.close()

    async def _send_file(self, part: FileRange) -> None:
        """Send a part of a file, reading on the executor.

        :raises OSError: it can't be read, became shorter, or the client went away.
        """
        run = self._loop.run_in_executor
        reader: BinaryIO = await run(self._host.executor, open_at, part)
        try:
            left = part.length
            while left:
                chunk = await run(self._host.executor, reader.read, min(left, CHUNK))
                if not chunk or self._transport is None:
                    raise ConnectionResetError("the file or the connection ended early")
                self._transport.write(chunk)
                left -= len(chunk)
                if self._drained is not None:
                    await self._drained
        finally:
            reader.close()

    def _upgrade(self, upgrade: Upgrade) -> None:
        assert self._transport is not None
        if self._pending:
            self._refuse(error(400, "requests follow a WebSocket handshake"))
            return
        self._session = self._host.open_session(self._transport, upgrade)
        if self._session is None:
            self._is_closing = True
            self._transport.close()
        else:
            self._session.open()

    def _begin_handover(self, handover: Handover) -> None:
        """Read no further; what is in our hands already goes along."""
        transport = self._transport
        if transport is None or self._pending:
            handover.claim.release()
            self._refuse(error(501, "a media WebSocket needs a connection of its own"))
            return
        transport.pause_reading()
        self._handed = []
        self._loop.call_soon(self._hand_over, handover)

    def _hand_over(self, handover: Handover) -> None:
        """Give the socket away: the one that takes it sends the answer too."""
        transport, host = self._transport, self._host
        if transport is None or transport.get_write_buffer_size():
            # gone, or so slow that it has not read the answers before this one
            handover.claim.release()
            self.abort()
            return
        head = host.encoder.head(handover.answer, host.clock.wall(), is_closing=False)
        start = b"".join(self._handed or ())
        if self._scheme == "https":
            connection = self._plain_end(transport)
        else:
            socket_of_it = transport.get_extra_info("socket")
            connection = socket.socket(fileno=os.dup(socket_of_it.fileno()))
            connection.setblocking(False)
            transport.abort()
        handover.claim.take(connection, head.decode("latin-1"), start)

    def _plain_end(self, transport: asyncio.Transport) -> socket.socket:
        """Leave a TLS connection to a pump; return a socket for what is inside of it."""
        reader = asyncio.StreamReader(loop=self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self.connection_lost(None)  # as far as HTTP is concerned
        transport.resume_reading()
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        return plain_end(self._host.scope, reader, writer, f"media of {self._peer[0]}")

    def _refuse(self, response: Response) -> None:
        """Answer what can't be parsed or is too large; nothing that follows can be understood."""
        self._refusal = None
        if self._transport is None or self._is_closing or self._is_busy:
            self._end()
            return
        self._is_closing = True
        head = self._host.encoder.head(response, self._host.clock.wall(), is_closing=True)
        self._transport.write(head + response.body)
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        # Closing while the client still sends would reset the connection and take our answer
        # with it: hear it out for a moment (RFC 9112, 9.6).
        self._transport.write_eof()
        self._loop.call_later(LINGER, self.abort)

    def _end(self) -> None:
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    def _on_timer(self) -> None:
        """Close a connection whose client was too slow: to ask, to go on, or to take an answer."""
        now = self._loop.time()
        if self._session is not None:
            self._timer = None
            return
        if self._is_busy and self._drained is None:
            self._deadline = now + self._host.inactivity
        if now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
        elif self._is_receiving and not self._is_busy and self._drained is None:
            self._timer = None
            self._refuse(error(408, "the request did not arrive in time"))
        else:
            self.abort()


def _origin_form(target: str) -> str:
    """Return path and query of a target that may be in absolute form (RFC 9112, 3.2.2)."""
    if target.startswith("/") or "://" not in target:
        return target
    _, _, rest = target.partition("://")
    _, slash, path = rest.partition("/")
    return f"/{path}" if slash else "/"


def open_at(part: FileRange) -> BinaryIO:
    """Open a file where a part of it begins."""
    reader = part.path.open("rb")
    reader.seek(part.offset)
    return reader
