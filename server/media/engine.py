"""The engine: starts the C workers, carries commands to them and events from them.

Commands of one loop iteration go to the workers in one call. Events come through a ring and an
eventfd that the loop watches; they settle futures or reach listeners, in order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from server.base.errors import InvalidArgument, InvalidState, MediaError, Unavailable
from server.media import _media
from server.media.bridges import MediaBridge
from server.media.groups import group_of
from server.media.players import (
    END_REASONS,
    FileSource,
    ItemHandler,
    Player,
    SilenceSource,
    Source,
    ToneSource,
)
from server.media.recorders import Recorder, RecordResult
from server.media.scans import Heard
from server.media.sockets import SocketNews, SocketStream
from server.media.streams import TAPS, RtpStream, StatsSeries, Stream, StreamStats
from server.media.trace import RtpPacket, Tracer

_Thing = TypeVar("_Thing", bound=Stream | MediaBridge)

logger = logging.getLogger(__name__)

STRICT_RTP = {"no": 0, "yes": 1, "seqno": 2}  # enum mp_strict
MAX_PENDING = 65536  # commands that wait for room in the rings
RETRY_S = 0.002  # how soon a full ring is tried again
DRAIN_LIMIT = 512  # events per turn of the loop, so that signalling gets its share
MAX_SOURCES = 1024  # of one player
STOP_TIMEOUT_MS = 5000  # for recordings to reach the disk when the engine closes


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What rtp.conf and the machine decide.

    :param rtp_start: first port of the range; RTP takes even, RTCP odd ports.
    :param rtp_end: last port of the range.
    :param workers: media threads; 0: one less than there are cores, at least one.
    :param strict_rtp: ``yes``, ``no`` or ``seqno``: which sources of RTP are believed.
    :param probation: packets in sequence that make a source believed.
    :param dtmf_timeout_ms: ends a digit whose end packets were all lost.
    :param rtcp_interval_ms: between RTCP reports.
    :param rtp_checksums: UDP checksums on sent RTP.
    :param realtime: ask for a higher priority of the media threads, where it is allowed.
    """

    rtp_start: int = 10000
    rtp_end: int = 20000
    workers: int = 0
    strict_rtp: str = "yes"
    probation: int = 4
    dtmf_timeout_ms: int = 150
    rtcp_interval_ms: int = 5000
    rtp_checksums: bool = True
    realtime: bool = True


class MediaEngine:
    """Owner of all streams, bridges, players and recorders.

    :raises InvalidArgument: a setting is out of range.
    """

    rtp_stream_type = RtpStream
    stream_type = Stream
    socket_stream_type = SocketStream
    bridge_type = MediaBridge
    player_type = Player
    recorder_type = Recorder

    def __init__(self, settings: EngineSettings) -> None:
        _check_settings(settings)
        self.settings = settings
        self._native = self._create_native()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closing = False

        # what goes out
        self._batch: list[tuple[Any, ...]] = []
        self._is_flush_scheduled = False
        self._cookie = 0
        self._requests: dict[int, asyncio.Future[None]] = {}

        # who follows packets
        self.tracer: Tracer | None = None

        # what events are about
        self._objects: dict[int, Any] = {}
        self._handlers: dict[int, Callable[..., None]] = {
            _media.EVENT_CLOSED: self._on_closed,
            _media.EVENT_COMPLETED: self._on_completed,
            _media.EVENT_DTMF_BEGIN: self._on_dtmf_begin,
            _media.EVENT_DTMF_END: self._on_dtmf_end,
            _media.EVENT_TALK_STARTED: self._on_talk_started,
            _media.EVENT_TALK_FINISHED: self._on_talk_finished,
            _media.EVENT_SCAN: self._on_scan,
            _media.EVENT_RTP_TIMEOUT: self._on_rtp_timeout,
            _media.EVENT_RTP_PACKET: self._on_rtp_packet,
            _media.EVENT_SOCKET: self._on_socket,
            _media.EVENT_PLAYER_ITEM: self._on_player_item,
            _media.EVENT_PLAYER_DONE: self._on_player_done,
            _media.EVENT_RECORDER_OPENED: self._on_recorder_opened,
            _media.EVENT_RECORDER_DONE: self._on_recorder_done,
        }

    async def start(self) -> None:
        """Start the workers.

        :raises MediaError: the machine refuses threads or descriptors.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._native.start()
        except OSError as error:
            raise MediaError(f"the media engine can't start: {error.strerror}") from error
        self._loop.add_reader(self._native.fileno(), self._drain)

    async def close(self) -> None:
        """End everything, complete recordings and join the threads. May be called again."""
        if self._loop is None or self._is_closing:
            return
        self._flush()
        self._is_closing = True
        self._loop.remove_reader(self._native.fileno())
        await self._loop.run_in_executor(None, self._native.stop, STOP_TIMEOUT_MS)
        while self._dispatch():
            pass
        self._settle_all()
        self._native.close()

    def open_rtp(self, host: str, *, tos: int = 0) -> RtpStream:
        """Open an RTP stream: a port pair is bound when this returns.

        :param host: IPv4 or IPv6 literal of ours.
        :param tos: IP type of service byte of what is sent.
        :raises Unavailable: no port is free, or a limit of the machine is reached.
        :raises InvalidArgument: *host* is not an address literal.
        """
        self._check_running()
        try:
            handle, port = self._native.open_rtp(host, tos)
        except ValueError as error:
            raise InvalidArgument("host", f"not an IP address: {host!r}") from error
        except OSError as error:
            raise Unavailable(f"no RTP port on {host}: {error.strerror}") from error
        stream = self.rtp_stream_type(self, handle, host, port, port + 1)
        return self._open(stream, _media.STREAM_OPEN)

    def open_local_pair(self) -> tuple[Stream, Stream]:
        """Open two streams of which each emits what the other is given."""
        self._check_running()
        try:
            first_handle, second_handle = self._native.open_pair()
        except OSError as error:
            raise Unavailable(f"no media stream: {error.strerror}") from error
        first = self.stream_type(self, first_handle)
        second = self.stream_type(self, second_handle)
        first.pair, second.pair = second, first
        self._open(first, _media.STREAM_OPEN)
        self._open(second, _media.STREAM_OPEN)
        return first, second

    def open_null(self) -> Stream:
        """Open a stream that swallows what it is given and makes no audio."""
        self._check_running()
        try:
            handle = self._native.open_null()
        except OSError as error:
            raise Unavailable(f"no media stream: {error.strerror}") from error
        return self._open(self.stream_type(self, handle), _media.STREAM_OPEN)

    def open_snoop(self, target: Stream, *, spy: str = "none", whisper: str = "none") -> Stream:
        """Open a stream that says what *target* says or hears, and whispers to it what it hears.

        The spy does not hear what is whispered. It lives on when the target closes, and is silent.

        :param spy: ``in`` (what the target says), ``out`` (what it hears), ``both`` or ``none``.
        :param whisper: who hears the whisper: ``out`` the target, ``in`` those who hear it.
        :raises InvalidState: the target is closed.
        :raises InvalidArgument: an unknown direction.
        """
        self._check_running()
        for name, value in (("spy", spy), ("whisper", whisper)):
            if value not in TAPS:
                raise InvalidArgument(name, f"{value!r} is none of {', '.join(TAPS)}")
        if target.is_closed:
            raise InvalidState("the media stream is closed")
        try:
            handle = self._native.open_snoop(target.handle)
        except OSError as error:
            raise Unavailable(f"no media stream: {error.strerror}") from error
        snoop = self._open(self.stream_type(self, handle), _media.STREAM_OPEN)
        snoop.target = target
        target.snoops.append(snoop)
        self.submit(_media.STREAM_SNOOP, handle, target.handle, TAPS[spy], TAPS[whisper])
        return snoop

    def open_socket(self, codec: str) -> SocketStream:
        """Open a stream for a TCP connection that is handed over later.

        :raises InvalidArgument: an unknown codec.
        """
        self._check_running()
        try:
            handle = self._native.open_socket(codec)
        except ValueError as error:
            raise InvalidArgument("format", f"unknown codec {codec!r}") from error
        except OSError as error:
            raise Unavailable(f"no media stream: {error.strerror}") from error
        return self._open(self.socket_stream_type(self, handle, codec), _media.STREAM_OPEN)

    def create_bridge(self) -> MediaBridge:
        """Create an empty bridge."""
        self._check_running()
        try:
            handle = self._native.create_bridge()
        except OSError as error:
            raise Unavailable(f"no media bridge: {error.strerror}") from error
        return self._open(self.bridge_type(self, handle), _media.BRIDGE_OPEN)

    def define_music(self, name: str, files: Sequence[str], *, random: bool = False) -> None:
        """Define a music-on-hold class, or redefine it; who hears it hears the new files.

        :param files: absolute file names; an empty sequence makes the class silent.
        :param random: play them in random order.
        """
        paths = b"".join(os.fsencode(path) + b"\0" for path in files)
        self.submit(_media.MUSIC_DEFINE, 0, name, paths, int(random))

    def set_tracer(self, tracer: Tracer | None) -> None:
        """Report RTP packets of present and future streams, or stop doing so.

        Packets are reported as far as the loop keeps up; the counter ``hints_dropped`` tells how
        many were not. Audio never waits for it.
        """
        self.tracer = tracer
        for thing in list(self._objects.values()):
            if isinstance(thing, RtpStream):
                thing.apply_trace()

    def counters(self) -> dict[str, int]:
        """Return counters of drops, late ticks, overruns and bad packets, and what is alive."""
        counters: dict[str, int] = self._native.counters()
        counters["requests_live"] = len(self._requests)
        return counters

    # -- for streams, bridges, players and recorders -----------------------------------------------

    def submit(self, op: int, handle: int, *args: int | str | bytes, cookie: int = 0) -> None:
        """Send a command with the batch of this turn of the loop.

        :raises Unavailable: too many commands wait for the workers.
        :raises InvalidArgument: a text holds a NUL, which ends a text in C.
        """
        if self._is_closing:
            return
        if any(isinstance(argument, str) and "\0" in argument for argument in args):
            raise InvalidArgument("media", "NUL can't be part of a name")
        if len(self._batch) >= MAX_PENDING:
            raise Unavailable("the media engine does not keep up")
        self._batch.append((op, cookie, handle, *args))
        if not self._is_flush_scheduled and self._loop is not None:
            self._is_flush_scheduled = True
            self._loop.call_soon(self._flush)

    def request(self, op: int, handle: int, *args: int | str | bytes) -> asyncio.Future[None]:
        """Send a command whose completion settles the returned future."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cookie += 1
        self.submit(op, handle, *args, cookie=self._cookie)
        self._requests[self._cookie] = future
        return future

    def close_object(self, handle: int, op: int) -> None:
        """Close a stream or bridge; its commands that wait already are carried out first."""
        self.submit(op, handle)

    def create_player(
        self, sources: Sequence[Source], offset_ms: int, on_item: ItemHandler | None
    ) -> Player:
        """Make a player that is not yet attached.

        :raises InvalidArgument: a source is malformed.
        """
        self._check_running()
        if not 1 <= len(sources) <= MAX_SOURCES:
            raise InvalidArgument("media", f"1 to {MAX_SOURCES} sources expected")
        items = [_native_source(source) for source in sources]
        try:
            handle = self._native.create_player(items, max(offset_ms, 0))
        except OSError as error:
            raise Unavailable(f"no player: {error.strerror}") from error
        player = self.player_type(self, handle, on_item)
        self._objects[handle] = player
        return player

    def create_recorder(
        self,
        path: str,
        file_format: str,
        append: bool,
        overwrite: bool,
        max_duration_ms: int,
        max_silence_ms: int,
        beep: bool,
    ) -> Recorder:
        """Make a recorder that is not yet attached.

        :raises InvalidArgument: the format is unknown or the path can't be a file name.
        """
        self._check_running()
        if _media.format_rate(file_format) == 0:
            raise InvalidArgument("format", f"unknown recording format {file_format!r}")
        mode = 2 if append else 4 if overwrite else 1  # enum mp_file_flags
        try:
            handle = self._native.create_recorder(
                os.fsencode(path), file_format, mode, max_duration_ms, max_silence_ms, int(beep)
            )
        except ValueError as error:
            raise InvalidArgument("path", "not a file name") from error
        except OSError as error:
            raise Unavailable(f"no recorder: {error.strerror}") from error
        recorder = self.recorder_type(self, handle)
        self._objects[handle] = recorder
        return recorder

    def stream_stats(self, handle: int) -> StreamStats:
        """Return the statistics of a stream, all zero if it is gone."""
        values = self._native.stream_stats(handle)
        if values is None:
            return StreamStats()
        counts, series, mos = values
        jitter, remote_jitter, loss, remote_loss, rtt = (StatsSeries(*item) for item in series)
        return StreamStats(*counts, jitter, remote_jitter, loss, remote_loss, rtt, *mos)

    def colocate(self, bridge: MediaBridge, stream: Stream) -> None:
        """Bring a bridge and a stream that is about to join to the same worker.

        What hears each other must share a worker: a local pair ties two bridges together, so the
        whole group moves. The smaller one does.
        """
        if bridge.worker == stream.worker:
            return
        here, there = group_of(bridge), group_of(stream)
        movers, worker = (
            (here, stream.worker) if len(here) <= len(there) else (there, bridge.worker)
        )
        for mover in movers:
            mover.worker = worker
        handles = struct.pack(f"{len(movers)}Q", *(mover.handle for mover in movers))
        self.submit(_media.MOVE, movers[0].handle, worker, handles)

    # -- inside ----------------------------------------------------------------------------------

    def _create_native(self) -> _media.Engine:
        settings = self.settings
        workers = settings.workers or max((os.cpu_count() or 2) - 1, 1)
        return _media.Engine(
            settings.rtp_start,
            settings.rtp_end,
            workers,
            STRICT_RTP[settings.strict_rtp],
            settings.probation,
            settings.dtmf_timeout_ms,
            settings.rtcp_interval_ms,
            int(settings.rtp_checksums),
            int(settings.realtime),
        )

    def _open(self, thing: _Thing, op: int) -> _Thing:
        thing.worker = self._native.worker_of(thing.handle)
        self._objects[thing.handle] = thing
        self.submit(op, thing.handle)
        return thing

    def _check_running(self) -> None:
        if self._loop is None:
            raise InvalidState("the media engine is not started")
        if self._is_closing:
            raise Unavailable("the media engine is closing")

    def _flush(self) -> None:
        self._is_flush_scheduled = False
        batch = self._batch
        if not batch or self._is_closing:
            return
        accepted, failures = self._native.submit(batch)
        for index, error in failures:
            self._on_refused(batch[index], error)
        del batch[:accepted]
        if batch and self._loop is not None:
            self._is_flush_scheduled = True
            self._loop.call_later(RETRY_S, self._flush)

    def _on_refused(self, command: tuple[Any, ...], error: int) -> None:
        """Settle what waits for a command that named an object which is gone."""
        op, cookie, _handle, *args = command
        if cookie:
            self._on_completed(0, cookie, error)
        elif op in (_media.STREAM_PLAY, _media.BRIDGE_PLAY):
            self._native.release(args[0])
            self._on_player_done(args[0], 1, 0, 0)
        elif op in (_media.STREAM_RECORD, _media.BRIDGE_RECORD):
            self._native.release(args[0])
            self._on_recorder_done(args[0], 5, 0, 0, 0, 0)

    def _drain(self) -> None:
        if self._dispatch() and self._loop is not None:
            self._loop.call_soon(self._drain)

    def _dispatch(self) -> bool:
        """Handle a fair share of events; tell whether there may be more."""
        events = self._native.drain(DRAIN_LIMIT)
        for kind, handle, *values in events:
            try:
                self._handlers[kind](handle, *values)
            except Exception:
                logger.exception("a media event's handler failed")
        return len(events) == DRAIN_LIMIT

    def _on_closed(self, handle: int) -> None:
        self._objects.pop(handle, None)

    def _on_completed(self, _handle: int, cookie: int, error: int) -> None:
        future = self._requests.pop(cookie, None)
        if future is None or future.done():
            return
        if error:
            future.set_exception(MediaError(os.strerror(error)))
            future.exception()  # nobody has to await it
        else:
            future.set_result(None)

    def _on_dtmf_begin(self, handle: int, digit: int) -> None:
        if (stream := self._objects.get(handle)) is not None and stream.listener is not None:
            stream.listener.on_dtmf_begin(chr(digit))

    def _on_dtmf_end(self, handle: int, digit: int, duration_ms: int) -> None:
        if (stream := self._objects.get(handle)) is not None and stream.listener is not None:
            stream.listener.on_dtmf(chr(digit), duration_ms)

    def _on_talk_started(self, handle: int) -> None:
        if (stream := self._objects.get(handle)) is not None and stream.listener is not None:
            stream.listener.on_talking_started()

    def _on_talk_finished(self, handle: int, duration_ms: int) -> None:
        if (stream := self._objects.get(handle)) is not None and stream.listener is not None:
            stream.listener.on_talking_finished(duration_ms)

    def _on_scan(self, handle: int, tag: int, mask: int, since_ms: int, now_ms: int) -> None:
        if (stream := self._objects.get(handle)) is not None:
            stream.handle_heard(tag, Heard(mask, since_ms, now_ms))

    def _on_rtp_timeout(self, handle: int) -> None:
        if (stream := self._objects.get(handle)) is not None and stream.listener is not None:
            stream.listener.on_rtp_timeout()

    def _on_socket(self, handle: int, news: int, error: int) -> None:
        if (stream := self._objects.get(handle)) is not None:
            stream.handle_news(SocketNews(news), error)

    def _on_rtp_packet(
        self, handle: int, sent: int, payload_type: int, sequence: int, timestamp: int, length: int
    ) -> None:
        if (stream := self._objects.get(handle)) is not None:
            packet = RtpPacket(bool(sent), payload_type, sequence, timestamp, length)
            stream.handle_packet(packet)

    def _on_player_item(self, handle: int, index: int) -> None:
        if (player := self._objects.get(handle)) is not None:
            player.on_item(index)

    def _on_player_done(self, handle: int, reason: int, position_ms: int, error: int) -> None:
        if (player := self._objects.pop(handle, None)) is not None:
            player.settle(END_REASONS[reason], position_ms, os.strerror(error) if error else "")

    def _on_recorder_opened(self, handle: int, error: int) -> None:
        if (recorder := self._objects.get(handle)) is not None:
            recorder.on_opened(os.strerror(error) if error else "")

    def _on_recorder_done(
        self,
        handle: int,
        reason: int,
        duration_ms: int,
        talking_ms: int,
        silence_ms: int,
        error: int,
    ) -> None:
        if (recorder := self._objects.pop(handle, None)) is not None:
            text = os.strerror(error) if error else ""
            recorder.settle(
                RecordResult(END_REASONS[reason], duration_ms, talking_ms, silence_ms, text)
            )

    def _settle_all(self) -> None:
        """Settle what the workers can't any more."""
        for future in self._requests.values():
            if not future.done():
                future.set_exception(MediaError("the media engine is closed"))
                future.exception()
        self._requests.clear()
        for thing in list(self._objects.values()):
            if isinstance(thing, Player):
                thing.settle("stopped")
            elif isinstance(thing, Recorder):
                thing.settle(RecordResult("stream_closed", 0, 0, 0))
        self._objects.clear()


def _check_settings(settings: EngineSettings) -> None:
    if not 1024 <= settings.rtp_start < settings.rtp_end <= 65535:
        raise InvalidArgument("rtp_start", "a range inside 1024 to 65535 expected")
    if settings.strict_rtp not in STRICT_RTP:
        raise InvalidArgument("strict_rtp", "yes, no or seqno expected")
    if not 0 <= settings.workers <= 64:
        raise InvalidArgument("workers", "0 to 64 expected")
    if not 1 <= settings.probation <= 100:
        raise InvalidArgument("probation", "1 to 100 expected")


def _native_source(source: Source) -> tuple[int, bytes, int]:
    """Turn a source into the engine's (enum mp_item_kind, text, ms)."""
    match source:
        case FileSource(path):
            name = os.fsencode(path)
            if not name or b"\0" in name:
                raise InvalidArgument("media", "not a file name")
            return 0, name, 0
        case ToneSource(tonelist, duration_ms):
            if not _media.is_tone(tonelist):
                raise InvalidArgument("media", f"not a tone list: {tonelist!r}")
            return 1, tonelist.encode(), max(duration_ms, 0)
        case SilenceSource(ms):
            return 2, b"", max(ms, 0)
