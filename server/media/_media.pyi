"""The C extension: thin access to server/media/core. Handles are integers."""

from collections.abc import Sequence
from typing import Any

class Engine:
    """The native engine; :class:`server.media.engine.MediaEngine` is its only user."""

    def __init__(
        self,
        rtp_start: int,
        rtp_end: int,
        workers: int,
        strict_rtp: int,
        probation: int,
        dtmf_timeout_ms: int,
        rtcp_interval_ms: int,
        rtp_checksums: int,
        realtime: int,
        /,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self, timeout_ms: int, /) -> None: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def open_rtp(self, host: str, tos: int, /) -> tuple[int, int]: ...
    def open_pair(self) -> tuple[int, int]: ...
    def open_null(self) -> int: ...
    def open_snoop(self, target: int, /) -> int: ...
    def open_socket(self, codec: str, /) -> int: ...
    def create_bridge(self) -> int: ...
    def create_player(self, items: Sequence[tuple[int, bytes, int]], offset_ms: int, /) -> int: ...
    def create_recorder(
        self,
        path: bytes,
        file_format: str,
        mode: int,
        max_duration_ms: int,
        max_silence_ms: int,
        beep: int,
        /,
    ) -> int: ...
    def release(self, handle: int, /) -> None: ...
    def worker_of(self, handle: int, /) -> int: ...
    def submit(self, commands: list[tuple[Any, ...]], /) -> tuple[int, list[tuple[int, int]]]: ...
    def drain(self, limit: int, /) -> list[tuple[int, ...]]: ...
    def counters(self) -> dict[str, int]: ...
    def stream_stats(
        self, handle: int, /
    ) -> (
        tuple[
            tuple[int, int, int, int, int, int, int, int],
            tuple[tuple[float, ...], ...],
            tuple[float, float],
        ]
        | None
    ): ...

def is_tone(text: str, /) -> bool: ...
def is_address(text: str, /) -> bool: ...
def format_rate(name: str, /) -> int: ...

STREAM_OPEN: int
STREAM_CLOSE: int
STREAM_CONFIGURE: int
STREAM_MUTE: int
STREAM_DROP: int
STREAM_EFFECT: int
STREAM_JITTER: int
STREAM_TALK_DETECT: int
STREAM_DTMF_DETECT: int
STREAM_SCAN: int
STREAM_TRACE: int
STREAM_SEND_DTMF: int
STREAM_RECEIVE_DTMF: int
STREAM_BACKGROUND: int
STREAM_SNOOP: int
STREAM_SNOOP_TUNE: int
STREAM_CONNECT: int
STREAM_PLAY: int
STREAM_RECORD: int
PLAYER_PAUSE: int
PLAYER_RESTART: int
PLAYER_SEEK: int
PLAYER_STOP: int
RECORDER_PAUSE: int
RECORDER_MUTE: int
RECORDER_STOP: int
BRIDGE_OPEN: int
BRIDGE_CLOSE: int
BRIDGE_ADD: int
BRIDGE_REMOVE: int
BRIDGE_HOLDING: int
BRIDGE_PLAY: int
BRIDGE_RECORD: int
BRIDGE_MUSIC: int
BRIDGE_DTMF: int
MUSIC_DEFINE: int
MOVE: int
EVENT_CLOSED: int
EVENT_COMPLETED: int
EVENT_DTMF_BEGIN: int
EVENT_DTMF_END: int
EVENT_TALK_STARTED: int
EVENT_TALK_FINISHED: int
EVENT_SCAN: int
EVENT_RTP_TIMEOUT: int
EVENT_RTP_PACKET: int
EVENT_SOCKET: int
EVENT_PLAYER_ITEM: int
EVENT_PLAYER_DONE: int
EVENT_RECORDER_OPENED: int
EVENT_RECORDER_DONE: int
