"""Traces of calls for OpenTelemetry: a span per channel, and below it its commands and dials.

All channels of a call (one linkedid) share a trace. The packages of OpenTelemetry are optional
(``pip install arion-server[tracing]``); sending is the work of a thread of theirs, whose queue is
bounded and loses spans rather than delay a call.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from server import __version__
from server.base.causes import cause_text
from server.base.errors import Unavailable
from server.config.sections.tracing import Tracing
from server.resources.channel import Channel

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)

NS = 1_000_000_000
EXPORT_S = 3  # seconds for a batch, repetitions included; then it is lost
CLOSE_S = 2.0  # seconds that the end of the server waits for the last spans
DELAY_MS = 1000  # between two batches
MAX_WAITING = 4096  # spans; more are lost
MAX_SPANS = 20_000  # open at the same time; the channels of more calls are not traced


class CallTracer:
    """Follows channels. See :class:`server.resources.registry.ChannelObserver`.

    :raises Unavailable: the packages are not installed.
    """

    def __init__(self, settings: Tracing) -> None:
        try:
            self._exporter = _Exporter(settings.endpoint)
            self._provider = _make_provider(settings, self._exporter)
        except ImportError as error:
            hint = f"tracing.conf: {error.name} is missing: pip install 'arion-server[tracing]'"
            raise Unavailable(hint) from None
        self._tracer = self._provider.get_tracer("arion", __version__)
        self._channels: dict[str, Span] = {}  # by id
        self._dials: dict[str, Span] = {}  # by the dialled channel's id

    def close(self) -> None:
        """End what is open and send it. Blocks for a bounded time."""
        for span in (*self._dials.values(), *self._channels.values()):
            span.end()
        self._dials.clear()
        self._channels.clear()
        # a collector that is away would be asked again and again
        limit = threading.Timer(CLOSE_S, self._exporter.shutdown)
        limit.start()
        self._provider.shutdown()
        limit.cancel()

    # ChannelObserver

    def on_channel_added(self, channel: Channel) -> None:
        if len(self._channels) >= MAX_SPANS:
            return
        technology, resource = channel.endpoint
        self._channels[channel.id] = self._tracer.start_span(
            f"call {technology}",
            context=_call_context(channel.linkedid),
            start_time=round(channel.created_at * NS),
            attributes={
                "arion.channel.id": channel.id,
                "arion.channel.name": channel.name,
                "arion.linkedid": channel.linkedid,
                "arion.endpoint": f"{technology}/{resource}",
                "arion.exten": channel.exten,
                "arion.context": channel.context,
            },
        )

    def on_channel_state(self, channel: Channel) -> None:
        span = self._channels.get(channel.id)
        if span is not None:
            span.add_event(channel.state)

    def on_channel_dialled(self, channel: Channel, caller: Channel | None, status: str) -> None:
        if not status:
            owner = self._channels.get(caller.id if caller is not None else channel.id)
            if owner is not None:
                self._dials[channel.id] = self._tracer.start_span(
                    "dial",
                    context=_inside(owner),
                    attributes={
                        "arion.dialled": channel.name,
                        "arion.dial_string": channel.dial_string,
                    },
                )
            return
        span = self._dials.get(channel.id)
        if span is None:
            return
        span.add_event(status)
        if status not in ("RINGING", "PROGRESS", "PROCEEDING"):
            span.set_attribute("arion.dial_status", status)
            self._dials.pop(channel.id).end()

    def on_channel_ending(self, channel: Channel) -> None:
        span = self._channels.get(channel.id)
        if span is not None:
            span.set_attribute("arion.hangup.cause", channel.hangup_cause)
            span.set_attribute("arion.hangup.cause_txt", cause_text(channel.hangup_cause))
            span.set_attribute("arion.hangup.ended_by", channel.ended_by.value)

    def on_channel_removed(self, channel: Channel) -> None:
        for spans in (self._dials, self._channels):
            span = spans.pop(channel.id, None)
            if span is not None:
                span.end()

    # commands

    def on_operation(
        self, operation_id: str, channels: Sequence[str], status: int, begun: float, took: float
    ) -> None:
        """Add a command to the channels that it named; see :data:`server.http.rest.OperationWatch`.

        One that made a channel is found by the channel's id, if the request chose it.
        """
        for channel_id in channels:
            owner = self._channels.get(channel_id)
            if owner is None:
                continue
            span = self._tracer.start_span(
                f"command {operation_id}",
                context=_inside(owner),
                start_time=round(begun * NS),
                attributes={"http.response.status_code": status, "arion.operation": operation_id},
            )
            span.end(round((begun + took) * NS))


class _Exporter:
    """OpenTelemetry's exporter, which says once when the collector goes away and comes back.

    The thread of the batch processor calls it.
    """

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # its own lines, one for each attempt, would fill the log
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_S)
        self._is_failing = False
        self._is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._exporter.export(spans)
        is_failing = result.name != "SUCCESS"
        if is_failing != self._is_failing:
            self._is_failing = is_failing
            if is_failing:
                logger.warning("tracing: %s takes no spans; they are lost", self._endpoint)
            else:
                logger.info("tracing: %s takes spans again", self._endpoint)
        return result

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Nothing is kept back here."""
        return True

    def shutdown(self) -> None:
        """Give up what is being sent. May be called again, from any thread."""
        if not self._is_shut_down:
            self._is_shut_down = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _make_provider(settings: Tracing, exporter: _Exporter) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    ratio = TraceIdRatioBased(settings.sample_ratio)
    provider = TracerProvider(
        # A channel's parent is not a span of ours: the ratio decides for it, by the call's id.
        sampler=ParentBased(ratio, remote_parent_sampled=ratio, remote_parent_not_sampled=ratio),
        resource=Resource.create(
            {"service.name": settings.service_name, "service.version": __version__}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(
            cast("SpanExporter", exporter),
            max_queue_size=MAX_WAITING,
            schedule_delay_millis=DELAY_MS,
        )
    )
    return provider


def _call_context(linkedid: str) -> Any:
    """Return the context that puts all channels of a call into one trace, over restarts too."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    digest = hashlib.sha256(linkedid.encode()).digest()
    context = SpanContext(
        trace_id=int.from_bytes(digest[:16]) or 1,
        span_id=int.from_bytes(digest[16:24]) or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(context))


def _inside(span: Span) -> Any:
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)
