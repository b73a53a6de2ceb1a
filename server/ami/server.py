"""The manager's server: where it listens, who is connected, and who hears what."""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from server.ami.actions import load_actions
from server.ami.authentication import Failures, make_accounts
from server.ami.connection import Connection
from server.ami.events.stream import EventStream
from server.ami.events.translator import Translator
from server.ami.http import ManagerHttp
from server.base.errors import ConfigError, Unavailable
from server.base.tasks import TaskScope
from server.dialplan.functions.others import ManagerLogins

if TYPE_CHECKING:
    from server.ami.context import AmiContext
    from server.ami.events.stream import AmiEvent
    from server.ami.session import Session
    from server.config.sections.manager import Manager

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 10_000
_PLACES = ("enabled", "bindaddr", "port", "tlsenable", "tlsbindaddr")  # of manager.conf
BACKLOG = 256


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    connections: int = 0
    refused: int = 0
    logins: int = 0
    actions: int = 0
    events: int = 0
    slow_clients: int = 0


class AmiServer:
    """Serves the manager interface.

    :param settings: manager.conf.
    :param context: what actions work on.
    """

    def __init__(self, settings: Manager, context: AmiContext, system_name: str = "") -> None:
        self.settings = settings
        self.context = context
        self.clock = context.node.clock
        self.registry = load_actions()
        self.scope = TaskScope("ami")
        self.counters = Counters()
        self.failures = Failures()
        self.stream = EventStream(self.clock, settings, system_name)
        self.accounts, warnings = make_accounts(settings)
        for warning in warnings:
            logger.warning("%s", warning)
        self.http = ManagerHttp(self)
        self._translator = Translator(context, self.stream, settings)
        self._connections: dict[Connection, Session] = {}
        self._sessions: dict[Session, None] = {}  # those that are logged in, in order
        self._servers: list[asyncio.Server] = []
        self._numbers = itertools.count(1)
        context.dialplan.part(ManagerLogins).count = self.count

    # life

    async def start(self) -> None:
        """Listen as manager.conf says; does nothing when it is not enabled.

        :raises ConfigError: the certificate can't be loaded.
        :raises Unavailable: an address can't be bound.
        """
        settings = self.settings
        if not settings.enabled:
            return
        await self._listen(settings.bindaddr, settings.port, None)
        if settings.tlsenable:
            address = settings.tls_address
            directory = self.context.configuration().directories.astetcdir
            context = tls_context(settings, directory)
            await self._listen(address.host or settings.bindaddr, address.port, context)

    async def close(self) -> None:
        """Stop listening and disconnect everybody. May be called again."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for connection in list(self._connections):
            connection.end()
        self.http.close()
        await self.scope.close()
        for connection in list(self._connections):
            connection.abort()

    def configure(self, settings: Manager) -> list[str]:
        """Take over manager.conf after a reload; return warnings.

        Sessions stay, with the rights that they logged in with. Where it listens stays too.
        """
        former, self.settings = self.settings, settings
        self.accounts, warnings = make_accounts(settings)
        if any(getattr(former, name) != getattr(settings, name) for name in _PLACES):
            warnings.append("manager.conf: where AMI listens changes with a restart")
        self.stream.configure(settings)
        self._translator.configure(settings)
        return warnings

    def bound_addresses(self) -> list[tuple[str, int]]:
        """Return host and port of every listening socket, TLS last."""
        return [
            (str(name[0]), int(name[1]))
            for server in self._servers
            for name in (listener.getsockname() for listener in server.sockets)
        ]

    # sessions

    @property
    def sessions(self) -> list[Session]:
        """Those that are logged in, the oldest first."""
        return list(self._sessions)

    def count(self, name: str) -> int:
        """Return how many are logged in by this name."""
        return sum(session.name == name for session in self._sessions)

    def next_number(self) -> int:
        """Return the number of a new session."""
        return next(self._numbers)

    def connected(self, connection: Connection, session: Session) -> bool:
        """Admit a connection unless too many are about to log in."""
        self.counters.connections += 1
        waiting = sum(1 for each in self._connections.values() if each.account is None)
        if waiting >= self.settings.authlimit or len(self._connections) >= MAX_CONNECTIONS:
            self.counters.refused += 1
            logger.warning("AMI: refused %s, too many are about to log in", session.peer[0])
            return False
        self._connections[connection] = session
        return True

    def disconnected(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)

    def is_in_use(self, name: str) -> bool:
        """Tell whether somebody is logged in by this name."""
        return self.count(name) > 0

    def logged_in(self, session: Session) -> None:
        """Enter a session among those that may hear events."""
        self.counters.logins += 1
        self.failures.forget(session.peer[0])
        self._sessions[session] = None
        if isinstance(session.outlet, Connection):
            session.outlet.logged_in()

    def forget(self, session: Session) -> None:
        """Let a session hear no more."""
        self._sessions.pop(session, None)
        self.follow()

    def follow(self) -> None:
        """Translate events as long as there is somebody who wants to hear some."""
        is_wanted = any(session.heard for session in self._sessions)
        if is_wanted == bool(self.stream.listeners):
            return
        if is_wanted:
            self.stream.listeners.append(self._on_event)
            self._translator.start()
        else:
            self.stream.listeners.clear()
            self._translator.stop()

    def too_slow(self, session: Session) -> None:
        """Disconnect a session that can't keep up."""
        if isinstance(session.outlet, Connection):
            session.outlet.drop_slow()

    # private

    def _on_event(self, event: AmiEvent) -> None:
        self.counters.events += 1
        for session in self._sessions:
            session.deliver(event)

    async def _listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Connection(self), host or None, port, ssl=tls, backlog=BACKLOG
            )
        except OSError as error:
            raise Unavailable(f"AMI can't listen on {host}:{port}: {error.strerror}") from None
        self._servers.append(server)
        name = server.sockets[0].getsockname()
        logger.info("AMI%s listens on %s:%d", " over TLS" if tls else "", name[0], name[1])


def tls_context(settings: Manager, directory: str) -> ssl.SSLContext:
    """Load the certificate.

    :param directory: what relative names of files are relative to.
    :raises ConfigError: it can't be loaded.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tlsdisablev12:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if settings.tlsservercipherorder:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    certificate = Path(directory) / settings.tlscertfile
    key = Path(directory) / settings.tlsprivatekey if settings.tlsprivatekey else None
    try:
        context.load_cert_chain(certificate, key)
        if settings.tlscipher:
            context.set_ciphers(settings.tlscipher)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("manager.conf", 0, f"tlscertfile {certificate}: {error}") from None
    return context
