"""What can be played, and the player that does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from server.media import _media

if TYPE_CHECKING:
    from server.media.engine import MediaEngine

END_REASONS = (  # enum mp_end
    "finished",
    "stopped",
    "failed",
    "max_duration",
    "silence",
    "stream_closed",
)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A sound file.

    :param path: absolute file name; the extension says the format.
    """

    path: str


@dataclass(frozen=True, slots=True)
class ToneSource:
    """A tone list in the syntax of indications.conf, such as ``480+620/500,0/500``.

    :param duration_ms: 0: one pass of a list whose items all begin with ``!``, else endless.
    """

    tonelist: str
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class SilenceSource:
    """Silence of so many milliseconds."""

    ms: int


Source: TypeAlias = FileSource | ToneSource | SilenceSource
ItemHandler: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class PlayResult:
    """How a player ended.

    :param reason: ``finished``, ``stopped`` or ``failed``.
    :param position_ms: where it stood in its last source.
    :param error: what failed, else empty.
    """

    reason: str
    position_ms: int
    error: str = ""


class Player:
    """Plays sources one after the other. Made by ``play`` of a stream or bridge.

    :ivar handle: the engine's number of this player.
    :ivar done: settled with a :class:`PlayResult` at the end; never raises.
    """

    def __init__(self, engine: MediaEngine, handle: int, on_item: ItemHandler | None) -> None:
        self.handle = handle
        self.done: asyncio.Future[PlayResult] = asyncio.get_running_loop().create_future()
        self._engine = engine
        self._on_item = on_item
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        """Whether it plays and has not been told to stop."""
        return not self._is_stopping and not self.done.done()

    def pause(self) -> None:
        """Hold at the present position; silence is sent instead."""
        self._submit(_media.PLAYER_PAUSE, 1)

    def unpause(self) -> None:
        """Go on after :meth:`pause`."""
        self._submit(_media.PLAYER_PAUSE, 0)

    def restart(self) -> None:
        """Begin the current source anew."""
        self._submit(_media.PLAYER_RESTART)

    def seek(self, delta_ms: int) -> None:
        """Move inside the current source: forward if positive, back if negative."""
        self._submit(_media.PLAYER_SEEK, delta_ms)

    def stop(self) -> None:
        """End it. May be called again."""
        if self.is_running:
            self._is_stopping = True
            self._engine.submit(_media.PLAYER_STOP, self.handle)

    def on_item(self, index: int) -> None:
        """The engine reports that the source of this index begins."""
        if self._on_item is not None and not self.done.done():
            self._on_item(index)

    def settle(self, reason: str, position_ms: int = 0, error: str = "") -> None:
        """The engine reports the end."""
        if not self.done.done():
            self.done.set_result(PlayResult(reason, position_ms, error))

    def _submit(self, op: int, *args: int) -> None:
        if self.is_running:
            self._engine.submit(op, self.handle, *args)
