"""The HTTP server of http.conf: sockets, TLS, limits, and the paths in front of the interface."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from server import __version__
from server.base.clock import Clock
from server.base.errors import ServerError
from server.base.tasks import TaskScope
from server.config.sections.ari import Ari
from server.config.sections.http import Http
from server.http.coding import encode_response
from server.http.deflate import negotiate
from server.http.errors import respond
from server.http.h3.session import LineSession, LineStream
from server.http.listeners import Listeners
from server.http.media import Handover, MediaChannels, handle_media
from server.http.messages import Request, Response, ResponseEncoder, error
from server.http.rest import OperationWatch, Outcome, RestInterface, Upgrade
from server.http.rest_socket import Caller, RestSocket, Wire
from server.http.services import Services
from server.http.static import FOLDER, StaticFiles
from server.http.status_page import status_page
from server.http.websocket import EventSession, Flusher, accept, accept_stream
from server.stasis.bus import Bus

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 3.0  # seconds for connections to end by themselves when the server stops

Session = EventSession | LineSession


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    connections: int = 0
    refused_connections: int = 0
    requests: int = 0
    slow_consumers: int = 0


class Client(Protocol):
    """A connection, of whatever version of HTTP."""

    def close(self) -> None:
        """End it after what is being answered."""

    def abort(self) -> None:
        """End it at once."""


class HttpServer:
    """Serves ARI, and whatever else http.conf switches on.

    :param settings: http.conf.
    :param ari: ari.conf.
    :param data_dir: astdatadir, whose static files may be served.
    :raises BindingError: the API's operations and their handlers don't match.
    """

    def __init__(
        self,
        settings: Http,
        ari: Ari,
        services: Services,
        bus: Bus,
        clock: Clock,
        *,
        data_dir: Path | None = None,
    ) -> None:
        self.clock = clock
        self.asterisk_id = bus.asterisk_id
        self.encoder = ResponseEncoder(_name(settings))
        self.scope = TaskScope("http")
        self.executor = ThreadPoolExecutor(1, "http-files")
        self.counters = Counters()
        self._ari = ari
        self._services = services
        self._bus = bus
        self._rest = RestInterface(ari, services, clock)
        self.media: MediaChannels | None = None  # who has the channels of media WebSockets
        self._static = StaticFiles(data_dir / FOLDER) if data_dir is not None else None
        # what others serve besides, by the path below the prefix, such as "/metrics"
        self.pages: dict[str, Callable[[Request], Outcome]] = {}
        self._connections: set[Client] = set()
        self._sessions: dict[Session, Caller] = {}
        self._numbers = count(1)  # of WebTransport sessions, since a connection may have several
        self._listeners = Listeners(self)
        self._all_gone: asyncio.Event | None = None
        self._take(settings)

    # life

    async def start(self) -> None:
        """Listen as http.conf says; does nothing when it is not enabled.

        :raises ConfigError: the certificate can't be loaded.
        :raises OSError: an address can't be bound.
        """
        self._bus.on_batch = Flusher.of_running_loop().flush
        await self._listeners.start(self._settings)

    async def configure(self, settings: Http) -> list[str]:
        """Take over http.conf after a reload; connections that are open stay open.

        :return: what could not be done, and so stays as it was.
        """
        self._take(settings)
        self.encoder = ResponseEncoder(_name(settings), self.encoder.alternative)
        return await self._listeners.reload(settings)

    def _take(self, settings: Http) -> None:
        prefix = settings.prefix.rstrip("/")
        self._settings = settings
        self._prefix = prefix
        self.inactivity = settings.session_inactivity / 1000
        self.keep_alive = settings.session_keep_alive / 1000
        self._ari_prefix = f"{prefix}/ari/"
        self._media_prefix = f"{prefix}/media/"
        self._static_prefix = f"{prefix}/static/"
        self._status_path = f"{prefix}/httpstatus"
        self._redirects = dict(settings.redirects)

    async def close(self) -> None:
        """Stop listening, let requests in progress end for a moment, then end everything."""
        self._listeners.close()
        for connection in list(self._connections):
            connection.close()
        if self._connections:
            self._all_gone = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), CLOSE_TIMEOUT)
        for connection in list(self._connections):
            connection.abort()
        self._listeners.close_quic()
        await self.scope.close()
        self.executor.shutdown(wait=False, cancel_futures=True)

    def set_fully_booted(self) -> None:
        """Answer requests from now on; until then ARI says 503."""
        self._rest.is_fully_booted = True

    def configure_ari(self, ari: Ari) -> None:
        """Take over ari.conf after a reload. WebSockets that are open stay open."""
        self._ari = ari
        self._rest.configure(ari)

    def set_ari(self, *, is_enabled: bool) -> None:
        """Switch the whole REST interface off, whatever ari.conf says, or on again."""
        self._rest.is_loaded = is_enabled

    @property
    def watches(self) -> list[OperationWatch]:
        """Who is told of each operation that was carried out."""
        return self._rest.watches

    def set_family(self, tag: str, *, is_enabled: bool) -> None:
        """Switch all operations of a tag on or off."""
        self._rest.set_family(tag, is_enabled=is_enabled)

    # what others may ask

    def bound_addresses(self) -> list[tuple[str, int]]:
        """Return host and port of every listening socket, TLS last."""
        return self._listeners.bound_addresses()

    @property
    def is_pretty(self) -> bool:
        """Whether JSON is indented (ari.conf)."""
        return self._rest.is_pretty

    @property
    def sessions(self) -> Mapping[Session, Caller]:
        """The sessions of events, those that we opened included, and who is at the other end."""
        return self._sessions

    @property
    def session_count(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    @property
    def websocket_count(self) -> int:
        """How many of them are WebSockets."""
        return len(self._sessions)

    # Host

    def hold(self) -> AbstractContextManager[None]:
        """Keep events back while a request is answered."""
        return self._bus.hold()

    def connected(self, connection: Client) -> bool:
        """Admit a connection unless http.conf's sessionlimit is reached."""
        if len(self._connections) >= self._settings.sessionlimit:
            self.counters.refused_connections += 1
            logger.warning("HTTP sessionlimit of %d is reached", self._settings.sessionlimit)
            return False
        self.counters.connections += 1
        self._connections.add(connection)
        return True

    def disconnected(self, connection: Client) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if not self._connections and self._all_gone is not None:
            self._all_gone.set()

    def handle(self, request: Request) -> Outcome | Handover:
        """Answer a request by its path, compressed if the client likes that."""
        self.counters.requests += 1
        outcome = self._route(request)
        if isinstance(outcome, Upgrade | Handover):
            return outcome
        return encode_response(request, outcome, self.executor)

    def _route(self, request: Request) -> Outcome | Handover:
        path = request.path
        for restriction in self._settings.restrictions:
            if path.startswith(restriction.path) and not restriction.acl.permits(request.peer):
                return error(403, "This address may not ask for this path")
        if path.startswith(self._ari_prefix):
            return self._rest.handle(request, path[len(self._ari_prefix) :])
        if path.startswith(self._media_prefix) and self.media is not None:
            return handle_media(request, path[len(self._media_prefix) :], self.media)
        if path in self._redirects:
            target = self._redirects[path].encode("latin-1", "replace")
            return Response(302, headers=((b"Location", target),))
        if path.startswith(self._static_prefix) and self._settings.enable_static:
            return self._serve_static(request, path)
        if path == self._status_path and self._settings.enable_status:
            return self._status(request)
        if path.startswith(self._prefix) and path[len(self._prefix) :] in self.pages:
            return self.pages[path[len(self._prefix) :]](request)
        return error(404, "Not Found")

    def _serve_static(self, request: Request, path: str) -> Response:
        if self._static is None:
            return error(404, "Not Found")
        return self._static.serve(request, path[len(self._static_prefix) :])

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Outcome:
        """Answer a request that came over a WebSocket.

        :param path: what follows ``/ari/``.
        """
        self.counters.requests += 1
        return self._rest.handle_as(user, request, path, is_token=is_token)

    def workers_of(self, wire: Wire) -> Sequence[tuple[str, str]]:
        """Return the applications that a session shares, with its worker's name in each."""
        return [
            worker
            for session in self._sessions
            if session is wire
            for worker in self._services.applications.workers_of(session)
        ]

    def open_session(self, transport: asyncio.Transport, upgrade: Upgrade) -> EventSession | None:
        """Answer a WebSocket handshake and connect its applications.

        The session sends nothing until the connection opens it.
        """
        answer, session = self._begin(transport, upgrade, accept(upgrade.request))
        is_refused = session is None
        head = self.encoder.head(answer, self.clock.wall(), is_closing=is_refused)
        transport.write(head + answer.body)
        return session

    def open_stream(
        self, transport: asyncio.Transport, upgrade: Upgrade
    ) -> tuple[Response, EventSession | None]:
        """Connect the applications of a WebSocket on a stream of HTTP/3 (RFC 9220).

        :return: the answer, and the session unless it is refused.
        """
        return self._begin(transport, upgrade, accept_stream(upgrade.request))

    def _begin(
        self, transport: asyncio.Transport, upgrade: Upgrade, answer: Response
    ) -> tuple[Response, EventSession | None]:
        """Make the session of a handshake that is answered so, unless that is a refusal."""
        if answer.status >= 400:
            return answer, None
        session = self._make_session(transport, upgrade)
        agreed = negotiate(upgrade.request) if self._ari.websocket_compression else None
        if agreed is not None:
            answer.headers += ((b"Sec-WebSocket-Extensions", agreed[0]),)
            session.compress(agreed[1])
        if (refusal := self._connect(session, upgrade)) is not None:
            return refusal, None
        return answer, session

    def open_lines(self, stream: LineStream, upgrade: Upgrade) -> LineSession | Response:
        """Connect the applications of a WebTransport session, or say why not.

        The session sends nothing until the connection opens it.
        """
        session = LineSession(
            stream,
            f"{upgrade.request.peer}:{upgrade.request.peer_port}/{next(self._numbers)}",
            on_end=self.end_session,
            on_overflow=self.count_overflow,
        )
        self._allow_backlog(session, upgrade)
        return self._connect(session, upgrade) or session

    def _connect(self, session: Session, upgrade: Upgrade) -> Response | None:
        """Connect the applications of a session; return the refusal if that is impossible."""
        request = upgrade.request
        caller = Caller(
            upgrade.user,
            request.peer,
            request.peer_port,
            upgrade.applications,
            is_token=upgrade.is_token,
        )
        session.requests = RestSocket(self, caller, session)
        try:
            self._services.applications.register(
                upgrade.applications,
                session,
                subscribe_all=upgrade.subscribe_all,
                options=upgrade.options,
            )
            self.admit_session(session, caller)
        except ServerError as failure:
            session.connection_lost()
            return respond("events.eventWebsocket", failure)
        return None

    def _allow_backlog(self, session: Session, upgrade: Upgrade) -> None:
        """Send what a client missed at once, however fast it can take it."""
        if upgrade.options.resume is not None:
            session.allow_backlog(
                len(upgrade.applications) * self._ari.resume_max_events,
                len(upgrade.applications) * self._ari.resume_max_bytes,
            )

    def _make_session(self, transport: asyncio.Transport, upgrade: Upgrade) -> EventSession:
        session = EventSession(
            transport,
            f"{upgrade.request.peer}:{upgrade.request.peer_port}",
            is_pretty=self.is_pretty,
            on_end=self.end_session,
            on_overflow=self.count_overflow,
        )
        session.hold_back()
        self._allow_backlog(session, upgrade)
        return session

    def admit_session(self, session: Session, caller: Caller) -> None:
        """Count a session among those that are open."""
        self._sessions[session] = caller

    def end_session(self, session: Session) -> None:
        """Forget a session, and unregister its applications."""
        self._sessions.pop(session, None)
        self._services.applications.unregister(session)

    def count_overflow(self) -> None:
        """Take note of a consumer that was too slow."""
        self.counters.slow_consumers += 1

    def _status(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return error(405, "Method not allowed", (b"Allow", b"GET"))
        rows: list[tuple[str, object]] = [
            ("Prefix", self._settings.prefix or "/"),
            *(("Listens on", f"{host}:{port}") for host, port in self.bound_addresses()),
            ("Session limit", self._settings.sessionlimit),
            ("Sessions", self.session_count),
            ("WebSockets", self.websocket_count),
            ("Requests", self.counters.requests),
        ]
        return status_page(self.encoder.server, rows)


def _name(settings: Http) -> str:
    """Return what the server calls itself."""
    return settings.servername or f"Arion/{__version__}"
