"""The verbs of ``/bridges``, and the two-party bridge that Dial() makes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields as members
from typing import Any

from server import model
from server.base.errors import (
    ChannelHungUp,
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
    ServerError,
    Unprocessable,
)
from server.base.ids import MAX_ID_LENGTH, new_uuid
from server.model import events
from server.model.wire import Snapshot
from server.resources.audio_formats import check_format
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.resources.listing import Page, check_fields, select, take_page
from server.resources.local_optimization import optimize_locals
from server.resources.node import Node
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.stasis_calls import stasis_call_of
from server.resources.variables import Assignment, check_name, read_assignments

logger = logging.getLogger(__name__)

BRIDGE_TYPES = frozenset(
    {"mixing", "holding", "dtmf_events", "proxy_media", "video_sfu", "video_single", "sdp_label"}
)
VIDEO_MODES = {"video_sfu": "sfu", "video_single": "single"}
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
        variables: Mapping[str, Any] | None = None,
    ) -> Snapshot:
        """Make a bridge.

        :param bridge_type: a comma-separated list of :data:`BRIDGE_TYPES`.
        :param variables: see :func:`read_assignments`.
        :raises InvalidArgument: unknown type, an id too long, or a malformed variable.
        :raises Conflict: the id belongs to another bridge, or to one that just ends.
        """
        is_holding, video_mode = _read_type(bridge_type)
        assignments = read_assignments(variables or {})
        chosen = bridge_id or new_uuid()
        if len(chosen) > MAX_ID_LENGTH:
            raise InvalidArgument("bridgeId", f"longer than {MAX_ID_LENGTH} characters")
        if chosen in self._bridges:
            raise Conflict(f"Bridge with id '{chosen}' already exists")
        bridge = self._make(
            chosen,
            name=name or "",
            creator="Stasis",
            is_holding=is_holding,
            video_mode=video_mode,
            variables=assignments,
        )
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
        """Stop it.

        :raises NotFound: no such bridge.
        :raises Conflict: it plays no music.
        """
        self._find_stasis(bridge_id).set_music(None)

    def play(
        self, bridge_id: str, *, announcer_format: str | None = None, **options: Any
    ) -> Snapshot:
        """Play media to every member; see :meth:`Playbacks.start`.

        :param announcer_format: of Asterisk's announcer channel. The bridge plays at the mixer's
            own rate, so that only its name is checked.
        :raises Unprocessable: there is no such format.
        """
        bridge = self._find_stasis(bridge_id)
        check_format("announcer_format", announcer_format)
        return self._playbacks.start(bridge, f"bridge:{bridge_id}", **options)

    async def record(
        self, bridge_id: str, *, recorder_format: str | None = None, **options: Any
    ) -> Snapshot:
        """Record the mix; see :meth:`Recordings.start`.

        :param recorder_format: as the announcer's of :meth:`play`.
        :raises Unprocessable: there is no such format.
        """
        bridge = self._find_stasis(bridge_id)
        check_format("recorder_format", recorder_format)
        return await self._recordings.start(bridge, f"bridge:{bridge_id}", **options)

    def set_video_source(self, bridge_id: str, *, channel_id: str) -> None:
        """Let everybody see one channel's video.

        :raises NotFound: no such bridge or channel.
        :raises Conflict: the bridge or the channel is not an application's.
        :raises Unprocessable: the channel is not in this bridge.
        """
        bridge = self._find_stasis(bridge_id)
        channel = self._node.registry.find(channel_id)
        if channel is None:
            raise NotFound("Channel not found")
        stasis_call_of(channel)
        if channel.bridge is not bridge:
            raise Unprocessable("channelId", "Channel not in this bridge")
        bridge.set_video_source("single", channel.id)

    def clear_video_source(self, bridge_id: str) -> None:
        """Let everybody see who talks.

        :raises NotFound: no such bridge.
        :raises Conflict: it is not an application's.
        """
        self._find_stasis(bridge_id).set_video_source("talker", "")

    # variables

    def get_variable(self, bridge_id: str, *, variable: str) -> model.Variable:
        """Read a variable of the bridge, or a dialplan function.

        :raises NotFound: no such bridge, or the variable is not set.
        :raises Conflict: the bridge is not an application's.
        :raises InvalidArgument: no name is given, or the function is unknown.
        """
        name = check_name(variable)
        return model.Variable(value=self._read(self._find_stasis(bridge_id), name))

    def set_variable(
        self,
        bridge_id: str,
        *,
        variable: str,
        value: str | None = None,
        report_events: bool = False,
    ) -> None:
        """Set a variable of the bridge, or write a dialplan function.

        :param value: ``None`` unsets the variable.
        :param report_events: whether the bridge shows it in ``bridgevars`` from now on.
        :raises NotFound: no such bridge.
        :raises Conflict: the bridge is not an application's.
        :raises InvalidArgument: no name is given, or the function can't be written.
        """
        name = check_name(variable)
        bridge = self._find_stasis(bridge_id)
        if value is None and not _is_function(name):
            bridge.remove_variable(name)
        else:
            self._write(bridge, Assignment(name, value or "", report_events))

    def get_variables(self, bridge_id: str, *, variables: Sequence[str]) -> model.Variables:
        """Read several variables, all or none.

        :raises NotFound: no such bridge, or a variable is not set.
        :raises Conflict: the bridge is not an application's.
        :raises InvalidArgument: no name is given, or a function is unknown.
        """
        if not variables:
            raise InvalidArgument("variables", "at least one name is needed")
        names = [check_name(name) for name in variables]
        bridge = self._find_stasis(bridge_id)
        return model.Variables(variables={name: self._read(bridge, name) for name in names})

    def set_variables(self, bridge_id: str, *, variables: Mapping[str, Any]) -> None:
        """Set several variables; see :func:`read_assignments`.

        :raises NotFound: no such bridge.
        :raises Conflict: the bridge is not an application's.
        :raises InvalidArgument: a name or a value is malformed.
        """
        assignments = read_assignments(variables)
        bridge = self._find_stasis(bridge_id)
        for assignment in assignments:
            self._write(bridge, assignment)

    # for other parts of the server

    def find(self, bridge_id: str) -> Bridge:
        """Return the bridge object.

        :raises NotFound: there is none.
        """
        bridge = self._bridges.get(bridge_id)
        if bridge is None or bridge.is_destroyed:
            raise NotFound("Bridge not found")
        return bridge

    async def connect(
        self, controlled: Channel, other: Channel, *, identifies: bool = True
    ) -> Channel:
        """Join two channels in a basic bridge until one of them leaves.

        :param controlled: the channel whose controller calls this.
        :param identifies: each of them is told whom it talks to.
        :return: the channel that left first; it has hung up, or was taken elsewhere.
        :raises ChannelHungUp: *controlled* ended.
        """
        if controlled.is_hungup:
            raise ChannelHungUp(controlled.hangup_cause)
        if other.is_hungup:
            return other
        bridge, left = self.join(controlled, other, identifies=identifies)
        return await self.keep(bridge, left, controlled)

    def join(
        self, controlled: Channel, other: Channel, *, identifies: bool = True
    ) -> tuple[Bridge, asyncio.Future[Channel]]:
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
        if identifies:
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
        is_handed_over = False
        try:
            while True:
                gone = await controlled.wait(left)
                if controlled.bridge is not bridge:
                    is_handed_over = self._hand_over(bridge, controlled)
                    return gone
                if not bridge.lives_on:
                    return gone
                left = bridge.departure()
                optimize_locals(bridge)
        except (ChannelHungUp, asyncio.CancelledError):
            is_handed_over = self._hand_over(bridge, controlled)
            raise
        finally:
            if not is_handed_over:
                self.end_basic(bridge)

    def make_holding(self, name: str, creator: str) -> Bridge:
        """Make an empty bridge in which one waits. Whoever makes it has to end it."""
        return self._make(
            new_uuid(), name=name, creator=creator, bridge_class="base", is_holding=True
        )

    def end_basic(self, bridge: Bridge) -> None:
        """End a bridge that is no application's, and the members that nobody else decides on."""
        adopted = [member for member in bridge.channels.values() if member.is_adopted]
        self._end(bridge)
        for member in adopted:
            member.hangup()

    def _hand_over(self, bridge: Bridge, controlled: Channel) -> bool:
        """Let those talk on who are still in a bridge whose controlling channel goes.

        It can be so only once a feature has brought in a third one, or is about to.
        """
        others = [member for member in bridge.channels.values() if member is not controlled]
        if bridge.is_destroyed or not (len(others) >= 2 or (others and bridge.is_kept_open)):
            return False
        for member in others:
            member.is_adopted = member.is_adopted or not member.is_controlled
        bridge.remove(controlled)
        self._node.scope.spawn(self._take_care(bridge), f"bridge {bridge.id} care")
        return True

    async def _take_care(self, bridge: Bridge) -> None:
        """Keep a bridge that no controller keeps, until one alone is left in it."""
        try:
            while bridge.lives_on:
                optimize_locals(bridge)
                await bridge.departure()
        finally:
            self.end_basic(bridge)

    # private

    def _make(
        self,
        bridge_id: str,
        *,
        name: str = "",
        creator: str = "",
        bridge_class: str = "stasis",
        is_holding: bool = False,
        video_mode: str = "none",
        variables: Sequence[Assignment] = (),
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
            video_mode=video_mode,
        )
        try:
            for assignment in variables:
                self._write(bridge, assignment)
        except ServerError:
            bridge.abandon()
            raise
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

    def _read(self, bridge: Bridge, name: str) -> str:
        is_function = _is_function(name)
        value = self._node.dialplan.read(None, name) if is_function else bridge.variables.get(name)
        if value is None:
            raise NotFound("Provided variable was not found")
        return value

    def _write(self, bridge: Bridge, assignment: Assignment) -> None:
        if _is_function(assignment.name):
            self._node.dialplan.write(None, assignment.name, assignment.value)
        else:
            bridge.set_variable(assignment)

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


def _read_type(bridge_type: str | None) -> tuple[bool, str]:
    """Check a bridge type list; tell whether it asks for a holding bridge, and the video mode."""
    kinds = [kind.strip() for kind in (bridge_type or "mixing").split(",")]
    unknown = set(kinds) - BRIDGE_TYPES
    if unknown:
        raise InvalidArgument("type", f"unknown bridge type {', '.join(sorted(unknown))}")
    if {"mixing", "holding"} <= set(kinds):
        raise InvalidArgument("type", "a bridge is either mixing or holding")
    video_mode = "talker"
    for kind in kinds:
        video_mode = VIDEO_MODES.get(kind, video_mode)
    return "holding" in kinds and video_mode != "sfu", video_mode


def _is_function(name: str) -> bool:
    return name.endswith(")")
