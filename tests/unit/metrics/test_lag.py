"""The loop's lateness is seen."""

from __future__ import annotations

import asyncio

import pytest

from server.metrics import lag
from server.metrics.lag import LoopLag


async def test_a_loop_that_stands_still_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(lag, "INTERVAL", 0.0)
    measure = LoopLag()
    measure.start()
    measure.start()  # once is enough
    due = loop.time()
    while loop.time() < due + 0.02:
        pass
    while not len(measure.lag):
        await asyncio.sleep(0)
    assert measure.lag.total >= 0.02
    assert measure.take_longest() >= 0.02
    measure.close()
    count = len(measure.lag)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(measure.lag) == count
    assert measure.take_longest() < 0.02
