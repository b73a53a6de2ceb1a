"""Listening to what a stream says: loudness and tones, reported when they change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from server.base.errors import InvalidArgument
from server.media import _media

if TYPE_CHECKING:
    from server.media.engine import MediaEngine

LOUD = 1  # bit of a mask; tone k is bit k + 1
MAX_TONES = 16  # MP_SCAN_TONES
FRAME_MS = 20
MAX_WINDOW_MS = 80
DEFAULT_THRESHOLD = 256  # Asterisk's silence threshold
NEVER_LOUD = 32767  # a threshold that nothing passes


@dataclass(frozen=True, slots=True)
class Heard:
    """What has been heard of late.

    :param mask: :data:`LOUD` and a bit for each tone.
    :param since_ms: since when, in milliseconds of audio from the start of the scan.
    :param now_ms: until now.
    """

    mask: int
    since_ms: int
    now_ms: int

    @property
    def is_loud(self) -> bool:
        """Whether it is above the threshold."""
        return bool(self.mask & LOUD)

    @property
    def tones(self) -> int:
        """The tones in it: bit k is that of index k."""
        return self.mask >> 1


HeardHandler: TypeAlias = Callable[[Heard], None]


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What to listen for.

    :param tones: frequencies, Hz.
    :param threshold: mean absolute sample value above which it is loud, 1 to 32767.
    :param window_ms: in which tones are looked for; longer ones tell closer frequencies apart.
    :param share: part of the energy that makes a tone present.
    :param interval_ms: report as often although nothing changed; 0: never.
    :param repeats_idle: this too while there is neither a tone nor anything loud.
    :raises InvalidArgument: a value is out of range.
    """

    tones: Sequence[int] = ()
    threshold: int = DEFAULT_THRESHOLD
    window_ms: int = FRAME_MS
    share: float = 0.2
    interval_ms: int = 0
    repeats_idle: bool = True

    def __post_init__(self) -> None:
        if len(self.tones) > MAX_TONES or not all(1 <= hz <= 20_000 for hz in self.tones):
            raise InvalidArgument("tones", f"up to {MAX_TONES} of 1 to 20000 Hz expected")
        if not 1 <= self.threshold <= 32767:
            raise InvalidArgument("threshold", "must be 1 to 32767")
        if not FRAME_MS <= self.window_ms <= MAX_WINDOW_MS:
            raise InvalidArgument("window_ms", f"must be {FRAME_MS} to {MAX_WINDOW_MS}")
        if not 0.001 <= self.share <= 1:
            raise InvalidArgument("share", "must be 0.001 to 1")


class Scan:
    """A stream is being listened to. Made by :meth:`server.media.streams.Stream.scan`."""

    def __init__(
        self,
        engine: MediaEngine,
        handle: int,
        tag: int,
        on_heard: HeardHandler,
        forget: Callable[[], object],
    ) -> None:
        self._engine = engine
        self._handle = handle
        self._tag = tag
        self._on_heard: HeardHandler | None = on_heard
        self._forget = forget

    def begin(self, settings: ScanSettings) -> None:
        """Start it."""
        self._engine.submit(
            _media.STREAM_SCAN,
            self._handle,
            self._tag,
            settings.threshold,
            settings.window_ms // FRAME_MS,
            round(settings.share * 1000),
            max(settings.interval_ms, 0),
            int(not settings.repeats_idle),
            b"".join(hz.to_bytes(2, sys.byteorder) for hz in settings.tones),
        )

    def stop(self) -> None:
        """End it; nothing is reported afterwards. May be called again."""
        if self._on_heard is not None:
            self._on_heard = None
            self._forget()
            self._engine.submit(_media.STREAM_SCAN, self._handle, self._tag, 0, 0, 0, 0, 0, b"")

    def report(self, heard: Heard) -> None:
        """The engine heard something."""
        if self._on_heard is not None:
            self._on_heard(heard)
