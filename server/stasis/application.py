"""One Stasis application: its seats, its subscriptions and its filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from server import model
from server.stasis.pool import Pool
from server.stasis.seats import Seat
from server.stasis.topics import Topic, TopicKind


class Application:
    """An application.

    Either one consumer has it to itself, at ``seat``, or workers share it, in ``pool``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._seats: tuple[Seat, ...] = ()  # the one seat, if there is one
        self.pool: Pool | None = None
        self.is_subscribed_to_all = False
        self.topics: dict[Topic, int] = {}
        self.chosen: set[Topic] = set()  # those subscribed to by hand, which count once
        self.allowed: list[dict[str, Any]] = []
        self.disallowed: list[dict[str, Any]] = []
        self.is_filtered = False  # whether any event types are allowed or disallowed
        self._allowed_types: frozenset[str] = frozenset()
        self._disallowed_types: frozenset[str] = frozenset()

    @property
    def seat(self) -> Seat | None:
        """The place of the one consumer that has the application to itself."""
        return self._seats[0] if self._seats else None

    @seat.setter
    def seat(self, seat: Seat | None) -> None:
        self._seats = (seat,) if seat is not None else ()

    @property
    def is_registered(self) -> bool:
        """Whether somebody is connected as this application, or expected back."""
        return bool(self._seats) or bool(self.pool is not None and self.pool.seats)

    def holds(self, seat: Seat) -> bool:
        """Tell whether *seat* is one of this application now."""
        if self.pool is not None:
            return self.pool.seats.get(seat.worker) is seat
        return self.seat is seat

    def recipients(self, topics: Iterable[Topic]) -> Sequence[Seat]:
        """Return the seats that an event on these topics is for."""
        if self.pool is not None:
            return self.pool.recipients(topics)
        return self._seats

    def controlled(self) -> list[Topic]:
        """Return what it follows because it controls something there."""
        return [topic for topic, count in self.topics.items() if count > (topic in self.chosen)]

    def set_filter(
        self, allowed: list[dict[str, Any]] | None, disallowed: list[dict[str, Any]] | None
    ) -> None:
        """Replace the lists that are not ``None``; an empty list lifts the restriction."""
        if allowed is not None:
            self.allowed = allowed
            self._allowed_types = frozenset(entry["type"] for entry in allowed)
        if disallowed is not None:
            self.disallowed = disallowed
            self._disallowed_types = frozenset(entry["type"] for entry in disallowed)
        self.is_filtered = bool(self.allowed or self.disallowed)

    def accepts(self, event_type: str) -> bool:
        """Tell whether the filter lets this event type through."""
        if event_type in self._disallowed_types:
            return False
        return not self._allowed_types or event_type in self._allowed_types

    def snapshot(self) -> model.Application:
        """Return the application as ARI shows it."""
        names: dict[TopicKind, list[str]] = {kind: [] for kind in TopicKind}
        for kind, name in self.topics:
            names[kind].append(name)
        return model.Application(
            name=self.name,
            channel_ids=names[TopicKind.CHANNEL],
            bridge_ids=names[TopicKind.BRIDGE],
            endpoint_ids=names[TopicKind.ENDPOINT],
            device_names=names[TopicKind.DEVICE_STATE],
            events_allowed=list(self.allowed),
            events_disallowed=list(self.disallowed),
        )
