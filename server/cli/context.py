"""What commands may use: ports that the composition root fills with the real services."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from server.base.log import LogService
    from server.base.tasks import TaskScope
    from server.cli.manager_port import ManagerAdmin
    from server.config.loader import Configuration
    from server.dialplan.port import Dialplan
    from server.resources.bridges import Bridges
    from server.resources.channel import Channel
    from server.resources.mailboxes import Mailboxes
    from server.resources.modules import Modules
    from server.resources.registry import ChannelRegistry
    from server.sip.maintenance import Maintenance
    from server.sip.settings import SipSettings
    from server.stasis.applications import Applications


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact as ``pjsip show contacts`` lists it.

    :param status: ``Avail``, ``Unavail``, ``NonQual``, ``Unknown``.
    :param roundtrip_ms: of the last OPTIONS, ``None`` if there was no answer.
    :param expires: seconds until it ends, ``None`` for a permanent one.
    """

    aor: str
    uri: str
    status: str
    roundtrip_ms: float | None = None
    user_agent: str = ""
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """An outbound registration."""

    name: str
    server_uri: str
    auth: str
    status: str


@dataclass(frozen=True, slots=True)
class SipMessageView:
    """A SIP message as ``pjsip show history`` lists it.

    :param number: from 0, counted since the history was cleared.
    :param wall: when, in seconds since the Unix epoch.
    :param text: the whole message, proofs of passwords blotted out.
    """

    number: int
    wall: float
    is_sent: bool
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class SipTaskView:
    """Something that the SIP stack does in a while.

    :param interval: seconds from one time to the next, 0 for what is done once.
    :param due: in how many seconds.
    """

    name: str
    interval: int
    due: float


class SipAdmin(Protocol):
    """The SIP stack, for people."""

    @property
    def settings(self) -> SipSettings:
        """pjsip.conf."""
        ...

    def contacts(self) -> Sequence[ContactView]:
        """All contacts, permanent and registered."""
        ...

    def registrations(self) -> Sequence[RegistrationView]:
        """The outbound registrations."""
        ...

    def set_logger(
        self, is_on: bool, *, host: str = "", method: str = "", adds: bool = False
    ) -> None:
        """Log SIP messages, of one host or method only if it is given.

        :param adds: what was named before counts as well.
        :raises InvalidArgument: *host* is no address or network.
        """
        ...

    def scheduled_tasks(self) -> Sequence[SipTaskView]:
        """What is done in a while for contacts: asking them, and forgetting them."""
        ...

    def set_history(self, is_on: bool) -> None:
        """Remember SIP messages, or stop to."""
        ...

    def clear_history(self) -> None:
        """Forget the messages that were remembered."""
        ...

    def history(self) -> Sequence[SipMessageView]:
        """The messages that are remembered, the oldest first."""
        ...

    def notify(self, to: str, fields: Sequence[tuple[str, str]]) -> None:
        """Send a NOTIFY outside of calls.

        :param fields: headers, and lines of the body under the name ``Content``.
        :raises InvalidArgument: a field or the destination can't be used.
        :raises NotFound: no such endpoint, or it has no contact.
        """
        ...

    def notify_in_call(self, channel: Channel, fields: Sequence[tuple[str, str]]) -> None:
        """Send a NOTIFY inside a call.

        :raises InvalidArgument: a field can't be used.
        :raises InvalidState: it is no SIP call, or there is no dialog.
        """
        ...

    def qualify(self, aor: str) -> None:
        """Ask each contact of an address of record now whether it is there."""
        ...

    @property
    def maintenance(self) -> Maintenance:
        """Which endpoints take no new calls."""
        ...


class RtpAdmin(Protocol):
    """The media engine, for people."""

    def set_debug(self, is_on: bool, address: str | None = None) -> None:
        """Log RTP packets, of one ``host[:port]`` only if it is given.

        :raises InvalidArgument: *address* can't be read.
        """
        ...

    def counters(self) -> Mapping[str, int]:
        """The engine's counters."""
        ...


@dataclass(frozen=True, slots=True)
class HttpView:
    """What ``http show status`` tells.

    :param addresses: ``http://host:port`` and ``https://…``, bound ones only.
    :param handlers: path and what is there.
    :param redirects: from and to.
    """

    server_name: str
    prefix: str
    addresses: Sequence[str]
    handlers: Sequence[tuple[str, str]]
    redirects: Sequence[tuple[str, str]] = ()


class HttpAdmin(Protocol):
    """The web server, for people."""

    def status(self) -> HttpView:
        """Say where it listens and what it serves."""
        ...


@dataclass(frozen=True, slots=True)
class WebsocketView:
    """An open WebSocket as ``ari show websocket sessions`` lists it.

    :param id: address of the client, or name of the outbound WebSocket.
    :param kind: ``inbound``, ``persistent`` or ``per_call_config``.
    """

    id: str
    kind: str
    remote: str
    user: str
    apps: Sequence[str]


@dataclass(frozen=True, slots=True)
class OutboundView:
    """An outbound WebSocket as ``ari show outbound-websocket`` shows it.

    :param status: ``Connected``, ``Connecting``, ``Per call`` or why it is not connected.
    """

    name: str
    client: str
    kind: str
    uri: str
    user: str
    apps: Sequence[str]
    subscribe_all: bool
    status: str


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A webhook as ``ari show webhooks`` lists it.

    :param waiting: events; so are *delivered*, *failed* (to the dead-letter log) and *lost* (those
        that could not even go there).
    """

    name: str
    apps: Sequence[str]
    waiting: int
    delivered: int
    failed: int
    lost: int
    state: str


class WebsocketAdmin(Protocol):
    """The WebSockets of applications, for people."""

    def sessions(self) -> Sequence[WebsocketView]:
        """The WebSockets that are open."""
        ...

    def shut_down(self, session_id: str) -> None:
        """Close one.

        :raises NotFound: there is none of this id.
        """
        ...

    def outbound(self) -> Sequence[OutboundView]:
        """The outbound WebSockets that are configured."""
        ...

    def webhooks(self) -> Sequence[WebhookView]:
        """The webhooks that are configured."""
        ...

    def set_debug(self, application: str | None, is_on: bool) -> None:
        """Log what an application, ``None`` for all, is sent, or stop to."""
        ...

    def start(self, name: str) -> None:
        """Connect an outbound WebSocket now.

        :raises NotFound: it is not configured.
        :raises Conflict: it is connected, or made for each call.
        """
        ...


@dataclass(frozen=True, slots=True)
class AgiCommandView:
    """A command of AGI as ``agi show commands`` lists it.

    :param usage: how it is used, in several lines.
    :param runs_dead: it may be used after the call.
    """

    name: str
    summary: str
    usage: str
    runs_dead: bool


class AgiAdmin(Protocol):
    """AGI, for people."""

    def commands(self) -> Sequence[AgiCommandView]:
        """All commands, by name."""
        ...

    def set_debug(self, is_on: bool) -> None:
        """Log every line of every session, or stop to."""
        ...

    def submit(self, channel: str, command: str, command_id: str) -> None:
        """Queue a command for a channel in AsyncAGI.

        :raises NotFound: there is no such channel, or it is not in AsyncAGI.
        :raises Unavailable: too many commands wait.
        """
        ...


@dataclass(frozen=True, slots=True)
class AriUserView:
    """An ARI user as ``ari show users`` lists it."""

    name: str
    is_read_only: bool


class Lifecycle(Protocol):
    """Start and end of the process."""

    @property
    def started_at(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    @property
    def reloaded_at(self) -> float:
        """Of the last reload, or of the start."""
        ...

    @property
    def is_fully_booted(self) -> bool:
        """Whether everything is up."""
        ...

    async def wait_fully_booted(self) -> None:
        """Return once everything is up."""
        ...

    def stop(self, *, when: str, restart: bool) -> None:
        """Stop, or start again.

        :param when: ``now``; ``gracefully``: take no new calls, end with the last one;
            ``when convenient``: the same, but take calls until then.
        """
        ...

    def abort_shutdown(self) -> bool:
        """Give up a stop that waits; ``False`` if none does."""
        ...

    async def reload(self, module: str | None = None) -> Sequence[str]:
        """Read the configuration again, all of it or one module's.

        :return: lines for the user: warnings, and what changed only with a restart.
        :raises ConfigError: a file is wrong; nothing was changed.
        :raises NotFound: no such module.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A part of the server under the name of the Asterisk module that it stands for."""

    name: str
    description: str
    use_count: int = 0
    is_running: bool = True


class Originator(Protocol):
    """Starts calls."""

    async def originate(
        self, endpoint: str, *, application: str, data: str, context: str, exten: str
    ) -> None:
        """Call *endpoint*; when it answers, run an application or an extension.

        :param application: empty to continue at *exten* in *context*, priority 1.
        :raises NotFound: no such endpoint, application or extension.
        :raises InvalidArgument: *endpoint* can't be read.
        :raises Unavailable: no more calls are taken.
        """
        ...


@dataclass(slots=True)
class CliContext:
    """Everything that commands work on. ``None``: that part is not running.

    :param wall: the time, in seconds since the Unix epoch.
    :param max_calls: calls at a time, 0 for no limit.
    """

    configuration: Configuration
    log: LogService
    lifecycle: Lifecycle
    channels: ChannelRegistry
    bridges: Bridges
    applications: Applications
    originator: Originator
    dialplan: Dialplan
    version: str
    wall: Callable[[], float]
    sip: SipAdmin | None = None
    rtp: RtpAdmin | None = None
    http: HttpAdmin | None = None
    websockets: WebsocketAdmin | None = None
    agi: AgiAdmin | None = None
    manager: ManagerAdmin | None = None
    ari_users: Callable[[], Sequence[AriUserView]] = tuple
    modules: Callable[[], Sequence[ModuleView]] = tuple
    module_registry: Modules | None = None
    mailboxes: Mailboxes | None = None
    scopes: Callable[[], Sequence[TaskScope]] = tuple
    entity_id: str = ""
    max_calls: int = 0
