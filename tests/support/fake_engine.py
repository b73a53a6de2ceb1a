"""The media engine without threads, sockets and time: what happens is what the test says.

The streams, bridges, players and recorders are the real classes of ``server.media``; only what
lies below them is replaced. Commands are recorded and can be read with :meth:`FakeEngine.calls`.
Players and recorders end when they are told to (:meth:`FakePlayer.finish`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.media import _media
from server.media.bridges import MediaBridge
from server.media.codecs import CODECS
from server.media.engine import EngineSettings, MediaEngine
from server.media.players import END_REASONS, Player
from server.media.recorders import Recorder, RecordResult
from server.media.streams import RtpStream, Stream

COMMANDS = {
    value: name
    for name, value in vars(_media).items()
    if isinstance(value, int) and name.isupper() and not name.startswith("EVENT_")
}


@dataclass
class FakeNative:
    """Stands in for ``_media.Engine``: numbers things and writes down what is asked."""

    rtp_start: int = 10000
    rtp_end: int = 20000
    commands: list[tuple[str, int, tuple[Any, ...]]] = field(default_factory=list)
    live: dict[int, str] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def start(self) -> None: ...

    def stop(self, timeout_ms: int) -> None: ...

    def close(self) -> None: ...

    def make(self, kind: str) -> int:
        handle = next(self.numbers)
        self.live[handle] = kind
        return handle

    def open_rtp(self, host: str, tos: int) -> tuple[int, int]:
        if not _media.is_address(host):
            raise ValueError(host)
        start = self.rtp_start + self.rtp_start % 2
        used = set(self.ports.values())
        port = next((p for p in range(start, self.rtp_end, 2) if p not in used), None)
        if port is None:
            raise OSError(98, "Address already in use")
        handle = self.make("streams_live")
        self.ports[handle] = port
        return handle, port

    def open_pair(self) -> tuple[int, int]:
        return self.make("streams_live"), self.make("streams_live")

    def open_null(self) -> int:
        return self.make("streams_live")

    def open_snoop(self, target: int) -> int:
        return self.make("streams_live")

    def open_socket(self, codec: str) -> int:
        if codec not in CODECS:
            raise ValueError(codec)
        return self.make("streams_live")

    def create_bridge(self) -> int:
        return self.make("bridges_live")

    def create_player(self, items: Sequence[tuple[int, bytes, int]], offset_ms: int) -> int:
        return self.make("players_live")

    def create_recorder(self, *args: Any) -> int:
        return self.make("recorders_live")

    def release(self, handle: int) -> None:
        self.live.pop(handle, None)
        self.ports.pop(handle, None)

    def worker_of(self, handle: int) -> int:
        return 0

    def counters(self) -> dict[str, int]:
        names = ("streams_live", "bridges_live", "players_live", "recorders_live")
        return {name: sum(kind == name for kind in self.live.values()) for name in names}

    def stream_stats(self, handle: int) -> None:
        return None


class FakePlayer(Player):
    """A player that ends when the test says so.

    :ivar sources: what it was given.
    :ivar offset_ms: where it began.
    """

    sources: Sequence[Any] = ()
    offset_ms: int = 0

    def finish(self, reason: str = "finished", position_ms: int = 0, error: str = "") -> None:
        """End it: ``finished``, ``stopped`` or ``failed``."""
        self._engine.end(self.handle)  # type: ignore[attr-defined]
        self.settle(reason, position_ms, error)

    def begin_item(self, index: int) -> None:
        """Say that the source of this index begins."""
        self.on_item(index)


class FakeRecorder(Recorder):
    """A recorder that opens and ends when the test says so; it opens at once unless told otherwise.

    :ivar path: the file it was to write; nothing is written.
    :ivar file_format: the format it was to have.
    """

    path: str = ""
    file_format: str = ""
    options: dict[str, Any] = {}

    def finish(
        self,
        reason: str = "stopped",
        duration_ms: int = 1000,
        talking_ms: int = 0,
        silence_ms: int = 0,
        error: str = "",
    ) -> None:
        """End it."""
        self._engine.end(self.handle)  # type: ignore[attr-defined]
        self.settle(RecordResult(reason, duration_ms, talking_ms, silence_ms, error))


class FakeEngine(MediaEngine):
    """A :class:`MediaEngine` over :class:`FakeNative`.

    :ivar players: every player made, in order.
    :ivar recorders: every recorder made, in order.
    :ivar streams: every stream made, in order.
    :ivar bridges: every bridge made, in order.
    :ivar music: classes defined by :meth:`define_music`, name → files.
    :param auto_dtmf: futures of ``send_dtmf`` are done at once.
    :param auto_open: recorders open at once; else call ``recorder.on_opened("")``.
    """

    player_type = FakePlayer
    recorder_type = FakeRecorder

    def __init__(
        self,
        settings: EngineSettings | None = None,
        *,
        auto_dtmf: bool = True,
        auto_open: bool = True,
    ) -> None:
        super().__init__(settings or EngineSettings())
        self.auto_dtmf = auto_dtmf
        self.auto_open = auto_open
        self.players: list[FakePlayer] = []
        self.recorders: list[FakeRecorder] = []
        self.streams: list[Stream] = []
        self.bridges: list[MediaBridge] = []
        self.music: dict[str, tuple[str, ...]] = {}
        self._attached: dict[int, set[int]] = {}  # stream or bridge → its players, recorders

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._settle_all()
            self._native.live.clear()

    def open_rtp(self, host: str = "127.0.0.1", *, tos: int = 0) -> RtpStream:
        return super().open_rtp(host, tos=tos)

    def define_music(self, name: str, files: Sequence[str], *, random: bool = False) -> None:
        self.music[name] = tuple(files)
        super().define_music(name, files, random=random)

    def calls(self, thing: Any = None) -> list[tuple[Any, ...]]:
        """Commands so far as ``(name, *arguments)``, of one object or of all.

        Names are those of cmd.def, such as ``STREAM_MUTE``.
        """
        return [
            (name, *args)
            for name, handle, args in self._native.commands
            if thing is None or handle == thing.handle
        ]

    def submit(self, op: int, handle: int, *args: int | str | bytes, cookie: int = 0) -> None:
        if self._is_closing:
            return
        name = COMMANDS[op]
        self._native.commands.append((name, handle, args))
        match name:
            case "STREAM_CLOSE" | "BRIDGE_CLOSE":
                self._end_all(handle)
                self.end(handle)
            case "STREAM_PLAY" | "BRIDGE_PLAY" | "STREAM_RECORD" | "BRIDGE_RECORD":
                self._attached.setdefault(handle, set()).add(int(args[0]))
            case "PLAYER_STOP":
                self._later(handle, "stopped")
            case "RECORDER_STOP":
                self._later(handle, "stopped")
            case "STREAM_CONNECT":
                asyncio.get_running_loop().call_soon(self._on_completed, 0, cookie, 0)
            case "STREAM_SEND_DTMF" if self.auto_dtmf:
                loop = asyncio.get_running_loop()
                loop.call_soon(self._on_completed, 0, cookie, 0)

    def create_player(self, sources: Any, offset_ms: int, on_item: Any) -> Player:
        player = super().create_player(sources, offset_ms, on_item)
        assert isinstance(player, FakePlayer)
        player.sources = tuple(sources)
        player.offset_ms = offset_ms
        self.players.append(player)
        return player

    def create_recorder(self, path: str, file_format: str, *args: Any) -> Recorder:
        recorder = super().create_recorder(path, file_format, *args)
        assert isinstance(recorder, FakeRecorder)
        names = ("append", "overwrite", "max_duration_ms", "max_silence_ms", "beep")
        recorder.path, recorder.file_format = path, file_format
        recorder.options = dict(zip(names, args, strict=True))
        self.recorders.append(recorder)
        if self.auto_open:
            asyncio.get_running_loop().call_soon(recorder.on_opened, "")
        return recorder

    def end(self, handle: int) -> None:
        """Forget an object, as the engine does when it has ended."""
        self._native.release(handle)
        self._objects.pop(handle, None)

    def _create_native(self) -> Any:
        return FakeNative(self.settings.rtp_start, self.settings.rtp_end)

    def _open(self, thing: Any, op: int) -> Any:
        (self.bridges if isinstance(thing, MediaBridge) else self.streams).append(thing)
        return super()._open(thing, op)

    def _end_all(self, parent: int) -> None:
        for handle in sorted(self._attached.pop(parent, ())):
            is_player = isinstance(self._objects.get(handle), FakePlayer)
            self._later(handle, "stopped" if is_player else "stream_closed")

    def _later(self, handle: int, reason: str) -> None:
        assert reason in END_REASONS
        thing = self._objects.get(handle)
        if isinstance(thing, (FakePlayer, FakeRecorder)):
            asyncio.get_running_loop().call_soon(thing.finish, reason)
