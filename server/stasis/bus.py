"""The event bus: one total order, for every consumer.

:meth:`Bus.publish` is synchronous. It gives the event its sequence number and time and asks the
router at once who is to get it, so that subscriptions count as of the event's own moment. What
is due to sockets is sent later, in order, and never in the loop iteration in which it was
published: a REST reply that is written in the step that published an event, or in an earlier one,
has left through its own socket by then. (uvloop writes to the sockets at the end of an iteration
and in no particular order, so that waiting for the end of the same one would not do.) A command
whose reply comes later holds the bus until then. That is how a reply always goes out before the
events which its command causes.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import orjson

from server.base.clock import Clock, ari_timestamp
from server.model.events import Event
from server.stasis.topics import Topic
from server.stasis.views import View


class Published:
    """An event with what the bus gave it.

    :param sequence: node-wide, without gaps among the events that were published.
    :param timestamp: as on the wire.
    """

    __slots__ = ("_extended", "_shapes", "at", "event", "sequence", "timestamp", "topics")

    def __init__(
        self, sequence: int, timestamp: str, event: Event, topics: tuple[Topic, ...]
    ) -> None:
        self.sequence = sequence
        self.timestamp = timestamp
        self.event = event
        self.topics = topics
        self.at = 0.0  # when it was published, if somebody measures delays
        self._extended = b""
        self._shapes: dict[tuple[View, bytes], bytes] | None = None

    def encode(self, asterisk_id: str) -> bytes:
        """Return the event's JSON without ``application`` and without the closing brace."""
        event = self.event
        message = {"type": event.type, "timestamp": self.timestamp, **event.fields}
        message["asterisk_id"] = asterisk_id
        return orjson.dumps(message)[:-1]

    def extend(self, encoded: bytes) -> bytes:
        """Return *encoded* with what Asterisk does not have, made once for all consumers."""
        extras = self.event.extras
        if not extras:
            return encoded
        if not self._extended:
            self._extended = encoded + b"," + orjson.dumps(extras)[1:-1]
        return self._extended

    def shape(self, view: View, encoded: bytes) -> bytes:
        """Return *encoded* as a view shows it, made once for all consumers that have the same."""
        if self._shapes is None:
            self._shapes = {}
        key = (view, encoded)
        shaped = self._shapes.get(key)
        if shaped is None:
            shaped = self._shapes[key] = view.shape(encoded + b"}")[:-1]
        return shaped


class Recipient(Protocol):
    """Somebody that an event is delivered to."""

    def deliver(self, published: Published, encoded: bytes) -> None:
        """Take one event.

        :param encoded: see :meth:`Published.encode`; shared by all recipients.
        """


Listener = Callable[[Published], None]


class Bus:
    """Orders events and hands them out.

    :param asterisk_id: this node's id, on every event.
    """

    def __init__(self, clock: Clock, asterisk_id: str) -> None:
        self.asterisk_id = asterisk_id
        self._clock = clock
        self._sequence = 0
        self._listeners: list[Listener] = []
        self._router: Callable[[Event, Sequence[Topic]], Sequence[Recipient]] = _nobody
        self._has_audience: Callable[[Sequence[Topic]], bool] = _no_audience
        # due deliveries, in order
        self._due: deque[tuple[Published, Sequence[Recipient]] | Callable[[], None]] = deque()
        self._ripe = 0  # how many of them were published in an iteration that is over
        self._holds = 0
        self._is_scheduled = False
        # called when an iteration's deliveries are done, so that consumers' writes go together
        self.on_batch: Callable[[], None] | None = None
        # told how many seconds each event took from publishing to the consumers' queues
        self.on_delivered: Callable[[float], None] | None = None
        # shown every event with those that it goes to, for who looks for mistakes
        self.on_sent: Callable[[Sequence[Recipient], bytes], None] | None = None

    def set_router(
        self,
        router: Callable[[Event, Sequence[Topic]], Sequence[Recipient]],
        has_audience: Callable[[Sequence[Topic]], bool],
    ) -> None:
        """Install who decides on recipients.

        :param has_audience: a cheap test whether *router* could return anybody.
        """
        self._router = router
        self._has_audience = has_audience

    def add_listener(self, listener: Listener) -> None:
        """Have *listener* called for every event, in order, when it is published."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Undo :meth:`add_listener`."""
        self._listeners.remove(listener)

    def wants(self, topics: Sequence[Topic]) -> bool:
        """Tell whether an event on *topics* would reach anybody: if not, don't build it."""
        return bool(self._listeners) or self._has_audience(topics)

    def publish(self, event: Event, topics: Sequence[Topic]) -> None:
        """Make *event* known to all who are interested in one of *topics*."""
        self._sequence += 1
        published = Published(
            self._sequence, ari_timestamp(self._clock.wall()), event, tuple(topics)
        )
        for listener in self._listeners:
            listener(published)
        recipients = self._router(event, topics)
        if recipients:
            if self.on_delivered is not None:
                published.at = time.perf_counter()
            self._due.append((published, recipients))
            self._schedule()

    def send(self, event: Event, recipients: Sequence[Recipient]) -> None:
        """Have *event* take its place in the order, for these recipients alone."""
        self._sequence += 1
        published = Published(self._sequence, ari_timestamp(self._clock.wall()), event, ())
        self._due.append((published, recipients))
        self._schedule()

    def flush(self) -> None:
        """Deliver what is due now; for the end of the server, when no reply is awaited."""
        self._ripe = 0
        while self._due:
            self._take_due()

    def call_when_delivered(self, action: Callable[[], None]) -> None:
        """Call *action* once everything published so far has been delivered."""
        self._due.append(action)
        self._schedule()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep deliveries back for the length of the ``with`` block, which must not await long."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if self._due:
                self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled and not self._holds:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._on_iteration)

    def _on_iteration(self) -> None:
        self._is_scheduled = False
        if self._holds:
            return
        for _ in range(self._ripe):
            self._take_due()
        if self._ripe and self.on_batch is not None:
            self.on_batch()
        self._ripe = len(self._due)
        if self._due:
            self._schedule()

    def _take_due(self) -> None:
        due = self._due.popleft()
        if callable(due):
            due()
        else:
            self._deliver(*due)

    def _deliver(self, published: Published, recipients: Sequence[Recipient]) -> None:
        encoded = published.encode(self.asterisk_id)
        for recipient in recipients:
            recipient.deliver(published, encoded)
        if self.on_sent is not None:
            self.on_sent(recipients, encoded)
        if self.on_delivered is not None and published.at:
            self.on_delivered(time.perf_counter() - published.at)


def _nobody(_event: Event, _topics: Sequence[Topic]) -> Sequence[Recipient]:
    return ()


def _no_audience(_topics: Sequence[Topic]) -> bool:
    return False
