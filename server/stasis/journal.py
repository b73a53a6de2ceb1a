"""Journals: the numbered events of consumers that may resume.

An event gets its number when it is delivered: one row of numbers for the whole node, so that a
consumer of several applications has one number to remember. ``prev`` on an event is the number of
the one before it in the same journal; a consumer that has not seen that one has missed something.

A journal begins when a consumer first asks for one and goes back as far as its limits allow. What
is kept is exactly what comes after its *floor*: whoever has seen everything up to a number at or
above the floor can be given the rest. Journals live in memory; a store keeps a copy behind them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from server.base.clock import Clock
from server.base.errors import Unavailable
from server.stasis.options import NEW
from server.store.event_log import EventLog, StoredLog

MAX_JOURNALS = 4096  # of a node


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """How much a journal keeps, and for how long its application waits for a consumer.

    :param max_events: of one journal.
    :param max_bytes: of one journal's messages.
    :param max_age: seconds.
    :param grace: seconds that an application stays registered while nobody is connected.
    """

    max_events: int = 10_000
    max_bytes: int = 16_777_216
    max_age: float = 300.0
    grace: float = 30.0


class Record(NamedTuple):
    """One message of a journal."""

    number: int
    at: float  # seconds since the Unix epoch
    message: bytes


class Journals:
    """All journals of the node, and the numbers of their events.

    :param store: what keeps them across restarts, ``None`` to forget them.
    """

    def __init__(self, limits: JournalLimits, clock: Clock, store: EventLog | None = None) -> None:
        self.limits = limits
        self.clock = clock
        self.store = store
        self.last = store.last_number if store is not None else 0  # the number given last
        self._journals: dict[str, Journal] = {}

    def __len__(self) -> int:
        return len(self._journals)

    def take_number(self) -> int:
        """Return the next number."""
        self.last += 1
        return self.last

    def open(self, application: str, worker: str, about: Mapping[str, Any]) -> Journal:
        """Return the journal of a seat, made now if there is none.

        :param about: what the seat needs to be taken up again after a restart.
        :raises Unavailable: there are too many.
        """
        key = _key(application, worker)
        journal = self._journals.get(key)
        if journal is None:
            if len(self._journals) >= MAX_JOURNALS:
                raise Unavailable(f"the node keeps at most {MAX_JOURNALS} event logs")
            # A number of its own: nobody can have seen it, nor be taken to have seen all before.
            journal = self._journals[key] = Journal(self, key, self.take_number())
        if self.store is not None:
            self.store.keep(key, journal.floor, orjson.dumps(about))
        return journal

    def restore(self) -> list[tuple[Journal, Mapping[str, Any]]]:
        """Take up the journals that the store has, each with what was said about its seat."""
        if self.store is None:
            return []
        restored = []
        for stored in self.store.take_stored():
            journal = self._journals[stored.key] = Journal(self, stored.key, stored.floor)
            journal.load(stored, self.last if not self.store.was_closed else stored.floor)
            restored.append((journal, orjson.loads(stored.about)))
        return restored

    def drop(self, journal: Journal) -> None:
        """Forget a journal."""
        self._journals.pop(journal.key, None)
        if self.store is not None:
            self.store.drop(journal.key)


class Journal:
    """The events of one seat.

    :param floor: everything after this number is kept.
    """

    def __init__(self, journals: Journals, key: str, floor: int) -> None:
        self.key = key
        self.floor = floor
        self.break_number = floor  # up to here events may be missing: the server ended abruptly
        self._journals = journals
        self._records: deque[Record] = deque()
        self._size = 0
        self._last = floor

    def __len__(self) -> int:
        return len(self._records)

    @property
    def size(self) -> int:
        """Bytes of messages."""
        return self._size

    def load(self, stored: StoredLog, break_number: int) -> None:
        """Take over what was kept over a restart."""
        self.break_number = break_number
        for number, at, message in stored.records:
            self._records.append(Record(number, at, message))
            self._size += len(message)
            self._last = number

    def append(self, head: bytes) -> bytes:
        """Number a message and keep it.

        :param head: its JSON without the closing brace.
        :returns: the whole message.
        """
        journals = self._journals
        number = journals.take_number()
        message = b'%b,"seq":%d,"prev":%d}' % (head, number, self._last)
        at = journals.clock.wall()
        self._last = number
        self._records.append(Record(number, at, message))
        self._size += len(message)
        if journals.store is not None:
            journals.store.append(self.key, number, at, message)
        self._trim(at)
        return message

    @property
    def position(self) -> int:
        """The number up to which a consumer that knows the present state has seen everything."""
        return self._journals.last

    def why_not(self, number: int) -> str | None:
        """Tell why a consumer can't just be given what comes after *number*: a Resync's reason.

        :returns: ``None`` if it can.
        """
        self._trim(self._journals.clock.wall())
        if number == NEW:
            return "new"
        if number > self._journals.last:
            return "unknown"
        if number < self.floor:
            return "expired"
        return "restarted" if number < self.break_number else None

    def after(self, number: int) -> list[Record]:
        """Return the records after *number*, in order."""
        found = []
        for record in reversed(self._records):
            if record.number <= number:
                break
            found.append(record)
        found.reverse()
        return found

    def _trim(self, now: float) -> None:
        limits = self._journals.limits
        records = self._records
        floor = self.floor
        while records and (
            len(records) > limits.max_events
            or self._size > limits.max_bytes
            or records[0].at < now - limits.max_age
        ):
            record = records.popleft()
            self._size -= len(record.message)
            self.floor = record.number
        if self.floor != floor and self._journals.store is not None:
            self._journals.store.trim(self.key, self.floor)


def _key(application: str, worker: str) -> str:
    return f"{application}\n{worker}"  # neither can have a line break
