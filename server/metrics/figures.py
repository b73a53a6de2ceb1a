"""What is counted while it happens: calls, operations, delays. Reading it is the scrape's work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from server.media.streams import RtpStream
from server.metrics.distribution import Distribution
from server.resources.channel import Channel

SETUP_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40)  # seconds
CALL_BOUNDS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)  # seconds
LATENCY_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2)  # seconds
LAG_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)  # seconds
MOS_BOUNDS = (1, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4)  # ITU-T G.107, 1 to 4.5
JITTER_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.1)  # seconds
LOSS_BOUNDS = (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)  # share of the packets


class CallFigures:
    """Counts channels. See :class:`server.resources.registry.ChannelObserver`."""

    def __init__(self) -> None:
        self.created: Counter[str] = Counter()  # by technology
        self.answered: Counter[str] = Counter()
        self.ended: Counter[tuple[str, int]] = Counter()  # by technology and cause
        self.dials: Counter[str] = Counter()  # by the status that they ended with
        self.setup: dict[str, Distribution] = {}  # by technology
        self.durations = Distribution(CALL_BOUNDS)
        self.mos = Distribution(MOS_BOUNDS)
        self.jitter = Distribution(JITTER_BOUNDS)
        self.loss = Distribution(LOSS_BOUNDS)

    def on_channel_added(self, channel: Channel) -> None:
        self.created[channel.endpoint[0]] += 1

    def on_channel_state(self, channel: Channel) -> None:
        if channel.state != "Up" or channel.answered_at is None:
            return
        technology = channel.endpoint[0]
        self.answered[technology] += 1
        if (setup := self.setup.get(technology)) is None:
            setup = self.setup[technology] = Distribution(SETUP_BOUNDS)
        setup.add(max(0.0, channel.answered_at - channel.created_at))

    def on_channel_dialled(self, channel: Channel, caller: Channel | None, status: str) -> None:
        if status and status not in ("RINGING", "PROGRESS", "PROCEEDING"):
            self.dials[status] += 1

    def on_channel_ending(self, channel: Channel) -> None:
        stream = channel.leg.stream
        if not isinstance(stream, RtpStream) or stream.is_closed:
            return
        stats = stream.stats()
        expected = stats.rx_packets + stats.rx_lost
        if not stats.rx_packets:
            return
        self.jitter.add(stats.local_jitter.mean)
        self.loss.add(max(0, stats.rx_lost) / expected if expected > 0 else 0.0)
        if stats.mos > 0:
            self.mos.add(stats.mos)

    def on_channel_removed(self, channel: Channel) -> None:
        self.ended[channel.endpoint[0], channel.hangup_cause] += 1
        if channel.answered_at is not None:
            self.durations.add(max(0.0, channel.node.clock.wall() - channel.answered_at))


class RestFigures:
    """Counts operations of the REST interface, however they were asked for."""

    def __init__(self) -> None:
        self.latency: dict[str, Distribution] = {}  # by operationId
        self.statuses: Counter[tuple[str, str]] = Counter()  # by operationId and class of status

    def on_operation(
        self, operation_id: str, _channels: Sequence[str], status: int, _begun: float, took: float
    ) -> None:
        """Take note of one; see :data:`server.http.rest.OperationWatch`."""
        if (latency := self.latency.get(operation_id)) is None:
            latency = self.latency[operation_id] = Distribution(LATENCY_BOUNDS)
        latency.add(took)
        self.statuses[operation_id, f"{status // 100}xx"] += 1
