"""What the resources of one node share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from server.base.clock import Clock
from server.base.errors import Unavailable
from server.base.ids import UniqueIds
from server.base.tasks import TaskScope
from server.config.sections.indications import DEFAULT_COUNTRY, Indications, builtin_zones
from server.media.engine import MediaEngine
from server.resources.notices import Notices
from server.resources.say import Speaker
from server.resources.speech import SpeechEngines
from server.stasis.applications import Applications
from server.stasis.bus import Bus

if TYPE_CHECKING:
    from server.media.sounds import SoundLibrary
    from server.resources.broadcasts import Offer
    from server.resources.channel import Channel
    from server.resources.dialing import DialAttempt
    from server.resources.ports import DialplanPort
    from server.resources.registry import ChannelRegistry
    from server.tech.base import TextMessage, Transfer


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Settings of asterisk.conf and ari.conf that calls depend on.

    :param recording_dir: where live and stored recordings are.
    :param max_calls: channels at the same time, 0 for no limit.
    :param max_load: one-minute load average above which calls are refused, 0 for no limit.
    :param min_memory_free: MiB of free memory below which calls are refused, 0 for no limit.
    :param channel_variables: names shown in a channel's ``channelvars`` (ari.conf).
    :param indications: the tones of each country.
    """

    recording_dir: Path
    max_calls: int = 0
    max_load: float = 0.0
    min_memory_free: int = 0
    default_language: str = "en"
    channel_variables: Sequence[str] = ()
    indications: Indications = field(
        default_factory=lambda: Indications(DEFAULT_COUNTRY, builtin_zones())
    )


class Node:
    """The shared parts, wired once at start."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: UniqueIds,
        bus: Bus,
        applications: Applications,
        engine: MediaEngine,
        sounds: SoundLibrary,
        registry: ChannelRegistry,
        settings: NodeSettings,
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.bus = bus
        self.applications = applications
        self.engine = engine
        self.sounds = sounds
        self.notices = Notices()
        self.say = Speaker()
        self.speech = SpeechEngines()
        self.registry = registry
        self.settings = settings
        self.scope = TaskScope("calls")
        self.is_stopping = False
        self.offers: dict[str, Offer] = {}  # channels that applications can claim, by id
        # called with technology and resource whenever a channel of an endpoint changes
        self.on_endpoint_activity: Callable[[str, str], None] = _ignore
        # called when the far end of a channel asks for a transfer, or sends a text
        self.on_transfer: Callable[[Channel, Transfer], None] = _refuse
        self.on_text: Callable[[Channel, TextMessage], None] = _ignore_text
        # called when a channel's phone is to hear to whom it is connected now
        self.tell_connected: Callable[[Channel], None] = _tell_connected
        self.attempts: dict[str, DialAttempt] = {}  # calls out that may still be answered, by id
        self._dialplan: DialplanPort | None = None

    @property
    def dialplan(self) -> DialplanPort:
        """The dialplan.

        :raises Unavailable: the server is still starting.
        """
        if self._dialplan is None:
            raise Unavailable("the dialplan is not loaded yet")
        return self._dialplan

    def set_dialplan(self, dialplan: DialplanPort) -> None:
        """Install the dialplan."""
        self._dialplan = dialplan

    def tone(self, name: str, zone: str = "") -> str | None:
        """Return a tone list of indications.conf, such as ``busy``; ``None`` if unknown."""
        return self.settings.indications.tone(name, zone)


def _refuse(_channel: Channel, transfer: Transfer) -> None:
    """Stand in until transfers are carried out."""
    transfer.refuse(503)


def _tell_connected(channel: Channel) -> None:
    channel.leg.set_connected_line(channel.connected)


def _ignore_text(_channel: Channel, _message: TextMessage) -> None:
    """Stand in until texts are delivered."""


def _ignore(_technology: str, _resource: str) -> None:
    """Stand in until device states are followed."""
