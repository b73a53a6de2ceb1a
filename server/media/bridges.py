"""A bridge lets streams hear each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.base.errors import Conflict, InvalidArgument, InvalidState
from server.media import _media
from server.media.players import ItemHandler, Player, Source
from server.media.recorders import Recorder

if TYPE_CHECKING:
    from server.media.engine import MediaEngine
    from server.media.streams import Stream

ROLES = {"participant": 0, "announcer": 1, "listener": 2}  # enum mp_role


class MediaBridge:
    """Streams that hear each other. Made by :class:`~server.media.engine.MediaEngine`.

    Two participants exchange packets without a mixer; otherwise each hears the mix of the others.
    The engine switches between both by itself.

    :ivar handle: the engine's number of this bridge.
    :ivar members: the streams in it, in the order they came.
    :ivar worker: which of the engine's workers has it.
    """

    def __init__(self, engine: MediaEngine, handle: int) -> None:
        self.handle = handle
        self.members: list[Stream] = []
        self.worker = 0
        self._engine = engine
        self._is_closed = False
        self._player: Player | None = None

    def __repr__(self) -> str:
        return f"<MediaBridge {self.handle:#x} {len(self.members)} members>"

    def add(self, stream: Stream, *, mute: bool = False, role: str = "participant") -> None:
        """Let a stream join, or change its role.

        :param mute: the others don't hear it.
        :param role: ``participant``; ``announcer`` (heard in a holding bridge too, hears nothing
            there); ``listener`` (only hears).
        :raises Conflict: the stream is in another bridge.
        :raises InvalidState: the bridge or the stream is closed.
        """
        if role not in ROLES:
            raise InvalidArgument("role", "participant, announcer or listener expected")
        self._check_open()
        if stream.is_closed:
            raise InvalidState("the media stream is closed")
        if stream.bridge not in (None, self):
            raise Conflict("the stream is in another bridge")
        if stream.bridge is None:
            self._engine.colocate(self, stream)
            self.members.append(stream)
            stream.bridge = self
        self._engine.submit(_media.BRIDGE_ADD, self.handle, stream.handle, int(mute), ROLES[role])

    def remove(self, stream: Stream) -> None:
        """Let a stream leave; nothing happens if it is not a member."""
        if stream.bridge is self:
            self.forget(stream)
            self._engine.submit(_media.BRIDGE_REMOVE, self.handle, stream.handle)

    def forget(self, stream: Stream) -> None:
        """Strike a stream off the list; a closing stream leaves by itself."""
        self.members.remove(stream)
        stream.bridge = None

    def set_holding(self, holding: bool) -> None:
        """Make it a holding bridge: members hear announcers, players and music, not each other."""
        self._submit(_media.BRIDGE_HOLDING, int(holding))

    def play(
        self,
        sources: Sequence[Source],
        *,
        offset_ms: int = 0,
        on_item: ItemHandler | None = None,
    ) -> Player:
        """Play to every member, mixed with what they hear.

        :raises Conflict: a player runs and has not been told to stop.
        """
        self._check_open()
        if self._player is not None and self._player.is_running:
            raise Conflict("the bridge plays something already")
        self._player = self._engine.create_player(sources, offset_ms, on_item)
        self._submit(_media.BRIDGE_PLAY, self._player.handle)
        return self._player

    def record(
        self,
        path: str,
        file_format: str,
        *,
        append: bool = False,
        overwrite: bool = False,
        max_duration_ms: int = 0,
        max_silence_ms: int = 0,
        beep: bool = False,
    ) -> Recorder:
        """Record the mix of all members. Arguments as of ``Stream.record``."""
        self._check_open()
        recorder = self._engine.create_recorder(
            path, file_format, append, overwrite, max_duration_ms, max_silence_ms, beep
        )
        self._submit(_media.BRIDGE_RECORD, recorder.handle)
        return recorder

    def set_music(self, name: str | None) -> None:
        """Play a music class to every member, or stop it with ``None``."""
        self._submit(_media.BRIDGE_MUSIC, name or "")

    def set_dtmf_passthrough(self, stream: Stream, enabled: bool) -> None:
        """Choose whether digits of a member are passed on to the others."""
        if stream.bridge is self:
            self._submit(_media.BRIDGE_DTMF, stream.handle, int(enabled))

    def close(self) -> None:
        """Let all members leave and end the bridge's players and recorders. May be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        for stream in list(self.members):
            self.forget(stream)
        self._engine.close_object(self.handle, _media.BRIDGE_CLOSE)

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidState("the media bridge is closed")

    def _submit(self, op: int, *args: int | str) -> None:
        if not self._is_closed:
            self._engine.submit(op, self.handle, *args)
