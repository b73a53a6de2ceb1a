"""What is known of channels, playbacks and recordings from the stream of events.

The stream fills this before anybody else sees an event, whether or not somebody waits already.
That is why waiting has no race: what came between two steps of a program is still here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from arion._errors import ChannelGone

MAX_EVENTS = 1_000  # of a channel that nobody reads; the oldest go
MAX_OUTCOMES = 10_000  # of playbacks and recordings that nobody waits for

Key = tuple[str, str]


class Inbox:
    """The events of one channel, in order."""

    def __init__(self) -> None:
        self.is_gone = False
        self._events: deque[Any] = deque(maxlen=MAX_EVENTS)
        self._changed = asyncio.Event()

    def put(self, event: Any) -> None:
        """Add an event."""
        self._events.append(event)
        self._changed.set()

    def close(self) -> None:
        """Nothing more will come."""
        self.is_gone = True
        self._changed.set()

    async def take(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait for the first event that is wanted, and remove it; others stay.

        :raises ChannelGone: the channel ended and no such event is left.
        """
        while True:
            for position, event in enumerate(self._events):
                if wanted(event):
                    del self._events[position]
                    return event
            if self.is_gone:
                raise ChannelGone("the channel ended or left the application")
            self._changed.clear()
            await self._changed.wait()


class Outcomes:
    """How playbacks and recordings ended."""

    def __init__(self) -> None:
        self._futures: OrderedDict[Key, asyncio.Future[Any]] = OrderedDict()

    def expect(self, key: Key) -> asyncio.Future[Any]:
        """Return the future of an outcome; call it before the command that leads to it."""
        future = self._futures.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._futures[key] = future
            if len(self._futures) > MAX_OUTCOMES:
                self._futures.popitem(last=False)
        return future

    def is_expected(self, key: Key) -> bool:
        """Tell whether somebody could ask for this outcome."""
        return key in self._futures

    def settle(self, key: Key, outcome: Any) -> None:
        """Note an outcome that is expected."""
        future = self._futures.get(key)
        if future is not None and not future.done():
            future.set_result(outcome)

    def forget(self, key: Key) -> None:
        """Drop an outcome that has been told or never will be."""
        self._futures.pop(key, None)

    def pending(self) -> list[Key]:
        """Return what has not ended yet."""
        return [key for key, future in self._futures.items() if not future.done()]


class Known:
    """All inboxes and outcomes of a client."""

    def __init__(self) -> None:
        self.streams = 0
        self.inboxes: dict[str, Inbox] = {}
        self.outcomes = Outcomes()

    def inbox(self, channel_id: str) -> Inbox:
        """Return the inbox of a channel, made if there is none."""
        return self.inboxes.setdefault(channel_id, Inbox())

    def note(self, event: Any) -> None:
        """Take an event in."""
        raw = event.raw
        kind = event.type
        channel_id = _channel_of(raw)
        inbox = self.inboxes.get(channel_id)
        if kind == "StasisStart" and inbox is None:
            inbox = self.inboxes[channel_id] = Inbox()
        if inbox is not None:
            inbox.put(event)
            if kind in ("StasisEnd", "ChannelDestroyed"):
                self.lose(channel_id)
        if kind == "PlaybackFinished":
            self.outcomes.settle(("playback", event.playback.id), event.playback)
        elif kind in ("RecordingFinished", "RecordingFailed"):
            self.outcomes.settle(("recording", event.recording.name), event.recording)

    def lose(self, channel_id: str) -> None:
        """A channel is gone."""
        inbox = self.inboxes.pop(channel_id, None)
        if inbox is not None:
            inbox.close()


def _channel_of(raw: Any) -> str:
    """Return the id of the channel that an event is about, or an empty string."""
    for name in ("channel", "peer"):
        if isinstance(raw.get(name), dict):
            return str(raw[name].get("id", ""))
    for name in ("playback", "recording"):
        if isinstance(raw.get(name), dict):
            scheme, _, target = str(raw[name].get("target_uri", "")).partition(":")
            return target if scheme == "channel" else ""
    return ""
