"""The events' WebSocket (RFC 6455): handshake, and one session per connected application.

A session never makes anybody wait. Frames go to the transport at once while the client keeps up;
otherwise they queue up to a limit, past which this client alone is disconnected.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import struct
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Protocol, cast
from weakref import WeakKeyDictionary

from websockets.exceptions import ProtocolError
from websockets.extensions.base import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import Event as WireEvent
from websockets.protocol import Protocol as FrameProtocol
from websockets.protocol import Side, State

from server.http.messages import Request, Response, error, prettify

logger = logging.getLogger(__name__)

SUBPROTOCOL = "ari"
VERSIONS = ("7", "8", "13")
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

MAX_QUEUED_BYTES = 4_194_304  # of frames that a client has not taken, besides the transport's
MAX_QUEUED_FRAMES = 10_000
TRANSPORT_HIGH_WATER = 262_144  # bytes handed to the transport before frames queue here
CHUNK = 65_536  # bytes of queued frames that are written together
MAX_INCOMING = 524_288  # bytes of a message from a client: a request's body and its escapes
PING_INTERVAL = 30.0  # seconds between pings; two without any answer end the session
CLOSE_TIMEOUT = 5.0  # seconds for the client to answer a close frame
SLOW_CONSUMER = 1013  # "try again later", IANA WebSocket close codes

_LENGTH_16 = struct.Struct("!BBH")
_LENGTH_64 = struct.Struct("!BBQ")
_TEXT = 0x80 | Opcode.TEXT  # FIN, text


def accept(request: Request, subprotocol: str = SUBPROTOCOL) -> Response:
    """Check a handshake and return its answer: 101, or what is wrong."""
    if request.header(b"upgrade").lower() != "websocket":
        return error(426, "a WebSocket handshake is needed", (b"Upgrade", b"websocket"))
    key = request.headers.get(b"sec-websocket-key", b"")
    if request.header(b"sec-websocket-version").strip() not in VERSIONS or not _is_key(key):
        versions = (b"Sec-WebSocket-Version", ", ".join(VERSIONS).encode())
        return error(400, "the WebSocket handshake is malformed", versions)
    digest = base64.b64encode(hashlib.sha1(key.strip() + MAGIC, usedforsecurity=False).digest())
    headers = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Accept", digest),
    ]
    return _agree(request, subprotocol) or Response(
        101, headers=(*headers, *_subprotocol(request, subprotocol))
    )


def accept_stream(request: Request) -> Response:
    """Check a handshake by extended CONNECT (RFC 8441, 5) and return its answer: 200, or not."""
    if request.header(b"sec-websocket-version").strip() != VERSIONS[-1]:
        versions = (b"Sec-WebSocket-Version", VERSIONS[-1].encode())
        return error(400, "the WebSocket handshake is malformed", versions)
    return _agree(request, SUBPROTOCOL) or Response(200, headers=_subprotocol(request, SUBPROTOCOL))


def _agree(request: Request, subprotocol: str) -> Response | None:
    """Refuse a client that wants other subprotocols."""
    offered = request.header(b"sec-websocket-protocol")
    if not offered or subprotocol in [word.strip() for word in offered.split(",")]:
        return None
    return error(400, f"the only subprotocol is {subprotocol!r}")


def _subprotocol(request: Request, subprotocol: str) -> tuple[tuple[bytes, bytes], ...]:
    """Name the subprotocol, if the client did."""
    if b"sec-websocket-protocol" not in request.headers:
        return ()
    return ((b"Sec-WebSocket-Protocol", subprotocol.encode()),)


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key.strip(), validate=True)) == 16
    except binascii.Error:
        return False


def text_frame(message: bytes) -> bytes:
    """Return an unmasked text frame, as servers send them."""
    length = len(message)
    if length < 126:
        return bytes((_TEXT, length)) + message
    if length < 65_536:
        return _LENGTH_16.pack(_TEXT, 126, length) + message
    return _LENGTH_64.pack(_TEXT, 127, length) + message


def masked_text_frame(message: bytes) -> bytes:
    """Return a text frame as clients send them."""
    return Frame(Opcode.TEXT, message).serialize(mask=True)


def _extended_frame(extension: Extension, message: bytes) -> bytes:
    return Frame(Opcode.TEXT, message).serialize(mask=False, extensions=[extension])


class RequestReceiver(Protocol):
    """Who takes what a client sends; see :class:`server.http.rest_socket.RestSocket`."""

    def frame_received(self, frame: Frame) -> None:
        """Take a frame."""

    def serve(self) -> None:
        """Go on: the client reads again."""

    def close(self) -> None:
        """The session is over."""


class Flusher:
    """Writes what has gathered for consumers: once in an iteration of the loop for all of them.

    The bus flushes after its deliveries; for what is delivered otherwise, the loop does.
    """

    _of_loops: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Flusher]] = WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[EventSession] = deque()

    @classmethod
    def of_running_loop(cls) -> Flusher:
        """Return the one of the running loop."""
        loop = asyncio.get_running_loop()
        found = cls._of_loops.get(loop)
        if found is None:
            found = cls._of_loops[loop] = cls(loop)
        return found

    def add(self, session: EventSession) -> None:
        """Note that something has to be written."""
        if not self._due:
            self._loop.call_soon(self.flush)
        self._due.append(session)

    def flush(self) -> None:
        """Write it."""
        while self._due:  # one by one: should one fail, the others keep their turn
            self._due.popleft().flush()


class EventSession:
    """A connected consumer of events; see :class:`server.stasis.applications.Consumer`.

    :param frames: the state of a handshake that was made already, if we are the client.
    :param ping_interval: seconds between pings, if not :data:`PING_INTERVAL`.
    :param ping_probes: pings without any answer that end the session.
    :param on_end: called once, when it takes no more events.
    :param on_overflow: called when the client was too slow.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        peer: str,
        *,
        is_pretty: bool = False,
        frames: FrameProtocol | None = None,
        ping_interval: float | None = None,
        ping_probes: int = 1,
        on_end: Callable[[EventSession], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self.peer = peer
        self.requests: RequestReceiver | None = None
        self._transport = transport
        self._is_pretty = is_pretty
        self._on_end = on_end
        self._on_overflow = on_overflow
        self._frames = frames or FrameProtocol(Side.SERVER, state=State.OPEN, max_size=MAX_INCOMING)
        self._encode: Callable[[bytes], bytes] = text_frame if frames is None else masked_text_frame
        self._loop = asyncio.get_running_loop()
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._max_queued_frames = MAX_QUEUED_FRAMES
        self._max_queued_bytes = MAX_QUEUED_BYTES
        self._is_paused = False
        self._is_flush_due = False
        self._flusher = Flusher.of_running_loop()
        self._is_open = True
        self._ping_interval = ping_interval or PING_INTERVAL
        self._ping_probes = ping_probes
        self._unanswered_pings = 0
        self._is_reading = True
        self._timer = self._loop.call_later(self._ping_interval, self._on_ping_timer)
        transport.set_write_buffer_limits(high=TRANSPORT_HIGH_WATER)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait because the client is slow."""
        return self._queued_bytes

    def hold_back(self) -> None:
        """Send nothing before :meth:`open`: the handshake has still to be answered."""
        self._is_paused = True

    def open(self) -> None:
        """Send from now on."""
        self.resume_writing()

    def compress(self, extension: Extension) -> None:
        """Use an extension on every message, as the handshake agreed."""
        self._frames.extensions = [extension]
        self._encode = partial(_extended_frame, extension)

    def allow_backlog(self, frames: int, size: int) -> None:
        """Let more wait for the client than usual: *frames*, and *size* in bytes."""
        self._max_queued_frames += frames
        self._max_queued_bytes += size

    @property
    def is_writable(self) -> bool:
        """Whether the client keeps up."""
        return not self._is_paused

    def set_reading(self, is_reading: bool) -> None:
        """Stop to take anything from the client, or go on."""
        self._is_reading = is_reading
        if is_reading:
            self._unanswered_pings = 0
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # Consumer

    def deliver(self, frame: bytes) -> None:
        """Send one message of UTF-8 JSON, now or when the client has caught up."""
        if not self._is_open:
            return
        if self._is_pretty:
            frame = prettify(frame)
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if not self._is_paused:
            self._flush_soon()
        elif (
            self._queued_bytes > self._max_queued_bytes
            or len(self._queue) > self._max_queued_frames
        ):
            self._overflow()

    def flush(self) -> None:
        """Write what has gathered, in as few system calls as may be."""
        self._is_flush_due = False
        while self._queue and not self._is_paused:
            self._transport.write(b"".join(self._take_chunk()))

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and hang up when the client has answered or the time is up."""
        if not self._is_open:
            return
        self.flush()
        self._frames.send_close(code, reason)
        self._flush_frames()
        self._end()
        self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.abort)

    # from the connection

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._unanswered_pings = 0
        self._frames.receive_data(data)
        self.take(self._frames.events_received())

    def take(self, received: Sequence[WireEvent]) -> None:
        """Take frames from the client."""
        for event in received:
            if self.requests is not None:
                self.requests.frame_received(cast(Frame, event))
        self._flush_frames()
        if self._frames.close_expected():
            self._end()
            self._timer.cancel()
            self._timer = self._loop.call_later(CLOSE_TIMEOUT, self._transport.abort)

    def pause_writing(self) -> None:
        """The client is slower than its events."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The client caught up."""
        self._is_paused = False
        self.flush()
        if self.requests is not None:
            self.requests.serve()

    def connection_lost(self) -> None:
        """The connection is gone."""
        self._end()
        self._timer.cancel()

    # private

    def _flush_soon(self) -> None:
        if self._queued_bytes >= CHUNK:
            self.flush()
        elif not self._is_flush_due:
            self._is_flush_due = True
            self._flusher.add(self)

    def _take_chunk(self) -> list[bytes]:
        """Take from the queue what is to be written at once."""
        frames = []
        size = 0
        while self._queue and size < CHUNK:
            message = self._queue.popleft()
            size += len(message)
            frames.append(self._encode(message))
        self._queued_bytes -= size
        return frames

    def _flush_frames(self) -> None:
        for data in self._frames.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    def _overflow(self) -> None:
        logger.warning(
            "event consumer %s is too slow: %d messages (%d bytes) wait; disconnecting it",
            self.peer,
            len(self._queue),
            self._queued_bytes,
        )
        self._on_overflow()
        self.close(SLOW_CONSUMER, "too slow: events were queued beyond the limit")

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self._queue.clear()
            self._queued_bytes = 0
            self._timer.cancel()
            if self.requests is not None:
                self.requests.close()
            self._on_end(self)

    def _on_ping_timer(self) -> None:
        if self._unanswered_pings >= self._ping_probes and self._is_reading:
            logger.info("event consumer %s does not answer pings", self.peer)
            self._end()
            self._transport.abort()
            return
        self._unanswered_pings += 1
        try:
            self._frames.send_ping(b"")
        except ProtocolError:
            return
        self._flush_frames()
        self._timer = self._loop.call_later(self._ping_interval, self._on_ping_timer)
