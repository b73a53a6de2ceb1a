"""A TCP or TLS connection: bytes to messages, answers and events to bytes.

What a loop iteration produces goes out in one write. A client that does not read is given
``writetimeout`` and :data:`MAX_UNSENT` bytes, whatever ends first, and is then disconnected:
nobody else waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from server.ami import security
from server.ami.protocol import GREETING, FrameReader
from server.ami.session import Session

if TYPE_CHECKING:
    from server.ami.events.stream import AmiEvent
    from server.ami.server import AmiServer

logger = logging.getLogger(__name__)

HIGH_WATER = 256 * 1024  # bytes unsent at which the clock of writetimeout starts
PIECE = 16 * 1024  # bytes that are read before others get their turn
MAX_UNSENT = 8 * 1024 * 1024  # bytes


class Connection(asyncio.Protocol):
    """A client's connection."""

    has_events = False  # they are sent as they come

    def __init__(self, server: AmiServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._session: Session | None = None
        self._unread = b""
        self._is_held_up = False  # by the session, which has enough to do
        self._login_timer: asyncio.TimerHandle | None = None
        # what is to go out
        self._out: list[bytes] = []
        self._is_scheduled = False
        self._write_timer: asyncio.TimerHandle | None = None
        self._is_ending = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        peer, local = (
            _address(transport.get_extra_info(name)) for name in ("peername", "sockname")
        )
        is_tls = transport.get_extra_info("sslcontext") is not None
        session = Session(self._server, self, peer, local, "TLS" if is_tls else "TCP")
        if not self._server.connected(self, session):
            security.report(self._server, session, "SessionLimit")
            self._transport.abort()
            return
        self._session = session
        timeout = self._server.settings.authtimeout
        self._login_timer = self._loop.call_later(timeout, self._on_login_timeout)
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        if self._unread:
            self._unread += data
        else:
            self._take(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        session, self._session = self._session, None
        for timer in (self._login_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._out.clear()
        self._server.disconnected(self)
        if session is not None:
            session.close()

    def pause_writing(self) -> None:
        account = self._session.account if self._session is not None else None
        timeout_ms = account.settings.writetimeout if account is not None else 100
        self._write_timer = self._loop.call_later(timeout_ms / 1000, self.drop_slow)

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    # Outlet

    def send(self, data: bytes) -> None:
        self._out.append(data)
        self._schedule()

    def send_event(self, event: AmiEvent) -> None:
        self._out.append(event.data)
        if not self._is_scheduled:
            self._schedule()

    def take_events(self) -> str:
        return ""

    def pause(self) -> None:
        self._is_held_up = True
        self._regulate()

    def resume(self) -> None:
        self._is_held_up = False
        self._regulate()

    def end(self) -> None:
        self._is_ending = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    # for the server

    def logged_in(self) -> None:
        """The client has as much time as it wants now."""
        if self._login_timer is not None:
            self._login_timer.cancel()
            self._login_timer = None

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def drop_slow(self) -> None:
        """End the connection of a client that does not read."""
        session = self._session
        if session is None or self._is_ending:
            return
        self._is_ending = True
        self._server.counters.slow_clients += 1
        logger.warning(
            "AMI: '%s' at %s does not read what it is sent; disconnected",
            session.name,
            session.peer[0],
        )
        self.abort()

    # private

    def _take(self, data: bytes) -> None:
        """Carry out a piece of what came, and the rest in other iterations of the loop."""
        session = self._session
        if session is None or self._is_ending:
            self._unread = b""
            return
        piece, self._unread = data[:PIECE], data[PIECE:]
        session.handle(self._reader.feed(piece))
        self._flush()
        if self._unread:
            self._loop.call_soon(lambda: self._take(self._unread))
        self._regulate()

    def _regulate(self) -> None:
        """Read from the client unless there is enough to do."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_held_up or self._unread:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        if not self._out or self._transport is None:
            return
        data = b"".join(self._out)
        self._out.clear()
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self.drop_slow()

    def _on_login_timeout(self) -> None:
        session = self._session
        if session is not None and session.account is None:
            logger.info("AMI: %s did not log in in time", session.peer[0])
            self.end()


def _address(name: object) -> tuple[str, int]:
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else ("", 0)
