"""What changes a stream's audio on its way: volume, pitch, gain control; and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import IntEnum, StrEnum

from server.base.errors import InvalidArgument
from server.media import _media

TAPS = {"none": 0, "in": 1, "out": 2, "both": 3}  # enum mp_tap: what a stream says, what it hears
UNITY = 4096  # enum mp_effect's gain of 1
MAX_GAIN = 16.0
MAX_JITTER_MS = 5_000
DROPS = {"voice": 1, "dtmf": 2}  # enum mp_drop


class Tap(StrEnum):
    """A direction."""

    IN = "in"  # what the stream says
    OUT = "out"  # what it hears


class _Effect(IntEnum):
    """enum mp_effect of the engine."""

    GAIN = 0
    AGC = 1
    DENOISE = 2
    PITCH = 3
    SCRAMBLE = 4


class Effects:
    """The effects of one stream. While there are any, its packets are decoded.

    :param submit: sends a command about the stream.
    """

    def __init__(self, submit: Callable[..., None]) -> None:
        self._submit = submit

    def set_gain(self, tap: Tap, factor: float) -> None:
        """Change the volume: 1 leaves it, 0 is silence, and :data:`MAX_GAIN` the most."""
        if not 0 <= factor <= MAX_GAIN:
            raise InvalidArgument("factor", f"must be 0 to {MAX_GAIN:g}")
        self._set(tap, _Effect.GAIN, gain_value(factor))

    def set_agc(self, tap: Tap, level: int) -> None:
        """Bring speech to a level, 1 to 32767; 0 ends it."""
        if not 0 <= level <= 32767:
            raise InvalidArgument("level", "must be 0 to 32767")
        self._set(tap, _Effect.AGC, level)

    def set_denoise(self, tap: Tap, enabled: bool) -> None:
        """Suppress noise."""
        self._set(tap, _Effect.DENOISE, int(enabled))

    def set_pitch(self, tap: Tap, ratio: float) -> None:
        """Shift the pitch: 2 is an octave up, 0.5 one down, 1 leaves it; 0.1 to 4."""
        if not 0.1 <= ratio <= 4:
            raise InvalidArgument("ratio", "must be 0.1 to 4")
        self._set(tap, _Effect.PITCH, round(ratio * 1000))

    def set_scramble(self, tap: Tap, enabled: bool) -> None:
        """Turn the spectrum around."""
        self._set(tap, _Effect.SCRAMBLE, int(enabled))

    def drop(self, tap: Tap, kinds: Collection[str]) -> None:
        """Leave out ``voice``, ``dtmf``, both or, with nothing, nothing any more."""
        bits = sum(DROPS[kind] for kind in set(kinds))
        self._submit(_media.STREAM_DROP, TAPS[tap], bits)

    def set_jitter_buffer(self, limits: tuple[int, int] | None) -> None:
        """Play out what comes in steadily, even into a bridge of two.

        :param limits: the least and the most delay in ms; ``None`` ends it.
        """
        least, most = limits or (0, 0)
        if limits is not None and not 20 <= least <= most <= MAX_JITTER_MS:
            raise InvalidArgument("limits", f"must be 20 to {MAX_JITTER_MS} ms")
        self._submit(_media.STREAM_JITTER, int(limits is not None), least, most)

    def _set(self, tap: Tap, effect: _Effect, value: int) -> None:
        self._submit(_media.STREAM_EFFECT, TAPS[tap], effect, value)


def gain_value(factor: float) -> int:
    """Return a factor as the engine has it."""
    return round(min(factor, MAX_GAIN) * UNITY)
