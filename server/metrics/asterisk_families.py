"""The figures that Asterisk's res_prometheus has, under its names, so that dashboards go on.

What Asterisk repeats for every channel, bridge and endpoint is left out: such rows grow with the
calls and have no end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from server.metrics.sources import Sources


class AsteriskCollector:
    """Makes the families when they are asked for.

    :param with_core: those of the core too (``core_metrics_enabled``).
    """

    def __init__(self, sources: Sources, *, with_core: bool) -> None:
        self._sources = sources
        self._with_core = with_core

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        begun = time.perf_counter()
        families = [*self._of_calls()]
        if self._with_core:
            families += self._of_core(begun)
        return families

    def _of_calls(self) -> Iterable[Metric]:
        sources = self._sources
        channels = list(sources.registry)
        yield self._gauge("asterisk_channels_count", "Current channel count.", len(channels))
        yield self._gauge(
            "asterisk_calls_count",
            "Current call count.",
            len({channel.linkedid for channel in channels}),
        )
        yield self._counter(
            "asterisk_calls_sum", "Total number of calls processed.", sources.registry.total
        )
        endpoints = len(sources.sip.settings.endpoints)
        yield self._gauge("asterisk_endpoints_count", "Current endpoint count.", endpoints)
        yield self._gauge("asterisk_bridges_count", "Current bridge count.", len(sources.bridges))

    def _of_core(self, begun: float) -> Iterable[Metric]:
        sources = self._sources
        properties = GaugeMetricFamily(
            "asterisk_core_properties",
            "Properties of this server.",
            labels=["eid", "version"],
        )
        properties.add_metric([sources.bus.asterisk_id, sources.version], 1)
        yield properties
        yield self._counter(
            "asterisk_core_uptime_seconds", "Seconds since the start.", sources.uptime()
        )
        yield self._counter(
            "asterisk_core_last_reload_seconds", "Seconds since a reload.", sources.since_reload()
        )
        yield self._gauge(
            "asterisk_core_scrape_time_ms",
            "Milliseconds that this scrape took to count.",
            (time.perf_counter() - begun) * 1000,
        )

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=["eid"])
        family.add_metric([self._sources.bus.asterisk_id], value)
        return family

    def _counter(self, name: str, text: str, value: float) -> Metric:
        """Return a counter without the suffix that Prometheus has come to expect since."""
        family = Metric(name, text, "unknown")
        family.add_sample(name, {"eid": self._sources.bus.asterisk_id}, value)
        return family
