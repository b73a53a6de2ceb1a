"""The real engine, and phones; afterwards nothing may be left alive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from server.media.engine import EngineSettings, MediaEngine
from tests.media.rtp_phone import RtpPhone, until


def leaks(engine: MediaEngine) -> dict[str, int]:
    counters = engine.counters()
    return {name: value for name, value in counters.items() if name.endswith("_live") and value}


@pytest.fixture(params=[1])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[MediaEngine]:
    settings = EngineSettings(
        rtp_start=20000, rtp_end=29999, workers=request.param, rtcp_interval_ms=300
    )
    engine = MediaEngine(settings)
    await engine.start()
    yield engine
    for thing in list(engine._objects.values()):
        if hasattr(thing, "close"):
            thing.close()
    await until(lambda: not leaks(engine))
    await engine.close()


@pytest.fixture
async def make_phone() -> AsyncIterator[Callable[[], RtpPhone]]:
    phones: list[RtpPhone] = []

    def make(host: str = "127.0.0.1") -> RtpPhone:
        phones.append(RtpPhone(host))
        return phones[-1]

    yield make
    for phone in phones:
        phone.close()


class Heard:
    """A listener that writes down."""

    def __init__(self) -> None:
        self.log: list[tuple[object, ...]] = []

    def on_dtmf_begin(self, digit: str) -> None:
        self.log.append(("begin", digit))

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        self.log.append(("dtmf", digit, duration_ms))

    def on_talking_started(self) -> None:
        self.log.append(("talking",))

    def on_talking_finished(self, duration_ms: int) -> None:
        self.log.append(("silent", duration_ms))

    def on_rtp_timeout(self) -> None:
        self.log.append(("timeout",))


@pytest.fixture
def heard() -> Iterator[Heard]:
    return Heard()  # type: ignore[return-value]
