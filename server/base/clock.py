"""Time as a dependency, so that tests never sleep."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Seconds on a monotonic clock, for intervals and timers."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch, for people and for the wire."""
        ...


class SystemClock:
    """The clock of the running event loop and of the machine."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return time.time()


def ari_timestamp(wall: float) -> str:
    """Format a time as ARI does, such as ``2026-01-31T23:59:59.123+0000``.

    :param wall: seconds since the Unix epoch.
    """
    second = int(wall // 1)
    head, zone = _second_and_zone(second)
    return f"{head}.{int((wall - second) * 1000):03d}{zone}"


@lru_cache(maxsize=4)  # events come in bursts: most fall into the second of the one before
def _second_and_zone(second: int) -> tuple[str, str]:
    moment = datetime.fromtimestamp(second).astimezone()
    return f"{moment:%Y-%m-%dT%H:%M:%S}", f"{moment:%z}"
