"""Figures cost nothing until somebody is to be shown them, and nothing afterwards."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.base.errors import Unavailable
from server.config.sections.prometheus import Prometheus
from server.config.sections.statsd import StatsdSettings
from server.config.sections.tracing import Tracing
from server.metrics import service
from server.metrics.service import Metrics, OperationWatch
from tests.support.node import NodeUnderTest, settle

ON = Prometheus(enabled=True)
OFF = Prometheus()
TRACING = Tracing(enabled=True, endpoint="http://127.0.0.1:9/v1/traces")


class Sender:
    """statsd.conf, and where its figures go."""

    def __init__(self) -> None:
        self.enabled = False
        self.sent: list[str] = []
        self.is_closed = False

    async def settings(self) -> StatsdSettings:
        return StatsdSettings(enabled=self.enabled)

    async def send(self, _settings: StatsdSettings, message: str) -> None:
        self.sent.append(message)

    def close(self) -> None:
        self.is_closed = True


class Serving:
    """The service on a node of fakes."""

    def __init__(self, node: NodeUnderTest) -> None:
        self.node = node
        self.sender = Sender()
        self.watches: list[OperationWatch] = []
        sip = SimpleNamespace(endpoints=list, contacts=list)
        sources = SimpleNamespace(registry=node.registry, bus=node.bus, sip=sip)
        self.metrics = Metrics(cast(Any, sources), self.watches, cast(Any, self.sender))

    @property
    def attached(self) -> tuple[int, int, bool]:
        """How many follow channels and operations, and whether delays are measured."""
        observers = self.node.registry.observers
        return len(observers), len(self.watches), self.node.bus.on_delivered is not None


@pytest.fixture
def serving(node: NodeUnderTest) -> Serving:
    return Serving(node)


async def test_nothing_is_attached_unless_it_is_asked_for(serving: Serving) -> None:
    assert await serving.metrics.configure(OFF, Tracing()) is None
    assert serving.attached == (0, 0, False)
    await serving.metrics.close()
    assert serving.sender.is_closed


async def test_a_reload_attaches_once_and_detaches(serving: Serving) -> None:
    for _ in range(2):
        assert await serving.metrics.configure(ON, Tracing()) is not None
        assert serving.attached == (1, 1, True)
    assert await serving.metrics.configure(OFF, Tracing()) is None
    assert serving.attached == (0, 0, False)


async def test_events_are_timed_from_publishing_to_delivery(serving: Serving) -> None:
    await serving.metrics.configure(ON, Tracing())
    serving.node.connect("test", subscribe_all=True)
    await serving.node.call("alice")
    await settle()
    delays = serving.metrics._delays
    assert len(delays) >= 3
    assert 0 < delays.total < 1
    await serving.metrics.close()
    assert serving.attached == (0, 0, False)


async def test_statsd_is_sent_to_while_it_is_enabled(serving: Serving) -> None:
    serving.sender.enabled = True
    await serving.metrics.configure(OFF, Tracing())
    assert serving.attached == (1, 0, False)
    while "channels.count:0|g" not in serving.sender.sent:
        await asyncio.sleep(0)
    serving.sender.enabled = False
    await serving.metrics.configure(OFF, Tracing())
    assert serving.attached == (0, 0, False)
    await serving.metrics.close()


async def test_tracing_follows_its_file(serving: Serving) -> None:
    await serving.metrics.configure(OFF, TRACING)
    assert serving.attached == (1, 1, False)
    await serving.metrics.configure(OFF, TRACING)
    assert serving.attached == (1, 1, False)
    await serving.metrics.configure(OFF, Tracing())
    assert serving.attached == (0, 0, False)


async def test_tracing_that_is_not_installed_stops_nothing(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_settings: Tracing) -> None:
        raise Unavailable("tracing.conf: opentelemetry is missing")

    monkeypatch.setattr(service, "CallTracer", refuse)
    assert await serving.metrics.configure(ON, TRACING) is not None
    assert serving.attached == (1, 1, True)
    assert "opentelemetry is missing" in caplog.text
    await serving.metrics.close()
