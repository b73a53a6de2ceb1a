"""What the figures are read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from server.media.engine import MediaEngine
from server.resources.bridges import Bridges
from server.resources.registry import ChannelRegistry
from server.sip.technology import PjsipTechnology
from server.stasis.bus import Bus


class HttpFigures(Protocol):
    """What the web server counted since the start."""

    connections: int
    refused_connections: int
    requests: int
    slow_consumers: int


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts of a server that a scrape asks.

    :param http_open: how many connections there are.
    :param queues: bytes that wait in the queue of each open WebSocket.
    :param uptime: seconds since the start.
    :param since_reload: seconds since the configuration was last read.
    :param log_dropped: messages that the log had no room for.
    """

    registry: ChannelRegistry
    bridges: Bridges
    engine: MediaEngine
    sip: PjsipTechnology
    bus: Bus
    http: HttpFigures
    http_open: Callable[[], int]
    queues: Callable[[], Iterable[int]]
    uptime: Callable[[], float]
    since_reload: Callable[[], float]
    log_dropped: Callable[[], int]
    version: str
