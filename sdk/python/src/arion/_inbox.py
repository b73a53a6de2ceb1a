"""What is known of channels, playbacks and recordings from the stream of events.

The stream fills this before anybody else sees an event, whether or not somebody waits already.
That is why waiting has no race: what came between two steps of a program is still here.

Events are kept as they came; who takes one turns it into its class.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any

from arion._errors import ChannelGone, TimedOut

MAX_EVENTS = 1_000  # of a channel that nobody reads; the oldest go
MAX_OUTCOMES = 10_000  # of playbacks and recordings that nobody waits for
MAX_GONE = 1_000  # channels that ended, whose last events can still be read
ENTRIES = ("StasisStart", "StasisReoffered")  # with them a channel's events begin
DIALLED = "dialled-"  # begins the ids of channels that the SDKs dial, whichever program it was

Raw = Mapping[str, Any]
Test = Callable[[Raw], bool]
Key = tuple[str, str]


class Inbox:
    """Events that are kept in order until they are taken.

    :param channel_id: the channel that they are about; empty for events of any.
    :param test: what gets in.
    """

    def __init__(self, channel_id: str = "", test: Test | None = None) -> None:
        self.channel_id = channel_id
        self.is_gone = False
        self._test = test
        self._cause = (0, "")
        self._events: deque[Raw] = deque(maxlen=MAX_EVENTS)
        self._changed: set[asyncio.Event] = set()  # one for each who waits

    def put(self, event: Raw) -> None:
        """Add an event if it is one of those wanted here."""
        if self._test is None or self._test(event):
            self._events.append(event)
            self._wake()
        if "cause" in event and event.get("type") == "ChannelDestroyed":
            self._cause = (int(event["cause"]), str(event.get("cause_txt", "")))

    def close(self) -> None:
        """Nothing more will come."""
        self.is_gone = True
        self._wake()

    async def take(self, wanted: Test, timeout: float | None = None) -> Raw:
        """Wait for the first event that is wanted, and remove it; others stay.

        :param timeout: seconds.
        :raises ChannelGone: the channel ended and no such event is left.
        :raises TimedOut: it did not come in time.
        """
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            async with asyncio.timeout(timeout):
                while (event := self._find(wanted)) is None:
                    if self.is_gone:
                        raise ChannelGone(self.channel_id, *self._cause)
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise TimedOut(f"the event did not come within {timeout} s") from None
        finally:
            self._changed.discard(changed)
        return event

    def _find(self, wanted: Test) -> Raw | None:
        for position, event in enumerate(self._events):
            if wanted(event):
                del self._events[position]
                return event
        return None

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()


class Outcomes:
    """How playbacks and recordings ended."""

    def __init__(self) -> None:
        self._futures: OrderedDict[Key, asyncio.Future[Raw | None]] = OrderedDict()

    def expect(self, key: Key) -> asyncio.Future[Raw | None]:
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

    def settle(self, key: Key, outcome: Raw | None) -> None:
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
    """All inboxes and outcomes of a client.

    :ivar apps: the applications of each open stream of events.
    """

    def __init__(self) -> None:
        self.apps: list[tuple[str, ...]] = []
        self.inboxes: dict[str, Inbox] = {}
        self.outcomes = Outcomes()
        self._dialled: OrderedDict[str, bool] = OrderedDict()  # and whether it is awaited
        self._gone: OrderedDict[str, Inbox] = OrderedDict()
        self._watches: list[Inbox] = []

    def inbox(self, channel_id: str) -> tuple[Inbox, bool]:
        """Return the inbox of a channel, and whether it was made now."""
        inbox = self.find(channel_id)
        if inbox is not None:
            return inbox, False
        inbox = self.inboxes[channel_id] = Inbox(channel_id)
        return inbox, True

    def find(self, channel_id: str) -> Inbox | None:
        """Return the inbox of a channel, also of one that is gone."""
        return self.inboxes.get(channel_id) or self._gone.get(channel_id)

    def dial(self, channel_id: str) -> None:
        """A channel of this id will be made: it is no new call when it enters the application."""
        self._dialled[channel_id] = True
        if len(self._dialled) > MAX_OUTCOMES:
            self._dialled.popitem(last=False)
        self.inbox(channel_id)

    def was_dialled(self, channel_id: str) -> bool:
        """Tell, once, whether a channel was dialled."""
        is_awaited = self._dialled.get(channel_id, False)
        if is_awaited:
            self._dialled[channel_id] = False  # if it comes again, the dialplan sent it
        return is_awaited

    def is_stray(self, channel_id: str) -> bool:
        """Tell whether a channel was dialled by another program, which can't wait for it."""
        return channel_id.startswith(DIALLED) and channel_id not in self._dialled

    def watch(self, watch: Inbox) -> None:
        """Copy events to an inbox from now on."""
        self._watches.append(watch)

    def unwatch(self, watch: Inbox) -> None:
        """Stop that."""
        if watch in self._watches:
            self._watches.remove(watch)

    def note(self, event: Raw) -> None:
        """Take an event in."""
        kind = event.get("type")
        channel_id = channel_of(event)
        if kind in ENTRIES and channel_id and channel_id not in self.inboxes:
            self._gone.pop(channel_id, None)
            self.inboxes[channel_id] = Inbox(channel_id)
        if inbox := self.inboxes.get(channel_id):
            inbox.put(event)
        for watch in self._watches:
            if watch.channel_id in ("", channel_id):
                watch.put(event)
        if kind in ("StasisEnd", "ChannelDestroyed"):
            self.lose(channel_id)
        elif kind == "PlaybackFinished":
            self.outcomes.settle(("playback", event["playback"]["id"]), event["playback"])
        elif kind in ("RecordingFinished", "RecordingFailed"):
            self.outcomes.settle(("recording", event["recording"]["name"]), event["recording"])

    def lose(self, channel_id: str) -> None:
        """A channel is gone; what came from it before can still be taken."""
        inbox = self.inboxes.pop(channel_id, None)
        if inbox is not None:
            inbox.close()
            self._gone[channel_id] = inbox
            if len(self._gone) > MAX_GONE:
                self._gone.popitem(last=False)
        for watch in self._watches:
            if channel_id and watch.channel_id == channel_id:
                watch.close()

    def lose_all(self) -> None:
        """No more events will come: end what waits for some."""
        for channel_id in list(self.inboxes):
            self.lose(channel_id)
        for watch in self._watches:
            watch.close()


def channel_of(event: Raw) -> str:
    """Return the id of the channel that an event is about, or an empty string."""
    for name in ("channel", "peer"):
        if isinstance(event.get(name), dict):
            return str(event[name].get("id", ""))
    for name in ("playback", "recording"):
        if isinstance(event.get(name), dict):
            scheme, _, target = str(event[name].get("target_uri", "")).partition(":")
            return target if scheme == "channel" else ""
    return ""
