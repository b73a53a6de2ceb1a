"""The verbs of ``/bridges``, and the two-party bridge that Dial() makes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields as members
from typing import Any

from server import model
from server.base.errors import (
    ChannelHungUp,
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
    Unprocessable,
)
from server.base.ids import MAX_ID_LENGTH, new_uuid
from server.model import events
from server.model.wire import Snapshot
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.resources.listing import Page, check_fields, select, take_page
from server.resources.local_optimization import optimize_locals
from server.resources.node import Node
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.stasis_calls import stasis_call_of

logger = logging.getLogger(__name__)

BRIDGE_TYPES = frozenset(
    {"mixing", "holding", "dtmf_events", "proxy_media", "video_sfu", "video_single", "sdp_label"}
)
ROLES = frozenset({"participant", "announcer"})
MAX_BRIDGES = 100_000
BRIDGE_FIELDS = frozenset(member.name for member in members(model.Bridge))


class Bridges:
    """All bridges of the node."""

    def __init__(self, node: Node, playbacks: Playbacks, recordings: Recordings) -> None:
        self._node = node
        self._playbacks = playbacks
        self._recordings = recordings
        self._bridges: dict[str, Bridge] = {}

    def __len__(self) -> int:
        return len(self._bridges)

    def __iter__(self) -> Iterator[Bridge]:
        return iter([bridge for bridge in self._bridges.values() if not bridge.is_destroyed])

    def __contains__(self, bridge_id: str) -> bool:
        bridge = self._bridges.get(bridge_id)
        return bridge is not None and not bridge.is_destroyed

    # the API's verbs

    def list(
        self, *, after: str | None = None, limit: int | None = None, fields: Sequence[str] = ()
    ) -> Sequence[Snapshot] | Page:
        """Return every bridge, or a page of them.

        :param fields: members to return.
        :raises InvalidArgument: a value is wrong.
        """
        check_fields(fields, BRIDGE_FIELDS)
        if not fields and after is None and limit is None:
            return [bridge.snapshot() for bridge in self]
        page, following = take_page(
            ((bridge.id, bridge) for bridge in self), after=after, limit=limit
        )
        if fields:
            return Page([select(bridge.describe(), fields) for bridge in page], following, True)
        return Page([bridge.snapshot() for bridge in page], following)

    def create(
        self,
        *,
        bridge_type: str | None = None,
        bridge_id: str | None = None,
        name: str | None = None,
    ) -> Snapshot:
        """Make a bridge, or name the one that has this id.

        :param bridge_type: a comma-separated list of :data:`BRIDGE_TYPES`.
        :raises InvalidArgument: unknown type, or an id too long.
        :raises Conflict: the id belongs to a bridge of another type or name, or to one that
            just ends.
        """
        is_holding = _read_type(bridge_type)
        chosen = bridge_id or new_uuid()
        if len(chosen) > MAX_ID_LENGTH:
            raise InvalidArgument("bridgeId", f"longer than {MAX_ID_LENGTH} characters")
        existing = self._bridges.get(chosen)
        if existing is not None:
            if existing.is_holding != is_holding or existing.bridge_class != "stasis":
                raise Conflict("A bridge with this id and another type exists")
            existing.rename(name or "")
            return existing.snapshot()
        bridge = self._make(chosen, name=name or "", creator="Stasis", is_holding=is_holding)
        return bridge.snapshot()

    def get(self, bridge_id: str) -> Snapshot:
        """Return one bridge.

        :raises NotFound: there is none.
        """
        return self.find(bridge_id).snapshot()

    def destroy(self, bridge_id: str) -> None:
        """End a bridge; its channels stay in Stasis.

        :raises NotFound: there is none.
        :raises Conflict: it is not an application's.
        """
        self._end(self._find_stasis(bridge_id))

    def add_channel(
        self,
        bridge_id: str,
        *,
        channel: Sequence[str],
        role: str | None = None,
        absorb_dtmf: bool = False,
        mute: bool = False,
    ) -> None:
        """Add channels, all or none.

        :raises NotFound: no such bridge.
        :raises InvalidArgument: no such channel, or an unknown role.
        :raises Unprocessable: a channel is not in a Stasis application.
        :raises Conflict: the bridge is not an application's, or a channel is being recorded.
        """
        bridge = self._find_stasis(bridge_id)
        if role is not None and role not in ROLES:
            raise InvalidArgument("role", f"{role!r} is none of {', '.join(sorted(ROLES))}")
        members = [self._stasis_channel(channel_id) for channel_id in channel]
        if not members:
            raise InvalidArgument("channel", "at least one channel is needed")
        for member in members:
            if self._recordings.is_recording(member):
                raise Conflict(f"Channel {member.id} is being recorded")
        for member in members:
            bridge.add(member, role=role or "participant", absorb_dtmf=absorb_dtmf, mute=mute)

    def remove_channel(self, bridge_id: str, *, channel: Sequence[str]) -> None:
        """Remove channels, all or none.

        :raises NotFound: no such bridge.
        :raises InvalidArgument: no such channel.
        :raises Unprocessable: a channel is not in this bridge.
        """
        bridge = self._find_stasis(bridge_id)
        members = [self._stasis_channel(channel_id) for channel_id in channel]
        if not members:
            raise InvalidArgument("channel", "at least one channel is needed")
        for member in members:
            if member.bridge is not bridge:
                raise Unprocessable("channel", f"Channel {member.id} is not in this bridge")
        for member in members:
            bridge.remove(member)

    def start_moh(self, bridge_id: str, *, moh_class: str | None = None) -> None:
        """Play music to every member.

        :raises NotFound: no such bridge.
        """
        self._find_stasis(bridge_id).set_music(moh_class or "default")

    def stop_moh(self, bridge_id: str) -> None:
        """Stop it."""
        self._find_stasis(bridge_id).set_music(None)

    def play(self, bridge_id: str, **options: Any) -> Snapshot:
        """Play media to every member; see :meth:`Playbacks.start`."""
        return self._playbacks.start(self._find_stasis(bridge_id), f"bridge:{bridge_id}", **options)

    async def record(self, bridge_id: str, **options: Any) -> Snapshot:
        """Record the mix; see :meth:`Recordings.start`."""
        return await self._recordings.start(
            self._find_stasis(bridge_id), f"bridge:{bridge_id}", **options
        )

    # for other parts of the server

    def find(self, bridge_id: str) -> Bridge:
        """Return the bridge object.

        :raises NotFound: there is none.
        """
        bridge = self._bridges.get(bridge_id)
        if bridge is None or bridge.is_destroyed:
            raise NotFound("Bridge not found")
        return bridge

    async def connect(self, controlled: Channel, other: Channel) -> Channel:
        """Join two channels in a basic bridge until one of them leaves.

        :param controlled: the channel whose controller calls this.
        :return: the channel that left first; it has hung up, or was taken elsewhere.
        :raises ChannelHungUp: *controlled* ended.
        """
        if controlled.is_hungup:
            raise ChannelHungUp(controlled.hangup_cause)
        if other.is_hungup:
            return other
        bridge, left = self.join(controlled, other)
        return await self.keep(bridge, left, controlled)

    def join(self, controlled: Channel, other: Channel) -> tuple[Bridge, asyncio.Future[Channel]]:
        """Put two channels into a basic bridge, to be kept by :meth:`keep` at once.

        :returns: the bridge, and a future of the first one to leave it.
        :raises InvalidState: one of them has hung up.
        """
        bridge = self._make(new_uuid(), bridge_class="basic")
        try:
            bridge.add(controlled)
            bridge.add(other)
        except InvalidState:
            self._end(bridge)
            raise
        left = bridge.departure()
        controlled.set_connected(other.caller)
        other.set_connected(controlled.caller)
        optimize_locals(bridge)
        return bridge, left

    async def keep(
        self, bridge: Bridge, left: asyncio.Future[Channel], controlled: Channel
    ) -> Channel:
        """Wait until one of two who were joined leaves, and end their bridge.

        :returns: the channel that left first.
        :raises ChannelHungUp: *controlled* ended.
        """
        try:
            return await controlled.wait(left)
        finally:
            adopted = [member for member in bridge.channels.values() if member.is_adopted]
            self._end(bridge)
            for member in adopted:
                member.hangup()

    # private

    def _make(
        self,
        bridge_id: str,
        *,
        name: str = "",
        creator: str = "",
        bridge_class: str = "stasis",
        is_holding: bool = False,
    ) -> Bridge:
        if len(self._bridges) >= MAX_BRIDGES:
            raise Conflict("too many bridges")
        bridge = Bridge(
            self._node,
            bridge_id,
            name=name,
            creator=creator,
            bridge_class=bridge_class,
            is_holding=is_holding,
        )
        self._bridges[bridge_id] = bridge
        if self._node.bus.wants(bridge.topics):
            bridge.publish(events.bridge_created(bridge=bridge.snapshot()))
        return bridge

    def _end(self, bridge: Bridge) -> None:
        bridge.destroy(lambda: self._bridges.pop(bridge.id, None))

    def _find_stasis(self, bridge_id: str) -> Bridge:
        bridge = self.find(bridge_id)
        if bridge.bridge_class != "stasis":
            raise Conflict("Bridge not in Stasis application")
        return bridge

    def _stasis_channel(self, channel_id: str) -> Channel:
        channel = self._node.registry.find(channel_id)
        if channel is None:
            raise InvalidArgument("channel", f"Channel {channel_id} not found")
        try:
            stasis_call_of(channel)
        except Conflict:
            reason = f"Channel {channel_id} not in Stasis application"
            raise Unprocessable("channel", reason) from None
        return channel


def _read_type(bridge_type: str | None) -> bool:
    """Check a bridge type list and tell whether it asks for a holding bridge."""
    kinds = {kind.strip() for kind in (bridge_type or "mixing").split(",")}
    unknown = kinds - BRIDGE_TYPES
    if unknown:
        raise InvalidArgument("type", f"unknown bridge type {', '.join(sorted(unknown))}")
    if {"mixing", "holding"} <= kinds:
        raise InvalidArgument("type", "a bridge is either mixing or holding")
    return "holding" in kinds
