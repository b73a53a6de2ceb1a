"""Spans of a call, kept by OpenTelemetry's exporter for tests."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.base.errors import Unavailable
from server.config.sections.tracing import Tracing
from server.metrics import tracing
from server.metrics.tracing import CallTracer
from server.resources.dialing import DialAttempt
from tests.support.node import NodeUnderTest, settle

NOWHERE = "http://127.0.0.1:9/v1/traces"


class Traced:
    """A tracer, and what it said."""

    def __init__(self, node: NodeUnderTest, ratio: float = 1.0) -> None:
        self.tracer = CallTracer(Tracing(enabled=True, endpoint=NOWHERE, sample_ratio=ratio))
        self._kept = InMemorySpanExporter()
        # instead of the processor that sends
        self.tracer._provider._active_span_processor.shutdown()
        self.tracer._provider._active_span_processor._span_processors = ()
        self.tracer._provider.add_span_processor(SimpleSpanProcessor(self._kept))
        node.registry.observers.append(self.tracer)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._kept.get_finished_spans() if span.name == name]


@pytest.fixture
def traced(node: NodeUnderTest) -> Iterator[Traced]:
    made = Traced(node)
    yield made
    made.tracer.close()


async def test_both_legs_of_a_call_share_a_trace_and_the_dial_is_inside(
    node: NodeUnderTest, traced: Traced
) -> None:
    node.connect("test")
    alice = await node.call("alice")
    bob = node.dialer.create_outgoing("PJSIP/bob", requestor=alice)
    DialAttempt(bob, alice, "bob").start()
    leg = node.phones.legs[-1]
    assert leg.listener is not None
    leg.listener.on_ringing()
    leg.listener.on_answered()
    bob.hangup()
    alice.hangup(17)
    await settle()
    first, second = sorted(traced.named("call PJSIP"), key=lambda span: span.start_time or 0)
    (dial,) = traced.named("dial")
    assert {dial.context.trace_id, second.context.trace_id} == {first.context.trace_id}
    assert dial.parent is not None
    assert dial.attributes is not None
    assert dial.attributes["arion.dial_status"] == "ANSWER"
    assert [event.name for event in dial.events] == ["RINGING", "ANSWER"]
    of_alice = [span for span in (first, second) if span.context.span_id == dial.parent.span_id]
    assert [span.attributes["arion.channel.id"] for span in of_alice if span.attributes] == [
        alice.id
    ]
    causes = {span.attributes["arion.hangup.cause"] for span in of_alice if span.attributes}
    assert causes == {17}


async def test_a_command_is_inside_the_channel_that_it_names(
    node: NodeUnderTest, traced: Traced
) -> None:
    node.connect("test")
    channel = await node.call("alice")
    traced.tracer.on_operation("channels.mute", [channel.id, "unknown"], 204, 1.0, 0.5)
    channel.hangup()
    await settle()
    (command,) = traced.named("command channels.mute")
    (call,) = traced.named("call PJSIP")
    assert command.parent is not None
    assert command.parent.span_id == call.context.span_id
    assert (command.start_time, command.end_time) == (1_000_000_000, 1_500_000_000)


async def test_the_share_of_calls_is_kept_to(node: NodeUnderTest) -> None:
    traced = Traced(node, ratio=0.0)
    node.connect("test")
    (await node.call("alice")).hangup()
    await settle()
    assert traced.named("call PJSIP") == []
    traced.tracer.close()


async def test_open_spans_are_bounded(
    node: NodeUnderTest, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MAX_SPANS", 1)
    node.connect("test")
    one, two = await node.call("alice"), await node.call("bob")
    one.hangup()
    two.hangup()
    await settle()
    assert len(traced.named("call PJSIP")) == 1


async def test_the_end_ends_what_is_open(node: NodeUnderTest, traced: Traced) -> None:
    node.connect("test")
    await node.call("alice")
    assert traced.named("call PJSIP") == []
    node.registry.observers.remove(traced.tracer)
    traced.tracer.close()
    assert len(traced.named("call PJSIP")) == 1


async def test_a_collector_that_is_away_is_told_once_and_holds_up_nobody(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "CLOSE_S", 0.05)
    tracer = CallTracer(Tracing(enabled=True, endpoint=NOWHERE))
    node.registry.observers.append(tracer)
    node.connect("test")
    await node.call("alice")
    node.registry.observers.remove(tracer)
    begun = time.monotonic()
    tracer.close()
    assert time.monotonic() - begun < tracing.EXPORT_S
    assert [record.getMessage() for record in caplog.records] == [
        f"tracing: {NOWHERE} takes no spans; they are lost"
    ]


def test_without_the_packages_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Unavailable, match=r"pip install 'arion-server\[tracing\]'"):
        CallTracer(Tracing(enabled=True))
