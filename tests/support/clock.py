"""A clock that moves only when told to."""

from __future__ import annotations


class FakeClock:
    """Implements :class:`server.base.clock.Clock` for tests.

    :param start: both times begin here, in seconds.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._wall = 1_800_000_000.0

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> float:
        """Let time pass; returns the new monotonic time."""
        assert seconds >= 0
        self._now += seconds
        self._wall += seconds
        return self._now
