"""The resources that the operations of each tag act on."""

from __future__ import annotations

from dataclasses import dataclass

from server.resources.asterisk import Asterisk
from server.resources.bridges import Bridges
from server.resources.channels import Channels
from server.resources.endpoints import Endpoints
from server.resources.events import Events
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.sounds import Sounds
from server.stasis.applications import Applications


@dataclass(frozen=True, slots=True)
class Services:
    """One service for each tag of the API."""

    applications: Applications
    asterisk: Asterisk
    bridges: Bridges
    channels: Channels
    endpoints: Endpoints
    events: Events
    playbacks: Playbacks
    recordings: Recordings
    sounds: Sounds
