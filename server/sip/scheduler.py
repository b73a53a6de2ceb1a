"""One heap for all timers above the transactions: they are deadlines, not objects of a loop."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

MIN_GARBAGE = 64  # cancelled entries kept before the heap is rebuilt

TimerHandler = Callable[[float], None]


class Timer:
    """One deadline. Made by :meth:`Scheduler.schedule`."""

    __slots__ = ("_handler", "_owner")

    def __init__(self, handler: TimerHandler, owner: Scheduler) -> None:
        self._handler: TimerHandler | None = handler
        self._owner = owner

    def cancel(self) -> None:
        """Let it never fire. May be called at any time."""
        if self._handler is not None:
            self._handler = None
            self._owner.count_garbage()

    def fire(self, now: float) -> None:
        """Call the handler, once, unless cancelled."""
        handler, self._handler = self._handler, None
        if handler is not None:
            handler(now)

    @property
    def is_active(self) -> bool:
        """``True`` until it fires or is cancelled."""
        return self._handler is not None


class Scheduler:
    """The deadlines of a stack, in seconds on the stack's clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._counter = itertools.count()
        self._garbage = 0

    def __len__(self) -> int:
        return len(self._heap) - self._garbage

    def schedule(self, when: float, handler: TimerHandler) -> Timer:
        """Call ``handler(now)`` at *when*; equal deadlines fire in the order of this call."""
        timer = Timer(handler, self)
        heapq.heappush(self._heap, (when, next(self._counter), timer))
        return timer

    def get_timer(self) -> float | None:
        """When :meth:`handle_timer` is due, ``None`` if nothing is scheduled."""
        heap = self._heap
        while heap and not heap[0][2].is_active:
            heapq.heappop(heap)
            self._garbage -= 1
        return heap[0][0] if heap else None

    def handle_timer(self, now: float) -> None:
        """Fire all timers that are due, those that the handlers add included."""
        while (when := self.get_timer()) is not None and when <= now:
            _, _, timer = heapq.heappop(self._heap)
            timer.fire(now)

    def count_garbage(self) -> None:
        """Note a cancelled entry; rebuild the heap when most of it is garbage."""
        self._garbage += 1
        if self._garbage > MIN_GARBAGE and self._garbage * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].is_active]
            heapq.heapify(self._heap)
            self._garbage = 0
