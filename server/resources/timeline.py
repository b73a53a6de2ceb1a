"""Timelines: what became of each call, kept while it lives and for a while after.

An entry is an event about the channel, a command on it, or its RTP statistics as it ends. Nothing
is kept unless ari.conf asks for it, since every event is then built, even one that nobody hears.

What is kept is bounded in bytes, of each call and of all together, as they lie in memory: text and
names as they are, plus what Python needs around them.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from server import model
from server.base.clock import ari_timestamp
from server.base.errors import NotFound
from server.model.events import Event
from server.resources.node import Node
from server.stasis.bus import Published
from server.stasis.topics import TopicKind

MAX_ENTRIES = 500  # of one call; the oldest go first
MAX_ENDED = 10_000  # calls; the same
MAX_TEXT = 256  # characters of a member
MAX_CALL_BYTES = 262_144
MAX_BYTES = 67_108_864  # of all calls, unless ari.conf says otherwise
CALL_BYTES = 1_500  # an empty timeline, in a 64-bit CPython
ENTRY_BYTES = 350  # an entry, its dict and its timestamp
MEMBER_BYTES = 56  # a member's value and its place; names are shared

_OF_CHANNEL = (TopicKind.CHANNEL, TopicKind.CALL)


@dataclass(slots=True)
class _Call:
    """The timeline of one channel."""

    entries: deque[model.TimelineEntry] = field(default_factory=deque)
    sizes: deque[int] = field(default_factory=deque)  # of the entries
    size: int = CALL_BYTES
    left_out: int = 0
    applications: set[str] = field(default_factory=set)
    forgotten_at: float = 0.0  # on the monotonic clock, once it has ended

    def add(self, kind: str, timestamp: str, name: str, details: dict[str, Any]) -> None:
        self.entries.append(
            model.TimelineEntry(kind=kind, timestamp=timestamp, type=name, details=details)
        )
        size = _size(details)
        self.sizes.append(size)
        self.size += size
        while len(self.entries) > MAX_ENTRIES or (self.size > MAX_CALL_BYTES and self.entries):
            self.drop_oldest()

    def drop_oldest(self) -> None:
        self.entries.popleft()
        self.size -= self.sizes.popleft()
        self.left_out += 1


class Command:
    """A command that has begun.

    :param details: of its entries, which are completed when it ends.
    """

    def __init__(
        self, timelines: Timelines, channels: Iterable[str], operation_id: str, user: str
    ) -> None:
        self._timelines = timelines
        self._operation_id = operation_id
        self._details: dict[str, Any] = {"user": user}
        self._begun = time.perf_counter()  # finer than the loop's clock
        self._timestamp = ari_timestamp(timelines.clock.wall())
        self._missing = [name for name in channels if not self._note(name)]

    def end(self, status: int) -> None:
        """Say what came of it; it belongs to calls that it has made, too.

        :param status: of the response.
        """
        self._details["status"] = status
        self._details["ms"] = round((time.perf_counter() - self._begun) * 1000, 3)
        for name in self._missing:
            self._note(name)

    def _note(self, channel_id: str) -> bool:
        call = self._timelines.call(channel_id)
        if call is not None:
            self._timelines.add(call, "command", self._timestamp, self._operation_id, self._details)
        return call is not None


class Timelines:
    """The timelines of all calls, and the verb that shows one.

    :param statistics: returns the RTP counters of a channel, or raises NotFound.
    :param keep: seconds that one is kept when its call has ended; ``None`` keeps none at all.
    :param max_bytes: of all of them; the oldest that ended go first, then a call's oldest entries.
    """

    def __init__(
        self,
        node: Node,
        statistics: Callable[[str], model.RTPstat],
        keep: float | None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.clock = node.clock
        self.is_enabled = keep is not None
        self._node = node
        self._statistics = statistics
        self._keep = keep or 0.0
        self._max_bytes = max_bytes
        self.size = 0  # bytes of all that is kept
        self._live: dict[str, _Call] = {}
        self._ended: dict[str, _Call] = {}  # the oldest first
        if self.is_enabled:
            node.bus.add_listener(self._on_event)

    # the API's verb

    def get(self, channel_id: str) -> model.Timeline:
        """Return the timeline of a channel.

        :raises NotFound: none is kept, or the channel is unknown or forgotten.
        """
        if not self.is_enabled:
            raise NotFound("Timelines are switched off (`timeline` in ari.conf)")
        call = self.call(channel_id)
        if call is None:
            raise NotFound("No timeline of such a channel is known, or it is not kept any more")
        return model.Timeline(
            channel_id=channel_id,
            ended=channel_id not in self._live,
            entries=list(call.entries),
            left_out=call.left_out,
        )

    def applications(self, channel_id: str) -> set[str]:
        """Return the applications that have or had a channel; none if it is unknown."""
        call = self.call(channel_id)
        return call.applications if call is not None else set()

    # commands

    def begin(self, channels: Iterable[str], operation_id: str, user: str) -> Command:
        """Note a command on channels."""
        return Command(self, channels, operation_id, user)

    def call(self, channel_id: str) -> _Call | None:
        """Return the timeline of a channel that lives or ended a short time ago."""
        self._forget()
        return self._live.get(channel_id) or self._ended.get(channel_id)

    def add(
        self, call: _Call, kind: str, timestamp: str, name: str, details: dict[str, Any]
    ) -> None:
        """Add an entry, and make room for it."""
        self.size -= call.size
        call.add(kind, timestamp, name, details)
        self.size += call.size
        while self.size > self._max_bytes and self._ended:
            self._forget_oldest()
        while self.size > self._max_bytes and call.entries and not call.forgotten_at:
            self.size -= call.size
            call.drop_oldest()
            self.size += call.size

    # private

    def _on_event(self, published: Published) -> None:
        named = {name for kind, name in published.topics if kind in _OF_CHANNEL}
        if not named:
            return
        event = published.event
        details = _summarize(event)
        for channel_id in named:
            if event.type == "ChannelCreated":
                self._begin(channel_id)
            call = self.call(channel_id)
            if call is not None:
                self._add(channel_id, call, published, details)

    def _begin(self, channel_id: str) -> None:
        for calls in (self._ended, self._live):
            if former := calls.pop(channel_id, None):
                self.size -= former.size
        call = self._live[channel_id] = _Call()
        self.size += call.size

    def _add(
        self, channel_id: str, call: _Call, published: Published, details: dict[str, Any]
    ) -> None:
        channel = self._node.registry.find(channel_id)
        if channel is not None:
            call.applications.update(channel.applications)
        if details.get("channel") == channel_id:
            details = {name: value for name, value in details.items() if name != "channel"}
        event_type = published.event.type
        self.add(call, "event", published.timestamp, event_type, details)
        self._follow_end(channel_id, call, event_type, published.timestamp)

    def _follow_end(self, channel_id: str, call: _Call, event_type: str, timestamp: str) -> None:
        if event_type == "ChannelHangupRequest":
            with contextlib.suppress(NotFound):
                details = self._statistics(channel_id).to_wire()
                self.add(call, "statistics", timestamp, "RTPstat", details)
        elif event_type == "ChannelDestroyed" and channel_id in self._live:
            del self._live[channel_id]
            call.forgotten_at = self.clock.now() + self._keep
            self._ended[channel_id] = call

    def _forget(self) -> None:
        now = self.clock.now()
        while self._ended:
            oldest = next(iter(self._ended))
            if len(self._ended) <= MAX_ENDED and self._ended[oldest].forgotten_at > now:
                return
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._ended))
        self.size -= self._ended.pop(oldest).size


def _size(details: Mapping[str, Any]) -> int:
    """Return about how many bytes an entry takes in memory."""
    size = ENTRY_BYTES + MEMBER_BYTES * len(details)
    for value in details.values():
        if isinstance(value, str):
            # CPython stores text with one, two or four bytes for each character.
            size += len(value) if value.isascii() else 4 * len(value)
    return size


def _summarize(event: Event) -> dict[str, Any]:
    """Return the scalar members of an event, and what its snapshots are called."""
    found: dict[str, Any] = {}
    members = orjson.loads(orjson.dumps(event.fields | (event.extras or {})))
    if event.type == "ChannelStateChange":  # says nothing without its snapshot
        found["state"] = members["channel"]["state"]
    for name, value in members.items():
        if isinstance(value, dict):
            named = value.get("id") or value.get("name")
            if isinstance(named, str):
                found[name] = named[:MAX_TEXT]
        elif isinstance(value, str):
            found[name] = value[:MAX_TEXT]
        elif not isinstance(value, list):
            found[name] = value
    return found
