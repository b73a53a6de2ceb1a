"""The leg of a snoop channel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.base.errors import Unprocessable
from server.tech.snoop import SnoopLeg
from tests.support.fake_engine import FakeEngine


class Listener:
    def __init__(self) -> None:
        self.ends: list[tuple[int, int | None]] = []

    def on_hangup(self, cause: int, tech_cause: int | None, reason: str) -> None:
        self.ends.append((cause, tech_cause))


@pytest.fixture
async def leg() -> AsyncIterator[SnoopLeg]:
    engine = FakeEngine()
    await engine.start()
    target = engine.open_rtp()
    yield SnoopLeg("Snoop/1-00000001", engine.open_snoop(target, spy="both"))
    await engine.close()


async def test_the_end_of_the_other_channel_is_reported_once(leg: SnoopLeg) -> None:
    listener = Listener()
    leg.listener = listener  # type: ignore[assignment]
    leg.end()
    leg.end()
    assert listener.ends == [(16, None)]
    assert leg.stream.is_closed


async def test_hanging_up_closes_the_stream_and_reports_nothing(leg: SnoopLeg) -> None:
    listener = Listener()
    leg.listener = listener  # type: ignore[assignment]
    leg.hangup(16)
    leg.end()
    assert leg.stream.is_closed
    assert listener.ends == []


async def test_it_can_not_be_sent_elsewhere(leg: SnoopLeg) -> None:
    with pytest.raises(Unprocessable, match="redirected"):
        leg.redirect("bob")
