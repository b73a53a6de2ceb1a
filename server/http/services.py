"""The resources that the operations of each tag act on."""

from __future__ import annotations

from dataclasses import dataclass

from server.resources.asterisk import Asterisk
from server.resources.bridges import Bridges
from server.resources.channels import Channels
from server.resources.device_states import DeviceStates
from server.resources.dynamic_config import DynamicConfig
from server.resources.endpoints import Endpoints
from server.resources.events import Events
from server.resources.logging_channels import LogChannels
from server.resources.mailboxes import Mailboxes
from server.resources.modules import Modules
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.sounds import Sounds
from server.resources.timeline import Timelines
from server.stasis.applications import Applications


@dataclass(frozen=True, slots=True)
class Services:
    """The services that the operations call, one for most tags of the API."""

    applications: Applications
    asterisk: Asterisk
    bridges: Bridges
    channels: Channels
    device_states: DeviceStates
    dynamic_config: DynamicConfig
    endpoints: Endpoints
    events: Events
    log_channels: LogChannels
    mailboxes: Mailboxes
    modules: Modules
    playbacks: Playbacks
    recordings: Recordings
    sounds: Sounds
    timelines: Timelines
