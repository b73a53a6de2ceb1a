"""What a scrape shows, read back by Prometheus' own parser."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from server.metrics.asterisk_families import AsteriskCollector
from server.metrics.distribution import Distribution
from server.metrics.exposition import Exposition
from server.metrics.families import ArionCollector
from server.metrics.figures import LATENCY_BOUNDS, CallFigures, RestFigures
from server.metrics.lag import LoopLag
from server.metrics.sources import Sources
from server.sip.traffic import Traffic
from server.sip.transaction import TransactionLayer
from tests.support.node import NodeUnderTest

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def sources(node: NodeUnderTest) -> Sources:
    traffic = Traffic()
    traffic.note_received(b"INVITE sip:x SIP/2.0\r\n")
    traffic.note_sent([b"SIP/2.0 200 OK\r\n"])
    stack = SimpleNamespace(
        traffic=traffic, transactions=TransactionLayer(), session_count=2, counters={}
    )
    sip = SimpleNamespace(
        stack=stack,
        contacts=lambda: [SimpleNamespace(status="Reachable")],
        settings=SimpleNamespace(endpoints={"alice": None, "bob": None}),
    )
    http = SimpleNamespace(connections=1, refused_connections=0, requests=9, slow_consumers=1)
    return Sources(
        registry=node.registry,
        bridges=node.bridges,
        engine=node.engine,
        sip=cast(Any, sip),
        bus=node.bus,
        http=http,
        http_open=lambda: 3,
        queues=lambda: [10, 200],
        uptime=lambda: 60.0,
        since_reload=lambda: 5.0,
        log_dropped=lambda: 4,
        version="1",
    )


class Shown:
    """An exposition, and what it is made of."""

    def __init__(self, node: NodeUnderTest, *, with_core: bool = True) -> None:
        self.calls = CallFigures()
        self.rest = RestFigures()
        node.registry.observers.append(self.calls)
        made = sources(node)
        self.exposition = Exposition(
            [
                AsteriskCollector(made, with_core=with_core),
                ArionCollector(
                    made, self.calls, self.rest, Distribution(LATENCY_BOUNDS), LoopLag()
                ),
            ]
        )

    async def samples(self) -> dict[tuple[str, ...], float]:
        text, content_type = await self.exposition.render("")
        assert content_type.startswith("text/plain; version=")
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }


async def test_what_lives_now_and_what_was_counted(node: NodeUnderTest) -> None:
    shown = Shown(node)
    node.connect("test")
    await node.call("alice")
    samples = await shown.samples()
    expected = {
        ("arion_channels", "Ring", "PJSIP"): 1,
        ("arion_bridges",): 0,
        ("arion_channels_created_total", "PJSIP"): 1,
        ("arion_http_connections",): 3,
        ("arion_http_requests_total",): 9,
        ("arion_websockets",): 2,
        ("arion_websocket_queue_bytes",): 210,
        ("arion_websocket_longest_queue_bytes",): 200,
        ("arion_websocket_overflows_total",): 1,
        ("arion_sip_contacts", "Reachable"): 1,
        ("arion_sip_contacts", "Unreachable"): 0,
        ("arion_sip_messages_total", "INVITE", "received"): 1,
        ("arion_sip_messages_total", "2xx", "sent"): 1,
        ("arion_sip_transactions",): 0,
        ("arion_sip_dialogs",): 2,
        ("arion_log_dropped_total",): 4,
        ("asterisk_channels_count", "test-node"): 1,
        ("asterisk_calls_count", "test-node"): 1,
        ("asterisk_calls_sum", "test-node"): 1,
        ("asterisk_endpoints_count", "test-node"): 2,
        ("asterisk_bridges_count", "test-node"): 0,
        ("asterisk_core_uptime_seconds", "test-node"): 60,
        ("asterisk_core_last_reload_seconds", "test-node"): 5,
        ("asterisk_core_properties", "test-node", "1"): 1,
    }
    assert {name: samples[name] for name in expected} == expected


async def test_the_core_can_be_left_out(node: NodeUnderTest) -> None:
    samples = await Shown(node, with_core=False).samples()
    assert not [name for name, *_ in samples if name.startswith("asterisk_core_")]
    assert ("asterisk_channels_count", "test-node") in samples


async def test_openmetrics_is_spoken_to_those_who_ask(node: NodeUnderTest) -> None:
    shown = Shown(node)
    shown.rest.on_operation("channels.list", [], 200, 0.0, 0.001)
    text, content_type = await shown.exposition.render(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(text.decode())}
    assert "arion_rest_seconds" in names


async def test_a_histogram_has_its_sum_and_every_bucket(node: NodeUnderTest) -> None:
    shown = Shown(node)
    shown.rest.on_operation("channels.list", [], 200, 0.0, 0.002)
    samples = await shown.samples()
    assert samples["arion_rest_seconds_sum", "channels.list"] == 0.002
    assert samples["arion_rest_seconds_bucket", "0.001", "channels.list"] == 0
    assert samples["arion_rest_seconds_bucket", "0.0025", "channels.list"] == 1
    assert samples["arion_rest_seconds_bucket", "+Inf", "channels.list"] == 1


async def test_names_from_outside_never_become_labels(node: NodeUnderTest) -> None:
    """A thousand different callers and methods leave no more rows than one."""
    shown = Shown(node)
    before = set(await shown.samples())
    node.connect("test")
    for number in range(20):
        (await node.call(f"caller{number}")).hangup()
    rows = set(await shown.samples()) - before
    assert not [row for row in rows if any("caller" in value for value in row)]


async def test_reading_the_figures_of_a_busy_server_holds_the_loop_shortly(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Shown(node)
    for number in range(110):
        shown.rest.on_operation(f"operation{number}", [], 200, 0.0, 0.001)
    for cause in range(100):
        shown.calls.ended["PJSIP", cause] += 1
    begun = time.thread_time()
    families = list(shown.exposition._registry.collect())
    assert time.thread_time() - begun < 0.1  # about 5 ms on an idle machine
    assert len(families) > 30
