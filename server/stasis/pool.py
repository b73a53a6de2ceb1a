"""Pools: the workers that share an application, and whose calls are whose.

A call belongs to one worker from its StasisStart until it is gone, and so does the bridge it is in.
An event goes to the worker that has what it is about, or to all workers if none has. When a worker
leaves, its calls go to others; with nobody there they wait for the next one that comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.stasis.seats import Seat
from server.stasis.topics import Topic, TopicKind, channel_topic

Handover = tuple[Topic, Seat, str]  # what, to whom, and the name of the one who had it


class Pool:
    """The workers of one application."""

    def __init__(self) -> None:
        self.seats: dict[str, Seat] = {}
        self._owners: dict[Topic, Seat] = {}
        self._orphans: dict[Topic, str] = {}  # nobody's, with the name of the one who had it
        self._kin: dict[Topic, Topic] = {}  # what goes where another one goes
        self._turn = 0

    # workers

    def new_name(self) -> str:
        """Return a name for a worker that has none."""
        number = len(self.seats) + 1
        while f"worker-{number}" in self.seats:
            number += 1
        return f"worker-{number}"

    def join(self, seat: Seat) -> list[Handover]:
        """Add a worker; return the calls that it gets because nobody has them."""
        self.seats[seat.worker] = seat
        orphans, self._orphans = self._orphans, {}
        return self._hand_over(list(orphans.items()))

    def leave(self, seat: Seat) -> list[Handover]:
        """Remove a worker; return who gets its calls."""
        self.seats.pop(seat.worker, None)
        mine = [(topic, seat.worker) for topic, owner in self._owners.items() if owner is seat]
        for topic, _ in mine:
            del self._owners[topic]
        seat.calls = 0
        return self._hand_over(mine)

    def replace(self, former: Seat, seat: Seat) -> None:
        """Let a worker that has come again have what it had."""
        self.seats[seat.worker] = seat
        for topic, owner in self._owners.items():
            if owner is former:
                self._owners[topic] = seat
        seat.calls, seat.turn = former.calls, former.turn
        seat.is_draining = former.is_draining
        former.calls = 0

    def owned(self, seat: Seat) -> set[Topic]:
        """Return what belongs to a worker."""
        return {topic for topic, owner in self._owners.items() if owner is seat}

    # calls

    def own(self, topic: Topic, kin: Topic | None) -> None:
        """Find an owner for something that the application now controls.

        :param kin: what it goes with if that has an owner: a bridge with a call in it, a call with
            the one for whose sake it was made.
        """
        if kin is not None and kin != topic:
            if topic[0] is TopicKind.BRIDGE:
                self._kin[kin] = topic
            else:
                self._kin[topic] = kin
        if topic in self._owners:
            return
        owner = self._owners.get(kin) if kin is not None else None
        if owner is None:
            owner = self._choose()
        if owner is None:
            self._orphans[topic] = ""
        else:
            self._give(topic, owner)

    def release(self, topic: Topic) -> None:
        """Forget something that is gone, or controlled no more."""
        owner = self._owners.pop(topic, None)
        if owner is not None and topic[0] is TopicKind.CHANNEL:
            owner.calls -= 1
        self._orphans.pop(topic, None)
        self._kin.pop(topic, None)

    def recipients(self, topics: Iterable[Topic]) -> Sequence[Seat]:
        """Return who is to hear of an event on these topics."""
        found: list[Seat] = []
        for topic in topics:
            of_call = topic[0] is TopicKind.CALL
            owner = self._owners.get(channel_topic(topic[1]) if of_call else topic)
            if owner is not None and owner not in found:
                found.append(owner)
        return found or list(self.seats.values())

    # private

    def _hand_over(self, things: list[tuple[Topic, str]]) -> list[Handover]:
        """Give things to whom they fit, bridges first: their calls follow them."""
        things.sort(key=lambda thing: thing[0][0] is not TopicKind.BRIDGE)
        handovers = []
        for topic, former in things:
            kin = self._kin.get(topic)
            owner = (self._owners.get(kin) if kin is not None else None) or self._choose()
            if owner is None:
                self._orphans[topic] = former
            else:
                self._give(topic, owner)
                handovers.append((topic, owner, former))
        return handovers

    def _give(self, topic: Topic, owner: Seat) -> None:
        self._owners[topic] = owner
        if topic[0] is TopicKind.CHANNEL:
            owner.calls += 1
        self._turn += 1
        owner.turn = self._turn

    def _choose(self) -> Seat | None:
        """Return who has the fewest calls for its weight, and was given one the longest ago.

        One that drains, or is away for a moment, only if there is no other.
        """
        return min(self.seats.values(), key=_reluctance, default=None)


def _reluctance(seat: Seat) -> tuple[bool, bool, float, int]:
    share = (seat.calls + 1) / seat.options.weight
    return (seat.is_draining, seat.consumer is None, share, seat.turn)
