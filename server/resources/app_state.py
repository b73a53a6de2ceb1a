"""What applications hold, for those who route events and know only ids."""

from __future__ import annotations

from collections.abc import Iterable

from server.resources.bridges import Bridges
from server.resources.endpoints import Endpoints
from server.resources.node import Node
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.stasis.state import CallState, Holdings
from server.stasis.topics import Topic, TopicKind


class AppState:
    """See :class:`server.stasis.state.Resources`."""

    def __init__(
        self,
        node: Node,
        bridges: Bridges,
        endpoints: Endpoints,
        playbacks: Playbacks,
        recordings: Recordings,
    ) -> None:
        self._registry = node.registry
        self._bridges = bridges
        self._endpoints = endpoints
        self._playbacks = playbacks
        self._recordings = recordings

    def exists(self, topic: Topic) -> bool:
        """Return whether *topic* names something that is there."""
        kind, name = topic
        if kind is TopicKind.CHANNEL:
            return name in self._registry
        if kind is TopicKind.BRIDGE:
            return name in self._bridges
        if kind is TopicKind.ENDPOINT:
            technology, _, resource = name.partition("/")
            if not resource:
                return self._endpoints.has_technology(technology)
            return self._endpoints.find(technology, resource) is not None
        return True

    def variable(self, channel_id: str, name: str) -> str | None:
        """Return a channel's variable, ``None`` if there is no such channel or variable."""
        channel = self._registry.by_id(channel_id)
        return channel.variables.get(name) if channel is not None else None

    def holdings(self, channel_ids: Iterable[str], bridge_ids: Iterable[str]) -> Holdings:
        """Describe those of these channels and bridges that exist, and what goes on in them."""
        channels = [
            channel
            for channel_id in channel_ids
            if (channel := self._registry.by_id(channel_id)) is not None
        ]
        bridges = [
            self._bridges.get(bridge_id) for bridge_id in bridge_ids if bridge_id in self._bridges
        ]
        targets = {f"channel:{channel.id}" for channel in channels}
        targets |= {f"bridge:{bridge_id}" for bridge_id in bridge_ids}
        return Holdings(
            channels=[channel.snapshot() for channel in channels],
            bridges=bridges,
            playbacks=self._playbacks.of(targets),
            recordings=self._recordings.of(targets),
        )

    def call(self, channel_id: str) -> CallState | None:
        """Describe a channel that is in an application; ``None`` if it is in none."""
        channel = self._registry.by_id(channel_id)
        if channel is None or channel.stasis is None:
            return None
        bridge_ids = [channel.bridge.id] if channel.bridge is not None else []
        holdings = self.holdings([channel.id], bridge_ids)
        return CallState(channel.stasis.args, channel.snapshot(), holdings)
