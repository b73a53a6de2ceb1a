"""How late the event loop is: what waits in front of every call and request."""

from __future__ import annotations

import asyncio

from server.metrics.distribution import Distribution
from server.metrics.figures import LAG_BOUNDS

INTERVAL = 0.25  # seconds


class LoopLag:
    """Sets a timer again and again, and measures by how much it is missed."""

    def __init__(self) -> None:
        self.lag = Distribution(LAG_BOUNDS)
        self.longest = 0.0  # seconds, since it was last asked for
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; does nothing if it measures already."""
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Stop. May be called again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_longest(self) -> float:
        """Return the longest lag since this was last called."""
        longest, self.longest = self.longest, 0.0
        return longest

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + INTERVAL
        self._timer = loop.call_at(due, self._on_timer, due)

    def _on_timer(self, due: float) -> None:
        late = max(0.0, asyncio.get_running_loop().time() - due)
        self.lag.add(late)
        self.longest = max(self.longest, late)
        self._arm()
