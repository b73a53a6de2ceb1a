"""What actions may use: the server's parts, and ports that the composition root fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from server.base.log import LogService
    from server.config.loader import Configuration
    from server.dialplan.port import Dialplan
    from server.realtime.sip_objects import SipRealtime
    from server.resources.bridges import Bridges
    from server.resources.channel import Channel
    from server.resources.channels import Channels
    from server.resources.device_states import DeviceStates
    from server.resources.dialing import Dialer
    from server.resources.endpoints import Endpoints
    from server.resources.events import Events
    from server.resources.mailboxes import Mailboxes
    from server.resources.messages import Messages
    from server.resources.modules import Modules
    from server.resources.node import Node
    from server.resources.presence_states import PresenceStates
    from server.resources.registry import ChannelRegistry
    from server.sip.sorcery import SipObjects
    from server.sip.technology import PjsipTechnology
    from server.store.kv import KeyValueStore


class Lifecycle(Protocol):
    """Start and reload of the process."""

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

    async def reload(self, module: str | None = None) -> Sequence[str]:
        """Read the configuration again, all of it or one module's.

        :return: lines for the user.
        :raises ServerError: a file is wrong, or there is no such module; nothing was changed.
        """
        ...


class AsyncAgi(Protocol):
    """The AsyncAGI sessions."""

    def submit(self, channel: Channel, command: str, command_id: str = "") -> None:
        """Queue a command for a channel's session.

        :raises NotFound: the channel is in no such session.
        :raises Unavailable: too many commands wait.
        """
        ...


@dataclass(slots=True)
class AmiContext:
    """Everything that actions work on. ``None``: that part is not running.

    :param configuration: returns what the files say now.
    :param run_command: runs a line of the console and returns its output.
    :param max_load: as in asterisk.conf, 0 for no limit.
    """

    configuration: Callable[[], Configuration]
    node: Node
    channels: ChannelRegistry
    verbs: Channels
    dialplan: Dialplan
    dialer: Dialer
    bridges: Bridges
    endpoints: Endpoints
    events: Events
    store: KeyValueStore
    devices: DeviceStates
    presences: PresenceStates
    mailboxes: Mailboxes
    messages: Messages
    modules: Modules
    lifecycle: Lifecycle
    run_command: Callable[[str], Awaitable[str]]
    version: str = ""
    log: LogService | None = None
    sip: PjsipTechnology | None = None
    sip_objects: SipObjects | None = None
    sip_realtime: SipRealtime | None = None
    async_agi: AsyncAgi | None = None
    max_calls: int = 0
    max_load: float = 0.0
    user: str = ""
    group: str = ""
