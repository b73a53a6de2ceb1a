"""What the console's commands work on, made of the real parts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from server import __version__
from server.app.agi_console import AgiConsole
from server.app.event_tracer import EventTracer
from server.app.sip_console import SipConsole
from server.base.causes import Cause
from server.base.errors import ChannelHungUp, InvalidArgument, NotFound
from server.base.log import log_verbose
from server.cli.context import (
    AriUserView,
    CliContext,
    HttpView,
    ModuleView,
    OutboundView,
    WebhookView,
    WebsocketView,
)
from server.dialplan.executor import Call
from server.media.trace import RtpPacket, Tracer
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.dialing import DialAttempt, DialStatus
from server.resources.originate import DEFAULT_TIMEOUT, follow
from server.resources.stasis_calls import continue_or_hangup

if TYPE_CHECKING:
    from server.app.admin import Admin
    from server.app.server import Server

logger = logging.getLogger(__name__)


def console_context(server: Server, admin: Admin) -> CliContext:
    """Return everything that commands work on."""
    return CliContext(
        configuration=server.configuration,
        log=server.log,
        lifecycle=admin,
        channels=server.registry,
        bridges=server.bridges,
        applications=server.applications,
        originator=ConsoleOriginator(server),
        dialplan=server.dialplan,
        version=__version__,
        wall=server.clock.wall,
        sip=SipConsole(server),
        rtp=RtpConsole(server),
        http=HttpConsole(server),
        websockets=WebsocketConsole(server),
        agi=AgiConsole(server),
        ari_users=lambda: [
            AriUserView(user.name, user.read_only)
            for user in server.configuration.ari.users.values()
        ],
        scopes=lambda: [server.node.scope, server.sip.scope, server.data.scope, server.http.scope],
        entity_id=server.bus.asterisk_id,
        max_calls=server.options.max_calls or 0,
        modules=lambda: [
            ModuleView(module.name, module.description, module.use_count)
            for module in server.modules.list()
        ],
        module_registry=server.modules,
        mailboxes=server.mailboxes,
    )


class RtpConsole:
    """See :class:`server.cli.context.RtpAdmin`."""

    def __init__(self, server: Server) -> None:
        self._engine = server.engine

    def set_debug(self, is_on: bool, address: str | None = None) -> None:
        """Log RTP packets, of one ``host[:port]`` only if it is given."""
        if not is_on:
            self._engine.set_tracer(None)
            return
        host, port = _split_address(address) if address else ("", 0)
        self._engine.set_tracer(Tracer(_log_packet, host, port))

    def counters(self) -> Mapping[str, int]:
        """The engine's counters."""
        return self._engine.counters()


class HttpConsole:
    """See :class:`server.cli.context.HttpAdmin`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def status(self) -> HttpView:
        """Say where the web server listens and what it serves."""
        settings = self._server.configuration.http
        prefix = settings.prefix.rstrip("/")
        bound = self._server.http.bound_addresses()
        schemes = ("http", "https")
        return HttpView(
            server_name=settings.servername or f"Arion/{__version__}",
            prefix=settings.prefix,
            addresses=[
                f"{scheme}://{_bracketed(host)}:{port}"
                for scheme, (host, port) in zip(schemes, bound, strict=False)
            ],
            handlers=[(f"{prefix}/ari/...", "Asterisk RESTful API")],
            redirects=settings.redirects,
        )


class WebsocketConsole:
    """See :class:`server.cli.context.WebsocketAdmin`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tracer = EventTracer(server.bus)

    def set_debug(self, application: str | None, is_on: bool) -> None:
        """Log what an application, ``None`` for all, is sent, or stop to."""
        self._tracer.set_debug(application, is_on)

    def sessions(self) -> Sequence[WebsocketView]:
        """The WebSockets that are open."""
        return [
            WebsocketView(
                id=session.peer,
                kind=caller.kind,
                remote=f"{_bracketed(caller.peer)}:{caller.peer_port}",
                user=caller.user,
                apps=caller.applications,
            )
            for session, caller in self._server.http.sessions.items()
        ]

    def shut_down(self, session_id: str) -> None:
        """Close one."""
        found = [s for s in self._server.http.sessions if s.peer == session_id]
        if not found:
            raise NotFound(f"no WebSocket session {session_id}")
        for session in found:
            session.close(1000, "closed by the operator")

    def outbound(self) -> Sequence[OutboundView]:
        """The outbound WebSockets that are configured."""
        return [
            OutboundView(
                name=name,
                client=link.client.name,
                kind=link.client.connection_type,
                uri=link.client.uri,
                user=link.settings.local_ari_user,
                apps=link.settings.apps,
                subscribe_all=link.settings.subscribe_all,
                status=link.status,
            )
            for name, link in self._server.outbound.links.items()
        ]

    def webhooks(self) -> Sequence[WebhookView]:
        """The webhooks that are configured."""
        return [
            WebhookView(
                name=name,
                apps=poster.settings.apps,
                waiting=poster.waiting,
                delivered=poster.delivered,
                failed=poster.failed,
                lost=poster.dead.lost,
                state=poster.state,
            )
            for name, poster in self._server.webhooks.posters.items()
        ]

    def start(self, name: str) -> None:
        """Connect an outbound WebSocket now."""
        self._server.outbound.start(name)


class ConsoleOriginator:
    """See :class:`server.cli.context.Originator`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def originate(
        self, endpoint: str, *, application: str, data: str, context: str, exten: str
    ) -> None:
        """Call somebody and go on with an application or an extension."""
        server = self._server
        if application and application.lower() not in server.dialplan.registry.applications:
            raise NotFound(f"no application {application}")
        if not application and not server.dialplan.has(context, exten, 1, ""):
            raise NotFound(f"no extension {exten}@{context}")
        if "/" not in endpoint:
            raise InvalidArgument("endpoint", f"{endpoint!r} is not TECHNOLOGY/RESOURCE")
        channel = server.dialer.create_outgoing(endpoint)
        channel.set_position(context, exten, 1)
        channel.take_control(self._run(channel, application, data), "originate")

    async def _run(self, channel: Channel, application: str, data: str) -> None:
        attempt = DialAttempt(channel, None, channel.dial_string)
        attempt.start()
        await channel.wait(follow(attempt, DEFAULT_TIMEOUT))
        if attempt.status is not DialStatus.ANSWER:
            return
        if not application:
            continue_or_hangup(channel)
            return
        try:
            running = Call(self._server.dialplan, channel).run_application(application, data)
            if isawaitable(running):
                await running
        except ChannelHungUp:
            return
        channel.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)


def _split_address(text: str) -> tuple[str, int]:
    """Read ``host``, ``host:port`` or ``[host]:port``.

    :raises InvalidArgument: the host is no address, or the port no number.
    """
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
    host = host.strip("[]")
    try:
        ip_address(host)
        return host, int(port or 0)
    except ValueError:
        raise InvalidArgument("address", f"{text!r} is not an address[:port]") from None


def _log_packet(peer: tuple[str, int], packet: RtpPacket) -> None:
    log_verbose(
        logger,
        1,
        "%s RTP packet %s %s:%d (type %02d, seq %06d, ts %06d, len %06d)",
        "Sent" if packet.is_sent else "Got ",
        "to  " if packet.is_sent else "from",
        *peer,
        packet.payload_type,
        packet.sequence,
        packet.timestamp,
        packet.length,
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
