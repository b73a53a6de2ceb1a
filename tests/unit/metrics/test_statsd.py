"""What is sent to a StatsD server, and when."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from server.base.errors import ServerError
from server.config.sections.statsd import StatsdSettings
from server.metrics import statsd
from server.metrics.statsd import REPEAT, StatsdReporter
from tests.support.node import NodeUnderTest, settle


class Sender:
    """A sender that keeps what it is to send."""

    def __init__(self) -> None:
        self.enabled = True
        self.sent: list[str] = []
        self.is_broken = False

    async def settings(self) -> StatsdSettings:
        return StatsdSettings(enabled=self.enabled)

    async def send(self, _settings: StatsdSettings, message: str) -> None:
        if self.is_broken:
            raise ServerError("127.0.0.1:8125: Connection refused")
        self.sent.append(message)


class Reporting:
    """A reporter on a node of fakes."""

    def __init__(self, node: NodeUnderTest) -> None:
        self.sender = Sender()
        self.contacts: list[Any] = []
        sip = SimpleNamespace(
            endpoints=lambda: [
                SimpleNamespace(state="online"),
                SimpleNamespace(state="offline"),
            ],
            contacts=lambda: self.contacts,
        )
        sources = SimpleNamespace(registry=node.registry, sip=sip)
        self.reporter = StatsdReporter(cast(Any, sources), cast(Any, self.sender))
        node.registry.observers.append(self.reporter)

    async def tick(self) -> list[str]:
        """Let a second pass and return what was sent."""
        self.sender.sent.clear()
        await self.reporter.tick()
        return list(self.sender.sent)


@pytest.fixture
def reporting(node: NodeUnderTest) -> Reporting:
    return Reporting(node)


async def test_first_every_gauge_then_only_what_changed(
    node: NodeUnderTest, reporting: Reporting
) -> None:
    assert await reporting.tick() == [
        "channels.count:0|g",
        "endpoints.count:2|g",
        "endpoints.state.unknown:0|g",
        "endpoints.state.offline:1|g",
        "endpoints.state.online:1|g",
        "PJSIP.contacts.states.Unreachable:0|g",
        "PJSIP.contacts.states.Reachable:0|g",
        "PJSIP.contacts.states.Unknown:0|g",
        "PJSIP.contacts.states.NonQualified:0|g",
        "PJSIP.contacts.states.Removed:0|g",
    ]
    assert await reporting.tick() == []
    node.connect("test")
    channel = await node.call("alice")
    assert await reporting.tick() == ["channels.count:1|g", "endpoints.PJSIP.alice.channels:1|g"]
    channel.created_at -= 2.0
    channel.hangup()
    await settle()
    assert await reporting.tick() == [
        "channels.calltime:2000|ms",
        "channels.count:0|g",
        "endpoints.PJSIP.alice.channels:0|g",
    ]
    assert await reporting.tick() == []


async def test_every_gauge_is_repeated_after_a_while(reporting: Reporting) -> None:
    first = await reporting.tick()
    for _ in range(REPEAT - 1):
        assert await reporting.tick() == []
    assert await reporting.tick() == first


async def test_a_round_trip_is_told_once(reporting: Reporting) -> None:
    contact = SimpleNamespace(
        status="Reachable", uri_text="sip:alice@192.0.2.1:5060", roundtrip_usec=12_400
    )
    reporting.contacts.append(contact)
    sent = await reporting.tick()
    assert "PJSIP.contacts.sip_alice_192_0_2_1_5060.rtt:12|ms" in sent
    assert await reporting.tick() == []
    contact.roundtrip_usec = 30_000
    assert await reporting.tick() == ["PJSIP.contacts.sip_alice_192_0_2_1_5060.rtt:30|ms"]


async def test_nothing_is_sent_when_it_is_off(node: NodeUnderTest, reporting: Reporting) -> None:
    node.connect("test")
    reporting.sender.enabled = False
    (await node.call("alice")).hangup()
    await settle()
    assert await reporting.tick() == []
    reporting.sender.enabled = True
    assert not [message for message in await reporting.tick() if "calltime" in message]


async def test_a_server_that_refuses_is_told_once_and_gets_all_later(
    reporting: Reporting, caplog: pytest.LogCaptureFixture
) -> None:
    reporting.sender.is_broken = True
    await reporting.tick()
    await reporting.tick()
    assert [record.getMessage() for record in caplog.records] == [
        "statsd: 127.0.0.1:8125: Connection refused"
    ]
    reporting.sender.is_broken = False
    assert "channels.count:0|g" in await reporting.tick()


async def test_a_flood_of_calls_loses_the_oldest_timers(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statsd, "MAX_WAITING", 2)
    reporting = Reporting(node)
    node.connect("test")
    for seconds in (1, 2, 3):
        channel = await node.call("alice")
        channel.created_at -= seconds
        channel.hangup()
        await settle()
    sent = await reporting.tick()
    assert sent[:2] == ["channels.calltime:2000|ms", "channels.calltime:3000|ms"]
