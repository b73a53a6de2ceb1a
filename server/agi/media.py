"""Playing to a call with the position at which it ended, for the commands that report it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.base.errors import ChannelHungUp
from server.dialplan.executor import Call
from server.media.players import Player, Source

ALL_DIGITS = "0123456789*#ABCD"
SAMPLES_PER_MS = 8  # positions are told in samples of 8 kHz

Keys = Mapping[str, Callable[[Player], None]]


@dataclass(frozen=True, slots=True)
class Played:
    """How it ended.

    :param digit: that ended it, or empty.
    :param position_ms: where, in the last source.
    """

    digit: str = ""
    position_ms: int = 0
    is_failed: bool = False
    is_hungup: bool = False

    @property
    def result(self) -> int:
        """What scripts are told: the digit's character code, 0, or -1."""
        if self.is_failed or self.is_hungup:
            return -1
        return ord(self.digit) if self.digit else 0

    @property
    def endpos(self) -> int:
        """The position in samples."""
        return self.position_ms * SAMPLES_PER_MS


async def play_to_digit(
    call: Call,
    sources: Sequence[Source],
    stop_digits: str,
    *,
    offset_ms: int = 0,
    keys: Keys | None = None,
) -> Played:
    """Play until one of *stop_digits*, the end or the hang-up; other digits are lost.

    :param keys: digits that do something to the player.
    """
    channel = call.channel
    stop_digits = stop_digits.upper()
    try:
        while (waiting := await channel.wait_digit(0.0)) is not None:
            if waiting in stop_digits:
                return Played(waiting, offset_ms)
        if not sources:
            return Played()
        player = channel.play(sources, offset_ms=offset_ms)
    except ChannelHungUp:
        return Played(is_hungup=True)
    pressed: list[str] = []
    heard = 0

    def on_digit(digit: str) -> None:
        nonlocal heard
        if pressed:
            return
        heard += 1
        if digit in stop_digits:
            pressed.append(digit)
            player.stop()
        elif keys and digit in keys:
            keys[digit](player)

    channel.digit_observers.append(on_digit)
    try:
        result = await channel.wait(player.done)
        for _digit in range(heard):
            await channel.wait_digit(0.0)  # they are in the channel's queue as well
    except ChannelHungUp:
        return Played(is_hungup=True)
    finally:
        channel.digit_observers.remove(on_digit)
        player.stop()
    is_failed = result.reason == "failed"
    if is_failed:
        call.report(f"playing failed: {result.error}")
    return Played("".join(pressed), result.position_ms, is_failed)
