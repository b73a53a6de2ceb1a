"""What calls leave in the figures."""

from __future__ import annotations

import pytest

from server.media.streams import RtpStream, StatsSeries, StreamStats
from server.metrics.figures import CallFigures, RestFigures
from server.resources.dialing import DialAttempt
from tests.support.node import NodeUnderTest, settle


async def test_an_answered_call_is_counted_from_its_creation_to_its_cause(
    node: NodeUnderTest, figures: CallFigures
) -> None:
    node.connect("test")
    channel = await node.call("alice")
    channel.created_at -= 3.0
    channel.answer()
    channel.answer()
    assert figures.created == {"PJSIP": 1}
    assert figures.answered == {"PJSIP": 1}
    assert figures.setup["PJSIP"].total == pytest.approx(3.0)
    assert not figures.ended
    channel.hangup(17)
    await settle()
    assert figures.ended == {("PJSIP", 17): 1}
    assert len(figures.durations) == 1


async def test_a_call_that_nobody_answers_has_no_setup_time(
    node: NodeUnderTest, figures: CallFigures
) -> None:
    node.connect("test")
    channel = await node.call("alice")
    channel.hangup(21)
    await settle()
    assert figures.ended == {("PJSIP", 21): 1}
    assert figures.setup == {}
    assert len(figures.durations) == 0


@pytest.mark.parametrize(("cause", "status"), [(17, "BUSY"), (19, "NOANSWER")])
async def test_a_dial_counts_by_how_it_ended(
    node: NodeUnderTest, figures: CallFigures, cause: int, status: str
) -> None:
    channel = node.dialer.create_outgoing("PJSIP/bob")
    DialAttempt(channel, None, "bob").start()
    leg = node.phones.legs[-1]
    assert leg.listener is not None
    leg.listener.on_ringing()
    assert not figures.dials
    leg.far_end_hangs_up(cause)
    assert figures.dials == {status: 1}


async def test_the_quality_of_an_ended_call_is_kept(
    node: NodeUnderTest, figures: CallFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats = StreamStats(rx_packets=980, rx_lost=20, local_jitter=StatsSeries(mean=0.004), mos=4.1)
    monkeypatch.setattr(RtpStream, "stats", lambda _stream: stats)
    node.connect("test")
    channel = await node.call("alice")
    channel.hangup()
    await settle()
    assert figures.jitter.total == pytest.approx(0.004)
    assert figures.loss.total == pytest.approx(0.02)
    assert figures.mos.total == pytest.approx(4.1)


async def test_a_call_without_audio_says_nothing_about_quality(
    node: NodeUnderTest, figures: CallFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RtpStream, "stats", lambda _stream: StreamStats())
    node.connect("test")
    (await node.call("alice")).hangup()
    await settle()
    assert len(figures.jitter) == len(figures.loss) == len(figures.mos) == 0


def test_operations_count_by_id_and_class_of_status() -> None:
    rest = RestFigures()
    rest.on_operation("channels.get", [], 200, 0.0, 0.001)
    rest.on_operation("channels.get", [], 404, 0.0, 0.003)
    assert rest.latency["channels.get"].total == pytest.approx(0.004)
    assert rest.statuses == {("channels.get", "2xx"): 1, ("channels.get", "4xx"): 1}


async def test_observers_cost_no_events(node: NodeUnderTest, figures: CallFigures) -> None:
    channel = node.dialer.create_outgoing("PJSIP/bob")
    assert not channel.has_audience  # nobody listens, so no event is built for the figures
    channel.hangup()
    await settle()
    assert figures.created == {"PJSIP": 1}
