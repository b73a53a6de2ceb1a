"""Seats: the places of consumers in an application."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Protocol

import orjson

from server.model.events import EXTENSIONS
from server.stasis.bus import Published
from server.stasis.journal import Journal
from server.stasis.options import PLAIN, Options
from server.stasis.views import View


class Consumer(Protocol):
    """A connection that takes events, a WebSocket session as a rule."""

    def deliver(self, frame: bytes) -> None:
        """Take one message of UTF-8 JSON. Never blocks and never raises."""

    def close(self, code: int, reason: str) -> None:
        """End the connection."""


class Seat:
    """A consumer's place in an application.

    Without a journal a seat is the consumer's own: what is due to it stays due to it when another
    one takes over. One with a journal outlives its consumers: what is due goes to the journal, and
    to whoever is connected then.
    """

    __slots__ = (
        "_is_plain",
        "_suffix",
        "_tail",
        "application",
        "calls",
        "consumer",
        "grace",
        "is_choosy",
        "is_draining",
        "is_muted",
        "journal",
        "options",
        "turn",
        "worker",
    )

    def __init__(
        self,
        application: str,
        consumer: Consumer | None,
        options: Options = PLAIN,
        worker: str = "",
    ) -> None:
        self.application = application
        self.consumer = consumer
        self.worker = worker
        self.journal: Journal | None = None
        self.grace: asyncio.TimerHandle | None = None  # runs while nobody is connected
        self.is_muted = False  # a Resync is due to the consumer, and nothing before it
        # among the workers of a shared application
        self.calls = 0
        self.turn = 0  # when it was last given a call, as a count of such moments
        self.is_draining = False
        self._suffix = b',"application":' + orjson.dumps(application)
        self._tail = self._suffix + b"}"
        self.configure(options)

    def configure(self, options: Options) -> None:
        """Take over what a consumer asked for."""
        self.options = options
        self.is_choosy = options.view.is_filtering  # not every event is for the consumer
        self._is_plain = (
            options.resume is None and not options.view.is_shaping and not options.takes_extensions
        )

    def deliver(self, published: Published, encoded: bytes) -> None:
        """Send one event; see :class:`~server.stasis.bus.Recipient`."""
        consumer = self.consumer
        if self._is_plain and consumer is not None:
            consumer.deliver(encoded + self._tail)
            return
        view = self.options.view
        if self.options.takes_extensions:
            encoded = published.extend(encoded)
        if self.journal is not None:
            message = self.journal.append(encoded + self._suffix)
            if consumer is not None and not self.is_muted:
                consumer.deliver(view.shape(message) if view.is_shaping else message)
        elif consumer is not None:
            shaped = published.shape(view, encoded) if view.is_shaping else encoded
            consumer.deliver(shaped + self._tail)

    def deliver_resync(self, consumer: Consumer, encoded: bytes, number: int) -> None:
        """Tell *consumer* where it stands, unless another one has come since."""
        if self.consumer is consumer:
            self.is_muted = False
            consumer.deliver(b'%b%b,"seq":%d}' % (encoded, self._suffix, number))

    def replay(self, message: bytes) -> bytes:
        """Return a message of the journal as the consumer wants to see it."""
        view = self.options.view
        return view.shape(message) if view.is_shaping else message

    def takes(self, event_type: str) -> bool:
        """Tell whether the consumer asked for, or is at least used to, events of this type."""
        if event_type in EXTENSIONS and not self.options.takes_extensions:
            return False
        view = self.options.view
        return not view.is_filtering or view.admits_type(event_type)

    def stop_grace(self) -> None:
        """Somebody has come, or nobody is waited for any more."""
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None


class Resyncing:
    """The recipient of a Resync: a consumer that has just taken a seat."""

    def __init__(self, seat: Seat, consumer: Consumer, journal: Journal) -> None:
        self._seat = seat
        self._consumer = consumer
        self._journal = journal

    def deliver(self, _published: Published, encoded: bytes) -> None:
        """Send it; see :class:`~server.stasis.bus.Recipient`."""
        self._seat.deliver_resync(self._consumer, encoded, self._journal.position)


def describe_options(options: Options) -> dict[str, Any]:
    """Return what a seat needs to be taken up again after a restart, as plain JSON."""
    return {
        "is_shared": options.is_shared,
        "weight": options.weight,
        "view": asdict(options.view),
    }


def restored_options(described: Any, worker: str) -> Options:
    """Return the options that :func:`describe_options` described."""
    view = described["view"]
    return Options(
        resume=0,
        is_shared=described["is_shared"],
        worker=worker,
        weight=described["weight"],
        view=View(
            fields=tuple(view["fields"]),
            is_compact=view["is_compact"],
            only=tuple(view["only"]),
            without=tuple(view["without"]),
            variables=tuple((name, value) for name, value in view["variables"]),
        ),
        takes_extensions=True,
    )
