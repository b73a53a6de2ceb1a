"""The recorder of a stream or a bridge."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.base.errors import MediaError
from server.media import _media

if TYPE_CHECKING:
    from server.media.engine import MediaEngine


@dataclass(frozen=True, slots=True)
class RecordResult:
    """How a recorder ended.

    :param reason: ``stopped``, ``max_duration``, ``silence``, ``stream_closed`` or ``failed``.
    :param duration_ms: audio that was recorded.
    :param talking_ms: part of it that was talk.
    :param silence_ms: the rest.
    :param error: what failed, else empty.
    """

    reason: str
    duration_ms: int
    talking_ms: int
    silence_ms: int
    error: str = ""


class Recorder:
    """Writes audio to a file. Made by ``record`` of a stream or bridge.

    :ivar handle: the engine's number of this recorder.
    :ivar opened: settled when the file is open, or raises :class:`MediaError`.
    :ivar done: settled with a :class:`RecordResult` once the file is complete; never raises.
    """

    def __init__(self, engine: MediaEngine, handle: int) -> None:
        loop = asyncio.get_running_loop()
        self.handle = handle
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[RecordResult] = loop.create_future()
        self._engine = engine
        self._is_stopping = False

    def pause(self) -> None:
        """Leave out what comes from now on."""
        self._submit(_media.RECORDER_PAUSE, 1)

    def unpause(self) -> None:
        """Go on after :meth:`pause`."""
        self._submit(_media.RECORDER_PAUSE, 0)

    def mute(self) -> None:
        """Record silence from now on."""
        self._submit(_media.RECORDER_MUTE, 1)

    def unmute(self) -> None:
        """Go on after :meth:`mute`."""
        self._submit(_media.RECORDER_MUTE, 0)

    def stop(self) -> None:
        """End it and complete the file. May be called again."""
        if not self._is_stopping and not self.done.done():
            self._is_stopping = True
            self._engine.submit(_media.RECORDER_STOP, self.handle)

    def on_opened(self, error: str) -> None:
        """The engine reports that the file is open, or why it is not."""
        if self.opened.done():
            return
        if error:
            self.opened.set_exception(MediaError(error))
            self.opened.exception()  # whoever doesn't await it learns the error from `done`
        else:
            self.opened.set_result(None)

    def settle(self, result: RecordResult) -> None:
        """The engine reports the end."""
        self.on_opened(result.error or "the recording ended before its file was open")
        if not self.done.done():
            self.done.set_result(result)

    def _submit(self, op: int, *args: int) -> None:
        if not self._is_stopping and not self.done.done():
            self._engine.submit(op, self.handle, *args)
