"""The figures of a server under names of its own, ``arion_…``, as a collector of Prometheus.

No label takes its values from outside: technologies, states, causes, methods and operations are
all from lists that we know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from server.base.errors import MediaError
from server.metrics.distribution import Distribution
from server.metrics.figures import CallFigures, RestFigures
from server.metrics.lag import LoopLag
from server.metrics.sources import Sources
from server.sip.contacts import NON_QUALIFIED, REACHABLE, UNKNOWN, UNREACHABLE

GAUGES = frozenset({"music_sources", "sounds_cached"})  # counters of the engine that can go down
Counts = Mapping[tuple[str], int] | Mapping[tuple[str, str], int]  # by the labels' values
CONTACT_STATES = (REACHABLE, UNREACHABLE, NON_QUALIFIED, UNKNOWN)


class ArionCollector:
    """Makes the families when they are asked for. To be used in the event loop only."""

    def __init__(
        self,
        sources: Sources,
        calls: CallFigures,
        rest: RestFigures,
        delays: Distribution,
        lag: LoopLag,
    ) -> None:
        self._sources = sources
        self._calls = calls
        self._rest = rest
        self._delays = delays
        self._lag = lag
        self._parts: tuple[Callable[[], Iterator[Metric]], ...] = (
            self._of_channels,
            self._of_ended_calls,
            self._of_rest,
            self._of_http,
            self._of_media,
            self._of_sip,
            self._of_loop,
        )

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        for part in self._parts:
            yield from part()

    def _of_channels(self) -> Iterator[Metric]:
        sources, calls = self._sources, self._calls
        live = Counter((channel.endpoint[0], channel.state) for channel in sources.registry)
        yield _gauges("arion_channels", "Channels that exist now", ("technology", "state"), live)
        yield _gauge("arion_bridges", "Bridges that exist now", len(sources.bridges))
        yield _counters(
            "arion_channels_created",
            "Channels made since the figures are kept",
            ("technology",),
            _keyed(calls.created),
        )
        yield _counters(
            "arion_channels_answered",
            "Channels that were answered",
            ("technology",),
            _keyed(calls.answered),
        )

    def _of_ended_calls(self) -> Iterator[Metric]:
        calls = self._calls
        yield _counters(
            "arion_channels_ended",
            "Channels that ended, by Q.850 cause",
            ("technology", "cause"),
            {(name, str(cause)): count for (name, cause), count in calls.ended.items()},
        )
        yield _counters(
            "arion_dials", "Outgoing calls by what came of them", ("status",), _keyed(calls.dials)
        )
        yield _histograms(
            "arion_call_setup_seconds",
            "From a channel's creation to its answer",
            "technology",
            calls.setup,
        )
        yield _histogram(
            "arion_call_duration_seconds", "From answer to end of a channel", calls.durations
        )
        yield _histogram(
            "arion_call_mos", "Estimated listening quality of ended calls (G.107)", calls.mos
        )
        yield _histogram("arion_call_jitter_seconds", "Mean jitter of ended calls", calls.jitter)
        yield _histogram(
            "arion_call_loss_ratio", "Share of RTP packets that ended calls lost", calls.loss
        )

    def _of_rest(self) -> Iterator[Metric]:
        yield _histograms(
            "arion_rest_seconds",
            "From a REST request to its answer",
            "operation",
            self._rest.latency,
        )
        yield _counters(
            "arion_rest_responses",
            "Answers to REST requests",
            ("operation", "status"),
            self._rest.statuses,
        )
        yield _histogram(
            "arion_event_delay_seconds",
            "From the publishing of an event to the queues of its consumers",
            self._delays,
        )

    def _of_http(self) -> Iterator[Metric]:
        sources, http = self._sources, self._sources.http
        queues = list(sources.queues())
        yield _gauge("arion_http_connections", "HTTP connections now", sources.http_open())
        yield _counter("arion_http_requests", "HTTP requests", http.requests)
        yield _counter(
            "arion_http_refused_connections",
            "Connections beyond sessionlimit",
            http.refused_connections,
        )
        yield _gauge("arion_websockets", "Open WebSockets of events", len(queues))
        yield _gauge(
            "arion_websocket_queue_bytes", "Waiting in the queues of WebSockets", sum(queues)
        )
        yield _gauge(
            "arion_websocket_longest_queue_bytes",
            "Waiting in the longest queue",
            max(queues, default=0),
        )
        yield _counter(
            "arion_websocket_overflows", "Consumers that were too slow", http.slow_consumers
        )

    def _of_media(self) -> Iterator[Metric]:
        try:
            counters = self._sources.engine.counters()
        except MediaError:  # it is closed already
            return
        live = GaugeMetricFamily("arion_media_objects", "What the engine has now", labels=["kind"])
        for name, value in sorted(counters.items()):
            if name.endswith("_live"):
                live.add_metric([name.removesuffix("_live")], value)
            elif name in GAUGES:
                yield _gauge(f"arion_media_{name}", f"The media engine's {name}", value)
            else:
                yield _counter(f"arion_media_{name}", f"The media engine's {name}", value)
        yield live

    def _of_sip(self) -> Iterator[Metric]:
        sip = self._sources.sip
        contacts = Counter(contact.status for contact in sip.contacts())
        yield _gauges(
            "arion_sip_contacts",
            "Contacts, permanent and registered, by reachability",
            ("status",),
            {(status,): contacts[status] for status in CONTACT_STATES},
        )
        stack = sip.stack
        if stack is None:
            return
        messages: dict[tuple[str, str], int] = {}
        for way in ("received", "sent"):
            for kind, count in getattr(stack.traffic, way).items():
                messages[way, kind] = count
        yield _counters(
            "arion_sip_messages",
            "SIP messages by method, or class of status",
            ("way", "kind"),
            messages,
        )
        yield _gauge(
            "arion_sip_transactions", "SIP transactions that live", len(stack.transactions)
        )
        yield _gauge("arion_sip_dialogs", "SIP dialogs, early ones included", stack.session_count)
        troubles = Counter(asdict(stack.transactions.counters))
        troubles.update(stack.counters)
        yield _counters(
            "arion_sip_troubles",
            "SIP messages that were repeated, refused, late or broken",
            ("kind",),
            _keyed(troubles),
        )

    def _of_loop(self) -> Iterator[Metric]:
        yield _histogram(
            "arion_loop_lag_seconds", "How late the event loop's timers are", self._lag.lag
        )
        yield _gauge(
            "arion_loop_lag_longest_seconds",
            "The longest lag since the last scrape",
            self._lag.take_longest(),
        )
        yield _counter(
            "arion_log_dropped", "Log messages without room", self._sources.log_dropped()
        )


def _keyed(counts: Mapping[str, int]) -> dict[tuple[str], int]:
    return {(name,): count for name, count in counts.items()}


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counters(name: str, text: str, labels: Iterable[str], counts: Counts) -> Metric:
    family = CounterMetricFamily(name, text, labels=list(labels))
    for values, count in sorted(counts.items()):
        family.add_metric(list(values), count)
    return family


def _gauges(name: str, text: str, labels: Iterable[str], counts: Counts) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    for values, count in sorted(counts.items()):
        family.add_metric(list(values), count)
    return family


def _histogram(name: str, text: str, values: Distribution) -> Metric:
    return HistogramMetricFamily(name, text, buckets=values.buckets(), sum_value=values.total)


def _histograms(name: str, text: str, label: str, spread: Mapping[str, Distribution]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=[label])
    for value, values in sorted(spread.items()):
        family.add_metric([value], values.buckets(), values.total)
    return family
