"""Listening to other channels: what ChanSpy() and ExtenSpy() do with media and keys."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from enum import Enum
from types import TracebackType
from typing import Self

from server.base.errors import ChannelHungUp
from server.media.recorders import Recorder
from server.resources.channel import Channel

MAX_VOLUME = 4  # steps; each doubles or halves


class Mode(Enum):
    """What the spy is allowed to do, as (hears, who hears the spy)."""

    SPY = ("both", "none")
    WHISPER = ("both", "out")
    PRIVATE = ("none", "out")
    BARGE = ("both", "both")


class Listener:
    """A spy on one channel, while it is entered as a context.

    :param only_in: hear what the target says, but not what it hears.
    :param volume: from -4 to 4.
    """

    def __init__(
        self, spy: Channel, target: Channel, mode: Mode, *, only_in: bool, volume: int
    ) -> None:
        self._spy = spy
        self._target = target
        self._mode = mode
        self._only_in = only_in
        self._volume = volume
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Begin.

        :raises ServerError: the target has just ended, or the spy hears somebody else.
        """
        engine = self._spy.node.engine
        with self._open as opened:
            self._snoop = engine.open_snoop(self._target.leg.stream)
            opened.callback(self._snoop.close)
            bridge = engine.create_bridge()
            opened.callback(bridge.close)
            bridge.add(self._spy.leg.stream)
            bridge.add(self._snoop)
            self._tune()
            self._open = opened.pop_all()
        self._tell("ChanSpyStart")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.close()
        self._tell("ChanSpyStop")

    def _tell(self, what: str) -> None:
        self._spy.node.notices.tell(what, None, Spyer=self._spy, Spyee=self._target)

    def record(self, path: str) -> Recorder:
        """Write what the spy hears to the end of a file of samples."""
        return self._snoop.record(path, "sln", append=True)

    def set_mode(self, mode: Mode) -> None:
        """Whisper, barge in, or stop to."""
        self._mode = mode
        self._tune()

    def set_volume(self, volume: int) -> None:
        """Make what is heard louder or softer."""
        self._volume = volume
        self._tune()

    def _tune(self) -> None:
        hears, whispers = self._mode.value
        factor = 2.0**self._volume
        self._snoop.tune_snoop(
            spy="in" if self._only_in and hears == "both" else hears,
            whisper=whispers,
            gain_in=factor,
            gain_out=factor,
        )


class Keys:
    """The keys of a channel, and the end of another, one after the other, while it is entered."""

    def __init__(self, channel: Channel, target: Channel | None = None) -> None:
        self._channel = channel
        self._target = target
        self._pressed: deque[str] = deque(maxlen=64)
        self._gate: asyncio.Future[None] | None = None
        self.has_ended = False

    def __enter__(self) -> Self:
        self._channel.digit_observers.append(self._on_digit)
        if self._target is not None:
            self.has_ended = self._target.is_hungup
            self._target.on_end.append(self._on_end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._channel.digit_observers.remove(self._on_digit)
        self._channel.flush_digits()
        if self._target is not None and self._on_end in self._target.on_end:
            self._target.on_end.remove(self._on_end)

    async def next(self, timeout: float | None = None) -> str | None:
        """Return the next key; ``None`` when the target has ended or the time is over.

        :raises ChannelHungUp: the channel of the keys ended.
        """
        if not self._pressed and not self.has_ended:
            loop = asyncio.get_running_loop()
            self._gate = loop.create_future()
            timer = None if timeout is None else loop.call_later(timeout, self.wake)
            try:
                await self._channel.wait(self._gate)
            finally:
                self._gate = None
                if timer is not None:
                    timer.cancel()
        if self._channel.is_hungup:
            raise ChannelHungUp(self._channel.hangup_cause)
        return self._pressed.popleft() if self._pressed else None

    def _on_digit(self, digit: str) -> None:
        self._pressed.append(digit)
        self.wake()

    def _on_end(self) -> None:
        self.has_ended = True
        self.wake()

    def wake(self) -> None:
        """Let :meth:`next` return now."""
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)


class Spies:
    """Who spies at the moment: nobody spies on them."""

    def __init__(self, _dialplan: object) -> None:
        self.active: set[Channel] = set()


class Round:
    """Goes through the channels that are wanted, each once before any is met again.

    :param find: returns the channels there are now.
    """

    def __init__(self, find: Callable[[], list[Channel]]) -> None:
        self._find = find
        self._met: set[str] = set()

    def next(self) -> Channel | None:
        """Return the next one; ``None``, once, when all have been met."""
        for channel in self._find():
            if channel.id not in self._met:
                self._met.add(channel.id)
                return channel
        self._met.clear()
        return None
