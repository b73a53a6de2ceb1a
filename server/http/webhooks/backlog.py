"""Events that wait for their delivery, and the deliveries made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from server.base.ids import new_uuid

MAX_BATCH = 100  # events of a delivery
MAX_BATCH_BYTES = 524_288  # of a delivery that has more than one event


@dataclass(slots=True)
class Delivery:
    """What one POST carries; the same for each attempt.

    :param attempts: so far.
    """

    id: str
    events: Sequence[bytes]
    attempts: int = 0

    @property
    def body(self) -> bytes:
        """The events as a JSON array."""
        return b"[%b]" % b",".join(self.events)


class Backlog:
    """A bounded queue of events."""

    def __init__(self) -> None:
        self._events: deque[bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: bytes, max_events: int, max_bytes: int) -> bool:
        """Append an event; return whether there was room for it."""
        if len(self._events) >= max_events or self._size + len(event) > max_bytes:
            return False
        self._events.append(event)
        self._size += len(event)
        return True

    def take(self) -> Delivery:
        """Remove the events that go next; there must be one."""
        batch = [self._events.popleft()]
        size = len(batch[0])
        while self._events and len(batch) < MAX_BATCH:
            size += len(self._events[0])
            if size > MAX_BATCH_BYTES:
                break
            batch.append(self._events.popleft())
        self._size -= sum(map(len, batch))
        return Delivery(new_uuid(), batch)
