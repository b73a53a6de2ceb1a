"""Listening to a caller, for the applications that decide by what they hear."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import repeat
from types import TracebackType
from typing import Self

from server.media.scans import Heard, Scan, ScanSettings
from server.media.streams import Stream
from server.resources.channel import Channel

MAX_NEWS = 1_024  # 20 s of reports with every frame; the oldest go first


class Ear:
    """Hears a channel while it is entered as a context.

    :param stream: what is heard instead of the channel's own voice.
    """

    def __init__(
        self, channel: Channel, settings: ScanSettings, stream: Stream | None = None
    ) -> None:
        self._channel = channel
        self._settings = settings
        self._stream = stream or channel.leg.stream
        self._news: deque[Heard] = deque(maxlen=MAX_NEWS)
        self._gate: asyncio.Future[None] | None = None
        self._scan: Scan | None = None

    def __enter__(self) -> Self:
        self._scan = self._stream.scan(self._settings, self._on_heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._scan is not None:
            self._scan.stop()

    async def listen(self, deadline: float | None = None) -> Heard | None:
        """Return the next report.

        :param deadline: on the loop's clock.
        :returns: ``None`` at the deadline, or when :meth:`wake` was called.
        :raises ChannelHungUp: the channel ended.
        """
        if not self._news:
            loop = asyncio.get_running_loop()
            self._gate = loop.create_future()
            timer = None if deadline is None else loop.call_at(deadline, self.wake)
            try:
                await self._channel.wait(self._gate)
            finally:
                self._gate = None
                if timer is not None:
                    timer.cancel()
        return self._news.popleft() if self._news else None

    def wake(self) -> None:
        """Let :meth:`listen` return although nothing new was heard."""
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)

    def _on_heard(self, heard: Heard) -> None:
        self._news.append(heard)
        self.wake()


class Frames:
    """Turns reports into frames of one length, each loud or not; none is left out."""

    def __init__(self, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._until_ms = 0
        self._is_loud = False

    def of(self, heard: Heard) -> Iterator[bool]:
        """Return the frames since the last report; until it changed it was as before."""
        before = (heard.since_ms - self._until_ms) // self._frame_ms
        now = (heard.now_ms - max(heard.since_ms, self._until_ms)) // self._frame_ms
        frames = [*repeat(self._is_loud, before), *repeat(heard.is_loud, now)]
        self._until_ms, self._is_loud = heard.now_ms, heard.is_loud
        return iter(frames)


class Run:
    """How long something has been so without a break, in milliseconds of audio."""

    def __init__(self) -> None:
        self._since: int | None = None

    def add(self, heard: Heard, *, holds: bool) -> int:
        """Take a report and return the run's length, 0 if it is broken."""
        if not holds:
            self._since = None
            return 0
        if self._since is None:
            self._since = heard.since_ms
        return heard.now_ms - self._since

    def restart(self, now_ms: int) -> None:
        """Count anew from here."""
        self._since = now_ms


def deadline_after(seconds: float) -> float | None:
    """Return when so many seconds from now have passed; ``None``, never, for 0."""
    return asyncio.get_running_loop().time() + seconds if seconds > 0 else None


def is_past(deadline: float | None) -> bool:
    """Tell whether a deadline has passed."""
    return deadline is not None and asyncio.get_running_loop().time() >= deadline
