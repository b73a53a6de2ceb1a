"""A network between two sans-IO stacks, in virtual time: loss, duplication, delay, reordering.

What a pattern says is decided by a seeded generator, so a run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Protocol


@dataclass(frozen=True)
class Weather:
    """What happens to datagrams.

    :param loss: share that is lost, 0 to 1.
    :param duplication: share that arrives twice.
    :param delay: seconds that each takes.
    :param jitter: seconds added at random, which reorders.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0


class Station(Protocol):
    """One end: something sans-IO behind three methods."""

    def receive(self, data: bytes, now: float) -> None: ...

    def get_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...

    def take_outgoing(self) -> list[bytes]: ...


class Network:
    """Two stations and the wire between them.

    :param tap: called with (time, sender's index, data) for every datagram sent.
    """

    def __init__(
        self,
        stations: tuple[Station, Station],
        weather: Weather | None = None,
        *,
        seed: int = 0,
        tap: Callable[[float, int, bytes], None] | None = None,
    ) -> None:
        self.now = 0.0
        self._stations = stations
        self._weather = weather or Weather()
        self._random = random.Random(seed)
        self._tap = tap
        self._wire: list[tuple[float, int, int, bytes]] = []  # (arrival, order, to, data)
        self._order = count()

    def run(self, until: float, *, max_steps: int = 100_000) -> None:
        """Let things happen up to a time."""
        for _ in range(max_steps):
            self._collect()
            moment = self._next_moment()
            if moment is None or moment > until:
                self.now = until
                return
            self.now = max(self.now, moment)
            self._deliver()
            for station in self._stations:
                deadline = station.get_timer()
                if deadline is not None and deadline <= self.now:
                    station.handle_timer(self.now)
        raise AssertionError(f"the network is still busy after {max_steps} steps")

    def _next_moment(self) -> float | None:
        moments = [station.get_timer() for station in self._stations]
        moments += [self._wire[0][0]] if self._wire else []
        return min((moment for moment in moments if moment is not None), default=None)

    def _collect(self) -> None:
        for index, station in enumerate(self._stations):
            for data in station.take_outgoing():
                if self._tap is not None:
                    self._tap(self.now, index, data)
                self._send(1 - index, data)

    def _send(self, to: int, data: bytes) -> None:
        weather, rng = self._weather, self._random
        copies = 2 if rng.random() < weather.duplication else 1
        for _ in range(copies):
            if rng.random() >= weather.loss:
                arrival = self.now + weather.delay + rng.random() * weather.jitter
                heappush(self._wire, (arrival, next(self._order), to, data))

    def _deliver(self) -> None:
        while self._wire and self._wire[0][0] <= self.now:
            _, _, to, data = heappop(self._wire)
            self._stations[to].receive(data, self.now)
