"""Playback that its listener controls by keys: forward, back, pause, restart, stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.media.players import Player
from server.media.streams import Source
from server.resources.channel import Channel

DEFAULT_SKIP_MS = 3_000
MAX_SKIP_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class ControlKeys:
    """Which keys do what; several may do the same, an empty text means none."""

    forward: str = "#"
    reverse: str = "*"
    stop: str = ""
    pause: str = ""
    restart: str = ""


@dataclass(frozen=True, slots=True)
class ControlOutcome:
    """How it ended.

    :param status: ``SUCCESS``, ``USERSTOPPED``, ``REMOTESTOPPED`` or ``ERROR``.
    :param offset_ms: where it was stopped, -1 at its end.
    :param key: the key that stopped it, or empty.
    """

    status: str
    offset_ms: int = -1
    key: str = ""


class ControlledPlayback:
    """Plays to a channel; its methods are what the keys do, for those who control it otherwise."""

    def __init__(self, channel: Channel, keys: ControlKeys, skip_ms: int = DEFAULT_SKIP_MS) -> None:
        self._channel = channel
        self._keys = keys
        self._skip_ms = min(max(skip_ms, 0), MAX_SKIP_MS)
        self._player: Player | None = None
        self._is_paused = False
        self._stop_key = ""
        self._is_remote = False

    async def play(self, sources: Sequence[Source], offset_ms: int = 0) -> ControlOutcome:
        """Play until the end, or until it is stopped.

        :raises ChannelHungUp: the channel ended.
        """
        channel = self._channel
        player = self._player = channel.play(sources, offset_ms=max(offset_ms, 0))
        channel.digit_observers.append(self._on_digit)
        try:
            result = await channel.wait(player.done)
        finally:
            channel.digit_observers.remove(self._on_digit)
            player.stop()
            self._player = None
        channel.flush_digits()
        if result.reason == "failed":
            return ControlOutcome("ERROR", result.position_ms)
        if self._stop_key:
            return ControlOutcome("USERSTOPPED", result.position_ms, self._stop_key)
        if self._is_remote:
            return ControlOutcome("REMOTESTOPPED", result.position_ms)
        return ControlOutcome("SUCCESS")

    def forward(self) -> None:
        """Skip ahead."""
        if self._player is not None:
            self._player.seek(self._skip_ms)

    def reverse(self) -> None:
        """Skip back."""
        if self._player is not None:
            self._player.seek(-self._skip_ms)

    def pause(self) -> None:
        """Hold, or go on."""
        if self._player is None:
            return
        self._is_paused = not self._is_paused
        if self._is_paused:
            self._player.pause()
        else:
            self._player.unpause()

    def restart(self) -> None:
        """Begin anew."""
        if self._player is not None:
            self._player.restart()

    def stop(self) -> None:
        """End it for somebody else than its listener."""
        if self._player is not None:
            self._is_remote = True
            self._player.stop()

    def _on_digit(self, digit: str) -> None:
        keys = self._keys
        if self._stop_key or self._player is None:
            return
        if digit in keys.stop:
            self._stop_key = digit
            self._player.stop()
            return
        for wanted, act in (
            (keys.forward, self.forward),
            (keys.reverse, self.reverse),
            (keys.pause, self.pause),
            (keys.restart, self.restart),
        ):
            if digit in wanted:
                act()
                return
