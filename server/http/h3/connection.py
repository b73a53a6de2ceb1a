"""One QUIC connection: requests on streams of their own, answered as each is complete.

aioquic speaks QUIC and HTTP/3. It grants a client 128 streams at a time, as others end, and so
limits how many requests arrive, are answered or are on their way. A handler that returns at once
is answered in the same step, while the bus is held, as in HTTP/1.1; one that returns a coroutine
keeps nobody waiting but its own stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import ErrorCode, stream_is_request_response
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic import events as quic_events
from aioquic.quic.connection import QuicConnection

from server.base.clock import Clock
from server.base.tasks import TaskScope
from server.http.connection import MAX_HEADERS, WRITE_HIGH_WATER, open_at
from server.http.files import CHUNK
from server.http.h3.framing import Framing
from server.http.h3.incoming import IncomingRequest
from server.http.h3.session import LineSession, LineStream
from server.http.h3.websocket import PROTOCOL as WEBSOCKET
from server.http.h3.websocket import StreamSocket, StreamTransport
from server.http.h3.webtransport import PROTOCOL as WEBTRANSPORT
from server.http.h3.webtransport import SessionStream, is_ours
from server.http.media import Handover
from server.http.messages import (
    MAX_TARGET,
    FileRange,
    Request,
    Response,
    ResponseEncoder,
    error,
)
from server.http.rest import Outcome, Upgrade
from server.http.websocket import EventSession

logger = logging.getLogger(__name__)

MAX_SECTION = MAX_HEADERS + MAX_TARGET + 8_192  # bytes of a header section as it was sent
NO_WEBSOCKET = "over HTTP/3, events need an extended CONNECT: websocket or webtransport"
NO_MEDIA = "media WebSockets need a plain connection of their own"
TICKS = 4  # how often a timeout is looked at in its course


class Host(Protocol):
    """What a connection needs of its server."""

    encoder: ResponseEncoder
    clock: Clock
    scope: TaskScope
    executor: ThreadPoolExecutor
    inactivity: float  # seconds for a request to arrive
    keep_alive: float  # seconds that an idle connection lives

    def handle(self, request: Request) -> Outcome | Handover:
        """Answer a request. Never raises."""

    def hold(self) -> AbstractContextManager[None]:
        """Keep events back until the response is written."""

    def open_lines(self, stream: LineStream, upgrade: Upgrade) -> LineSession | Response:
        """Connect the applications of a WebTransport session, or say why not."""

    def open_stream(
        self, transport: StreamTransport, upgrade: Upgrade
    ) -> tuple[Response, EventSession | None]:
        """Connect the applications of a WebSocket, or not; return what to answer."""

    def connected(self, connection: QuicClient) -> bool:
        """Take note of a connection; false when there are too many."""

    def disconnected(self, connection: QuicClient) -> None:
        """Forget it."""


class QuicClient(QuicConnectionProtocol):
    """A client's connection."""

    def __init__(self, quic: QuicConnection, host: Host) -> None:
        super().__init__(quic)
        self._host = host
        self._http: Framing | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._incoming: dict[int, IncomingRequest] = {}
        self._section_sizes: dict[int, int] = {}  # by stream, until its headers are complete
        self._answering: set[int] = set()
        self._sent: set[int] = set()  # answered, but not yet received
        self._drained: dict[int, asyncio.Future[None]] = {}
        self._sessions: dict[int, LineSession | StreamSocket] = {}  # by the stream of their CONNECT
        self._lines: dict[int, LineSession] = {}  # by the stream that we opened in them
        self._is_closing = False
        self._is_gone = True  # until the handshake is over
        self._idle_deadline = 0.0
        self._tick: asyncio.TimerHandle | None = None

    # life

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        if not self._peer[0]:
            # Rights belong to the address that was proven at first, wherever the client moves.
            self._peer = (str(addr[0]), int(addr[1]))
        super().datagram_received(data, addr)
        self._on_progress()

    def quic_event_received(self, event: quic_events.QuicEvent) -> None:
        if isinstance(event, quic_events.HandshakeCompleted):
            self._open()
        elif isinstance(event, quic_events.ConnectionTerminated):
            self._forget()
        elif self._http is not None and not self._is_gone:
            self._stream_event_received(self._http, event)

    def close(self, error_code: int = ErrorCode.H3_NO_ERROR, reason_phrase: str = "") -> None:
        """End the connection after what is being answered."""
        self._is_closing = True
        for session in list(self._sessions.values()):
            session.close(1001, "server is stopping")
        self.transmit()
        if error_code != ErrorCode.H3_NO_ERROR or not self._is_busy():
            self._end(error_code, reason_phrase)

    def abort(self) -> None:
        """End the connection at once."""
        self._end(ErrorCode.H3_NO_ERROR, "")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_busy(self) -> bool:
        """Tell whether something is to be sent yet, or was not acknowledged."""
        return bool(self._answering) or (self._http is not None and self._http.has_backlog)

    def _open(self) -> None:
        self._is_gone = False
        if not self._host.connected(self):
            self._is_gone = True
            super().close(ErrorCode.H3_EXCESSIVE_LOAD, "too many connections")
            return
        self._http = Framing(self._quic)
        self._idle_deadline = self._loop.time() + self._host.inactivity
        self._schedule_tick()

    def _end(self, error_code: int, reason: str) -> None:
        super().close(error_code, reason)
        self._forget()

    def _forget(self) -> None:
        """Let go of everything that belongs to the connection."""
        if self._is_gone:
            return
        self._is_gone = self._is_closing = True
        self._incoming.clear()
        self._section_sizes.clear()
        sessions = list(self._sessions.values())
        self._sessions.clear()
        self._lines.clear()
        for session in sessions:
            session.connection_lost()
        for waiter in self._drained.values():
            if not waiter.done():
                waiter.set_exception(ConnectionResetError())
        if self._tick is not None:
            self._tick.cancel()
        self._host.disconnected(self)

    # receiving

    def _stream_event_received(self, http: Framing, event: quic_events.QuicEvent) -> None:
        if isinstance(event, quic_events.StreamReset | quic_events.StopSendingReceived):
            self._lose_session(event.stream_id)
        if isinstance(event, quic_events.StreamDataReceived) and is_ours(event.stream_id):
            session = self._lines.get(event.stream_id)
            if session is not None:
                session.data_received(event.data)
            return
        if isinstance(event, quic_events.StreamReset):
            self._incoming.pop(event.stream_id, None)
            self._section_sizes.pop(event.stream_id, None)
        elif isinstance(event, quic_events.StreamDataReceived):
            self._count_section(event)
        for received in http.handle_event(event):
            self._http_event_received(http, received)
        if isinstance(event, quic_events.StreamDataReceived):
            size = self._section_sizes.get(event.stream_id, 0)
            if size > MAX_SECTION:
                self._end(ErrorCode.H3_EXCESSIVE_LOAD, "the headers are too long")
            elif event.end_stream:
                self._section_sizes.pop(event.stream_id, None)

    def _count_section(self, event: quic_events.StreamDataReceived) -> None:
        """Count what aioquic keeps of headers until they are complete."""
        stream_id = event.stream_id
        if stream_is_request_response(stream_id) and not self._is_known(stream_id):
            size = self._section_sizes.get(stream_id, 0) + len(event.data)
            self._section_sizes[stream_id] = size

    def _is_known(self, stream_id: int) -> bool:
        known = (self._incoming, self._answering, self._sent, self._sessions)
        return any(stream_id in streams for streams in known)

    def _http_event_received(self, http: Framing, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            if event.stream_id in self._section_sizes:
                del self._section_sizes[event.stream_id]
                self._begin(http, event)
                return
            refusal = None  # trailers
        elif isinstance(event, DataReceived):
            session = self._sessions.get(event.stream_id)
            if isinstance(session, StreamSocket):
                session.data_received(event.data)
            if event.stream_ended:
                self._lose_session(event.stream_id)
            incoming = self._incoming.get(event.stream_id)
            refusal = incoming.take_body(event.data) if incoming is not None else None
        else:
            return
        self._go_on(event.stream_id, refusal, is_complete=event.stream_ended)

    def _begin(self, http: Framing, event: HeadersReceived) -> None:
        incoming = IncomingRequest(self._loop.time() + self._host.inactivity)
        self._incoming[event.stream_id] = incoming
        refusal = incoming.take_headers(event.headers)
        if incoming.method == "CONNECT" and refusal is None:
            if incoming.protocol in (WEBSOCKET, WEBTRANSPORT) and not event.stream_ended:
                del self._incoming[event.stream_id]
                request = incoming.complete(self._peer)
                self._connect(http, event.stream_id, request, incoming.protocol)
                return
            refusal = error(501, "CONNECT is for WebSocket and WebTransport only")
        if refusal is None and incoming.expects_continue and not event.stream_ended:
            http.send_headers(event.stream_id, [(b":status", b"100")])
        self._go_on(event.stream_id, refusal, is_complete=event.stream_ended)

    def _go_on(self, stream_id: int, refusal: Response | None, *, is_complete: bool) -> None:
        incoming = self._incoming.get(stream_id)
        if incoming is None or (refusal is None and not is_complete):
            return
        del self._incoming[stream_id]
        request = incoming.complete(self._peer)
        if refusal is None:
            self._serve(stream_id, request)
            return
        self._write(stream_id, refusal, request)
        if not is_complete:
            self._stop(stream_id, ErrorCode.H3_NO_ERROR)

    def _stop(self, stream_id: int, error_code: int) -> None:
        """Ask the client to send no more of a request (RFC 9114, 4.1)."""
        with contextlib.suppress(ValueError):  # it is over already
            self._quic.stop_stream(stream_id, error_code)

    # answering

    def _serve(self, stream_id: int, request: Request) -> None:
        with self._host.hold():
            outcome = self._handle(request)
            if isinstance(outcome, Response) and outcome.file is None:
                self._write(stream_id, outcome, request)
                return
        if isinstance(outcome, Upgrade):
            self._write(stream_id, error(400, NO_WEBSOCKET), request)
            return
        self._answering.add(stream_id)
        self._host.scope.spawn(self._answer(stream_id, outcome, request), "HTTP/3 request")

    def _handle(self, request: Request) -> Outcome:
        outcome = self._host.handle(request)
        if isinstance(outcome, Handover):
            outcome.claim.release()
            return error(501, NO_MEDIA)
        return outcome

    async def _answer(
        self, stream_id: int, outcome: Response | Coroutine[Any, Any, Response], request: Request
    ) -> None:
        response = outcome if isinstance(outcome, Response) else await outcome
        # As in HTTP/1.1: no await between the end of the handler and the datagram.
        self._write(stream_id, response, request)
        self.transmit()
        try:
            if response.file is not None and request.method != "HEAD":
                await self._send_file(stream_id, response.file)
        except OSError as failure:
            logger.debug("a response to %s broke off: %s", self._peer[0], failure)
            if not self._is_gone:
                self._quic.reset_stream(stream_id, ErrorCode.H3_INTERNAL_ERROR)
        self._answering.discard(stream_id)
        if not self._is_gone:
            self.transmit()

    def _write(self, stream_id: int, response: Response, request: Request) -> None:
        http = self._http
        if http is None or self._is_gone or http.is_over(stream_id):
            return
        fields = self._host.encoder.fields(response, self._host.clock.wall())
        has_body = request.method != "HEAD" and bool(response.body)
        part = response.file
        has_file = request.method != "HEAD" and part is not None and part.length > 0
        http.send_headers(stream_id, fields, end_stream=not has_body and not has_file)
        if has_body:
            http.send_data(stream_id, response.body, end_stream=True)
        self._sent.add(stream_id)
        self._idle_deadline = self._loop.time() + self._host.keep_alive
        logger.debug("%s: %s %s: %d", self._peer[0], request.method, request.path, response.status)

    async def _send_file(self, stream_id: int, part: FileRange) -> None:
        """Send a part of a file, reading on the executor.

        :raises OSError: it can't be read, became shorter, or the client went away.
        """
        run = self._loop.run_in_executor
        reader: BinaryIO = await run(self._host.executor, open_at, part)
        try:
            left = part.length
            while left:
                chunk = await run(self._host.executor, reader.read, min(left, CHUNK))
                http = self._http
                if not chunk or http is None or self._is_gone or http.is_over(stream_id):
                    raise ConnectionResetError("the file or the stream ended early")
                left -= len(chunk)
                http.send_data(stream_id, chunk, end_stream=not left)
                self.transmit()
                await self._drain(http, stream_id)
        finally:
            reader.close()

    async def _drain(self, http: Framing, stream_id: int) -> None:
        """Wait until the client has taken enough.

        :raises OSError: it does not, or went away.
        """
        if http.backlog(stream_id) > WRITE_HIGH_WATER and not self._is_gone:
            waiter = self._drained[stream_id] = self._loop.create_future()
            try:
                await asyncio.wait_for(waiter, self._host.inactivity)
            finally:
                del self._drained[stream_id]

    # events

    def _connect(self, http: Framing, session_id: int, request: Request, protocol: bytes) -> None:
        """Open a session, if the interface has events for this request."""
        with self._host.hold():
            outcome = self._handle(request)
            if isinstance(outcome, Upgrade):
                open_it = self._open_socket if protocol == WEBSOCKET else self._open_session
                open_it(http, session_id, outcome)
                return
            if isinstance(outcome, Response) and outcome.file is None:
                self._write(session_id, outcome, request)
                return
        self._answering.add(session_id)
        self._host.scope.spawn(self._answer(session_id, outcome, request), "HTTP/3 request")

    def _open_session(self, http: Framing, session_id: int, upgrade: Upgrade) -> None:
        stream = SessionStream(
            self._quic, http, session_id, self._transmit_soon, self._forget_session
        )
        session = self._host.open_lines(stream, upgrade)
        if isinstance(session, Response):
            self._write(session_id, session, upgrade.request)
            return
        self._sessions[session_id] = session
        self._lines[stream.open()] = session
        session.open()

    def _open_socket(self, http: Framing, stream_id: int, upgrade: Upgrade) -> None:
        transport = StreamTransport(
            self._quic, http, stream_id, self._transmit_soon, self._forget_session
        )
        answer, session = self._host.open_stream(transport, upgrade)
        if session is None:
            self._write(stream_id, answer, upgrade.request)
            return
        fields = self._host.encoder.fields(answer, self._host.clock.wall())
        # Content has no length here (RFC 9110, 9.3.6).
        http.send_headers(stream_id, [each for each in fields if each[0] != b"content-length"])
        opened = self._sessions[stream_id] = StreamSocket(transport, session)
        opened.open()

    def _lose_session(self, stream_id: int) -> None:
        """End a session whose client has ended one of its streams."""
        session = self._sessions.get(stream_id) or self._lines.get(stream_id)
        if session is not None:
            session.peer_ended()

    def _forget_session(self, session_id: int) -> None:
        session = self._sessions.pop(session_id, None)
        self._lines = {key: each for key, each in self._lines.items() if each is not session}
        self._sent.add(session_id)

    # progress and time

    def _on_progress(self) -> None:
        """Look what the client has taken; it may have acknowledged something."""
        http = self._http
        if http is None or self._is_gone:
            return
        if http.is_ended:
            self._forget()
            return
        self._sent = {stream_id for stream_id in self._sent if http.is_open(stream_id)}
        if self._is_closing and not self._is_busy():
            self._end(ErrorCode.H3_NO_ERROR, "")
            return
        for session in list(self._sessions.values()):
            session.progress()
        for stream_id, waiter in self._drained.items():
            has_drained = http.is_over(stream_id) or http.backlog(stream_id) <= WRITE_HIGH_WATER
            if has_drained and not waiter.done():
                waiter.set_result(None)

    def _schedule_tick(self) -> None:
        period = min(self._host.inactivity, self._host.keep_alive or self._host.inactivity)
        self._tick = self._loop.call_later(period / TICKS, self._on_tick)

    def _on_tick(self) -> None:
        """Answer requests that don't arrive, and end a connection that nobody uses."""
        now = self._loop.time()
        for stream_id, incoming in list(self._incoming.items()):
            if incoming.deadline <= now:
                refusal = error(408, "the request did not arrive in time")
                self._go_on(stream_id, refusal, is_complete=False)
        if self._sessions:
            self._quic.send_ping(0)  # who does not answer is ended by QUIC's idle timeout
        if self._incoming or self._answering or self._sessions:
            self._idle_deadline = now + self._host.keep_alive
        grace = self._host.inactivity if self._is_busy() else 0.0
        if now >= self._idle_deadline + grace:
            self._end(ErrorCode.H3_NO_ERROR, "idle")
            return
        self.transmit()
        self._schedule_tick()
