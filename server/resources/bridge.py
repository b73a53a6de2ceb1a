"""One bridge: the channels in it, and what happens between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from server.base.clock import ari_timestamp
from server.base.errors import Conflict, InvalidState
from server.media.streams import Player, Recorder, Source
from server.model import events
from server.model.events import Event
from server.model.wire import Snapshot
from server.resources.channel import Channel
from server.resources.controlled import EndedBy, wait_settled
from server.resources.node import Node
from server.resources.variables import Assignment, BridgeVariables
from server.stasis.topics import Topic, bridge_topic

logger = logging.getLogger(__name__)


class Bridge:
    """A live bridge.

    :param bridge_class: ``stasis`` for one that an application made, ``basic`` for Dial()'s.
    :param is_holding: members hear music or nothing instead of each other.
    :param video_mode: how the video source is chosen: ``none``, ``talker``, ``single``, ``sfu``.
    """

    def __init__(
        self,
        node: Node,
        bridge_id: str,
        *,
        name: str = "",
        creator: str = "",
        bridge_class: str = "stasis",
        is_holding: bool = False,
        video_mode: str = "none",
    ) -> None:
        self.node = node
        self.id = bridge_id
        self.name = name
        self.creator = creator
        self.bridge_class = bridge_class
        self.is_holding = is_holding
        self.video_mode = video_mode
        self.video_source = ""  # id of the channel that everybody sees
        self.variables = BridgeVariables()
        self.channels: dict[str, Channel] = {}
        self.swapping = ""  # id of the channel whose place another is taking
        self.is_destroyed = False
        # what plays or records here, closed with the bridge
        self.resources: list[Callable[[], None]] = []
        self.digit_observers: list[Callable[[str], None]] = []
        self.unsettled: set[asyncio.Future[None]] = set()
        self.language = node.settings.default_language
        self.topics: tuple[Topic, ...] = (bridge_topic(bridge_id),)
        self._media = node.engine.create_bridge()
        self._creation_time = ari_timestamp(node.clock.wall())
        self._snapshot: Snapshot | None = None
        self._departures: list[asyncio.Future[Channel]] = []
        self._suspended: set[str] = set()  # members that do something else for a moment
        self._kept_back: set[str] = set()  # members whose digits are not passed on
        self.is_kept_open = False  # somebody is to come; one alone waits for them
        self._waiting: set[str] = set()  # members that hear music because the other one holds
        self._helpers = 0  # players, recorders and music, for which Asterisk has channels
        self._has_music = False
        if is_holding:
            self._media.set_holding(True)

    def __repr__(self) -> str:
        return f"<Bridge {self.id} {list(self.channels)}>"

    @property
    def technology(self) -> str:
        """Asterisk's name for what mixes the audio now."""
        if self.is_holding:
            return "holding_bridge"
        is_mixed = self.video_mode == "sfu" or len(self.channels) + self._helpers > 2
        return "softmix" if is_mixed else "simple_bridge"

    def snapshot(self) -> Snapshot:
        """Return the bridge's JSON, encoded once per change."""
        if self._snapshot is None:
            self._snapshot = orjson.Fragment(orjson.dumps(self.describe()))
        return self._snapshot

    def publish(self, event: Event, *extra: Topic) -> None:
        """Publish *event* to all who follow this bridge, or one of the *extra* topics."""
        self.node.bus.publish(event, (*self.topics, *extra))

    # members

    def add(
        self,
        channel: Channel,
        *,
        role: str = "participant",
        absorb_dtmf: bool = False,
        mute: bool = False,
    ) -> None:
        """Let *channel* in; it leaves the bridge that it is in now.

        :param role: ``participant``, or ``announcer`` in a holding bridge.
        :param absorb_dtmf: digits of this channel are not passed on to the others.
        :param mute: the others don't hear this channel.
        :raises InvalidState: the channel has hung up, or the bridge is gone.
        """
        if channel.is_hungup or self.is_destroyed:
            raise InvalidState("Channel has hung up" if channel.is_hungup else "Bridge is gone")
        if channel.bridge is self:
            self._media.add(channel.leg.stream, mute=mute, role=role)
            self._media.set_dtmf_passthrough(channel.leg.stream, not absorb_dtmf)
            return
        if channel.bridge is not None:
            channel.bridge.remove(channel)
        if channel.leg.stream.background == "tone":
            channel.set_background(None)  # it has rung long enough: the others are to be heard
        self._media.add(channel.leg.stream, mute=mute, role=role)
        channel.bridge = self
        self.channels[channel.id] = channel
        channel.report_progress(200)
        if len(self.channels) == 2:
            _exchange_accounts(*self.channels.values())
        channel.digit_observers.append(self._on_digit)
        if channel.features is not None and self.bridge_class == "basic":
            channel.features.enter(self)
        if absorb_dtmf:
            self._media.set_dtmf_passthrough(channel.leg.stream, False)
        if channel.stasis is not None:
            self.node.applications.watch(channel.stasis.app, self.topics[0], channel.topics[0])
        self._snapshot = None
        if self.node.bus.wants((*self.topics, *channel.topics)):
            self.publish(
                events.channel_entered_bridge(bridge=self.snapshot(), channel=channel.snapshot()),
                *channel.topics,
            )
        for member in self.channels.values():
            if member.is_held and member is not channel:
                self.on_member_held(member, None)

    def swap(self, old: Channel, new: Channel) -> None:
        """Let *new* take the place of *old*; for those who wait, nobody has left."""
        departures, self._departures = self._departures, []
        self.swapping = old.id
        self.add(new)
        self.swapping = ""
        self.remove(old)
        self._departures = departures

    def remove(self, channel: Channel) -> None:
        """Let *channel* out; it stays alive."""
        if self.channels.pop(channel.id, None) is None:
            return
        channel.digit_observers.remove(self._on_digit)
        if channel.features is not None:
            channel.features.leave()
        self._suspended.discard(channel.id)
        self._kept_back.discard(channel.id)
        if channel.id in self._waiting:
            self._end_waiting(channel)
        if channel.is_held:
            self.on_member_resumed(channel)
        if not channel.is_hungup:
            self._media.remove(channel.leg.stream)
            channel.set_background(None)
        channel.bridge = None
        self._snapshot = None
        if self.node.bus.wants((*self.topics, *channel.topics)):
            self.publish(
                events.channel_left_bridge(bridge=self.snapshot(), channel=channel.snapshot()),
                *channel.topics,
            )
        if channel.id == self.video_source:
            self.set_video_source(self.video_mode, "")
        if channel.stasis is not None:
            self.node.applications.unwatch(channel.stasis.app, self.topics[0])
        self._tell_departure(channel)

    def suspend(self, channel: Channel) -> None:
        """Let a member neither hear nor be heard for a moment; it stays a member."""
        if channel.bridge is self and channel.id not in self._suspended:
            self._suspended.add(channel.id)
            self._media.remove(channel.leg.stream)

    def resume(self, channel: Channel) -> None:
        """End :meth:`suspend`."""
        if channel.bridge is self and channel.id in self._suspended and not channel.is_hungup:
            self._suspended.discard(channel.id)
            self._media.add(channel.leg.stream)
            if channel.id in self._kept_back:
                self._media.set_dtmf_passthrough(channel.leg.stream, False)

    def pass_dtmf(self, channel: Channel, passes: bool) -> None:
        """Choose whether the engine passes digits of a member on to the others."""
        if passes:
            self._kept_back.discard(channel.id)
        else:
            self._kept_back.add(channel.id)
        self._media.set_dtmf_passthrough(channel.leg.stream, passes)

    @property
    def is_settled(self) -> bool:
        """Whether nobody is about to come, go or come back."""
        return not self._suspended and not self.is_kept_open

    @property
    def lives_on(self) -> bool:
        """Whether there are two to talk, or one who waits for another."""
        return len(self.channels) >= 2 or (len(self.channels) == 1 and self.is_kept_open)

    def keep_open(self) -> None:
        """Let one alone wait here for somebody who is to come."""
        self.is_kept_open = True

    def stop_waiting(self) -> None:
        """End :meth:`keep_open`: who is alone here now may go on."""
        self.is_kept_open = False
        if len(self.channels) == 1:
            self._tell_departure(next(iter(self.channels.values())))

    def drop(self, channel: Channel) -> None:
        """Take out a channel that has ended."""
        self.remove(channel)

    def kick(self, channel: Channel, ended_by: EndedBy) -> None:
        """Take a member out for good: it goes on where its controller sends it, or ends.

        :param ended_by: told if it ends, as nobody controls it.
        """
        if channel.bridge is not self:
            return
        if self.bridge_class == "stasis" or channel.is_controlled:
            self.remove(channel)
        else:
            channel.hangup(ended_by=ended_by)

    def departure(self) -> asyncio.Future[Channel]:
        """Return a future of the next channel that leaves."""
        future: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        self._departures.append(future)
        future.add_done_callback(self._forget_departure)
        return future

    def set_variable(self, assignment: Assignment) -> None:
        """Set a variable; nobody is told."""
        self.variables.set(assignment)
        self._snapshot = None

    def remove_variable(self, name: str) -> None:
        """Unset a variable; nobody is told."""
        self.variables.remove(name)
        self._snapshot = None

    def set_video_source(self, mode: str, channel_id: str) -> None:
        """Choose whose video everybody sees, and say so if it changed.

        :param mode: ``single`` for one channel's, ``talker`` for that of who talks.
        :param channel_id: empty for none.
        """
        former, self.video_source = self.video_source, channel_id
        self.video_mode = mode
        self._snapshot = None
        if former != channel_id and self.node.bus.wants(self.topics):
            self.publish(
                events.bridge_video_source_changed(
                    bridge=self.snapshot(), old_video_source_id=former or None
                )
            )

    def abandon(self) -> None:
        """Give up a bridge that nobody has heard of yet."""
        self.is_destroyed = True
        self._media.close()

    def destroy(self, on_end: Callable[[], object] = lambda: None) -> None:
        """Let everybody out and end the bridge. May be called again.

        Applications whose channels are in it now hear of all of its end: BridgeDestroyed comes
        last, after what was being recorded has said how it ended.

        :param on_end: called when BridgeDestroyed has been published.
        """
        if self.is_destroyed:
            return
        self.is_destroyed = True
        for channel in self.channels.values():
            if channel.stasis is not None:
                self.node.applications.watch(channel.stasis.app, self.topics[0], channel.topics[0])
        for close in list(self.resources):
            close()
        for channel in list(self.channels.values()):
            self.remove(channel)
        self._media.close()
        if self.unsettled:
            self.node.scope.spawn(self._end_when_settled(on_end), f"bridge {self.id} settle")
        else:
            self._end(on_end)

    async def _end_when_settled(self, on_end: Callable[[], object]) -> None:
        await wait_settled(self.unsettled)
        self._end(on_end)

    def _end(self, on_end: Callable[[], object]) -> None:
        if self.node.bus.wants(self.topics):
            self.publish(events.bridge_destroyed(bridge=self.snapshot()))
        self.node.applications.forget_topic(self.topics[0])
        on_end()

    def _forget_departure(self, future: asyncio.Future[Channel]) -> None:
        self._departures.remove(future)

    def _tell_departure(self, channel: Channel) -> None:
        for departure in self._departures:
            if not departure.done():
                departure.set_result(channel)

    # what members do

    def on_member_held(self, channel: Channel, music_class: str | None) -> None:
        """Play music to the one who waits for *channel*, or put it on hold as well."""
        if len(self.channels) == 2:
            for member in self.channels.values():
                if member is channel:
                    continue
                self._waiting.add(member.id)
                if member.passes_hold:
                    member.leg.hold()
                else:
                    member.set_background("music", music_class or member.music_class)

    def on_member_resumed(self, channel: Channel) -> None:
        """End the music, or the hold, of :meth:`on_member_held`."""
        for member in self.channels.values():
            if member is not channel and member.id in self._waiting:
                self._end_waiting(member)

    def _end_waiting(self, member: Channel) -> None:
        self._waiting.discard(member.id)
        if not member.passes_hold:
            member.set_background(None)
        elif not member.is_hungup:
            member.leg.unhold()

    def on_member_identified(self, channel: Channel) -> None:
        """Tell the other of two who it talks to."""
        if len(self.channels) == 2:
            for member in self.channels.values():
                if member is not channel:
                    member.set_connected(channel.caller)

    # media

    def play(
        self,
        sources: Sequence[Source],
        *,
        offset_ms: int = 0,
        on_item: Callable[[int], None] | None = None,
    ) -> Player:
        """Play to every member."""
        self._check_alive()
        player = self._media.play(sources, offset_ms=offset_ms, on_item=on_item)
        self._help_until(player.done)
        return player

    def record(self, path: str, file_format: str, **options: Any) -> Recorder:
        """Record the mix of all members."""
        self._check_alive()
        recorder = self._media.record(path, file_format, **options)
        self._help_until(recorder.done)
        return recorder

    def set_music(self, music_class: str | None) -> None:
        """Start or (``None``) stop music for every member.

        :raises Conflict: there is none to stop.
        """
        self._check_alive()
        if music_class is None and not self._has_music:
            raise Conflict("Bridge isn't playing music")
        self._media.set_music(music_class)
        self._add_helpers((music_class is not None) - self._has_music)
        self._has_music = music_class is not None

    # private

    def _help_until(self, done: asyncio.Future[Any]) -> None:
        self._add_helpers(1)
        done.add_done_callback(lambda _done: self._add_helpers(-1))

    def _add_helpers(self, count: int) -> None:
        self._helpers += count
        self._snapshot = None

    def _on_digit(self, digit: str) -> None:
        for observer in list(self.digit_observers):
            observer(digit)

    def _check_alive(self) -> None:
        if self.is_destroyed:
            raise InvalidState("Bridge is gone")

    def describe(self) -> dict[str, Any]:
        """Return the members of the bridge's JSON as of now."""
        description: dict[str, Any] = {
            "id": self.id,
            "technology": self.technology,
            "bridge_type": "holding" if self.is_holding else "mixing",
            "bridge_class": self.bridge_class,
            "creator": self.creator,
            "name": self.name,
            "channels": list(self.channels),
            "creationtime": self._creation_time,
            "video_mode": self.video_mode,
        }
        if self.video_source:
            description["video_source_id"] = self.video_source
        if shown := self.variables.shown():
            description["bridgevars"] = shown
        return description


def _exchange_accounts(first: Channel, second: Channel) -> None:
    """Let two know each other's account; who has none gets what the other meant for its peer."""
    for channel, other in ((first, second), (second, first)):
        if not channel.account_code and other.peer_account:
            channel.set_account_code(other.peer_account)
    first.peer_account, second.peer_account = second.account_code, first.account_code
