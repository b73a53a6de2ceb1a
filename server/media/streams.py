"""Streams make and take audio; a player and recorders can sit on each.

Everything here returns at once: a call becomes a command to the engine's workers, and what comes of
it arrives at the stream's :class:`StreamListener` or settles a future.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from server.base.errors import Conflict, InvalidArgument, InvalidState, Unavailable
from server.media import _media
from server.media.codecs import CODECS
from server.media.effects import TAPS, Effects, gain_value
from server.media.players import FileSource, ItemHandler, Player, SilenceSource, Source, ToneSource
from server.media.recorders import Recorder
from server.media.scans import Heard, HeardHandler, Scan, ScanSettings
from server.media.trace import RtpPacket

if TYPE_CHECKING:
    from server.media.bridges import MediaBridge
    from server.media.engine import MediaEngine

__all__ = [
    "FileSource",
    "Player",
    "Recorder",
    "RtpStream",
    "SilenceSource",
    "Source",
    "Stream",
    "StreamListener",
    "StreamStats",
    "TAPS",
    "ToneSource",
]

DTMF_DIGITS = frozenset("0123456789*#ABCDabcd")  # RFC 4733 section 3.2
MAX_DTMF_DIGITS = 128  # of one send_dtmf
MAX_SCANS = 16  # of one stream, as in scans.c
BACKGROUNDS = {None: 0, "silence": 1, "music": 2, "tone": 3, "echo": 4}  # enum mp_background
DIRECTIONS = {"inactive": 0, "sendonly": 1, "recvonly": 2, "sendrecv": 3}  # 1 send, 2 receive


class StreamListener(Protocol):
    """Who hears what happens on a stream. Called on the event loop."""

    def on_dtmf_begin(self, digit: str) -> None:
        """A digit began."""

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        """A digit ended; called once for each digit."""

    def on_talking_started(self) -> None:
        """Talk was detected."""

    def on_talking_finished(self, duration_ms: int) -> None:
        """Talk was followed by the configured time of silence.

        :param duration_ms: length of the talk, without that silence.
        """

    def on_rtp_timeout(self) -> None:
        """No RTP came for the configured time."""


@dataclass(frozen=True, slots=True)
class StatsSeries:
    """A quantity measured again and again; all values in the unit of the quantity."""

    last: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0
    mean: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamStats:
    """A snapshot of a stream's RTP statistics.

    *local* is what this side measured of the received stream, *remote* what the far end reported of
    ours (RFC 3550 section 6.4.1). Jitter and round trip time are in seconds, loss in packets.
    """

    rx_packets: int = 0
    rx_octets: int = 0
    rx_lost: int = 0
    tx_packets: int = 0
    tx_octets: int = 0
    tx_lost: int = 0
    local_ssrc: int = 0
    remote_ssrc: int = 0
    local_jitter: StatsSeries = field(default_factory=StatsSeries)
    remote_jitter: StatsSeries = field(default_factory=StatsSeries)
    local_loss: StatsSeries = field(default_factory=StatsSeries)
    remote_loss: StatsSeries = field(default_factory=StatsSeries)
    rtt: StatsSeries = field(default_factory=StatsSeries)
    mos: float = 0.0
    remote_mos: float = 0.0


class Stream:
    """Something that makes and takes audio. Made by :class:`~server.media.engine.MediaEngine`.

    :ivar handle: the engine's number of this stream.
    :ivar listener: who hears what happens, or ``None``.
    :ivar codec: name of the codec that is sent.
    :ivar bridge: the bridge it is in.
    :ivar pair: the other end of a local pair.
    :ivar target: the stream that it spies on or whispers to.
    :ivar snoops: the streams whose target it is.
    :ivar background: what is sent when nothing else is, see :meth:`set_background`.
    :ivar worker: which of the engine's workers has it.
    """

    def __init__(self, engine: MediaEngine, handle: int, codec: str = "slin") -> None:
        self.handle = handle
        self.listener: StreamListener | None = None
        self.codec = codec
        self.bridge: MediaBridge | None = None
        self.pair: Stream | None = None
        self.target: Stream | None = None
        self.snoops: list[Stream] = []
        self.background: str | None = None
        self.worker = 0
        self._engine = engine
        self._is_closed = False
        self._player: Player | None = None
        self._scans: dict[int, Scan] = {}
        self._next_scan = 0
        self._effects: Effects | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.handle:#x}>"

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    @property
    def is_playing(self) -> bool:
        """Whether a player runs on it that has not been told to stop."""
        return self._player is not None and self._player.is_running

    @property
    def effects(self) -> Effects:
        """What changes its audio."""
        if self._effects is None:
            self._effects = Effects(self._submit)
        return self._effects

    def close(self) -> None:
        """End the stream, its players and recorders, and leave its bridge. May be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        if self.bridge is not None:
            self.bridge.forget(self)
        if self.pair is not None:
            self.pair.pair = None
            self.pair = None
        if self.target is not None:
            self.target.snoops.remove(self)
            self.target = None
        for snoop in self.snoops:
            snoop.target = None
        self.snoops.clear()
        self.listener = None
        self._scans.clear()
        self._engine.close_object(self.handle, _media.STREAM_CLOSE)

    def set_mute(self, *, inbound: bool | None = None, outbound: bool | None = None) -> None:
        """Silence a direction.

        :param inbound: audio from the phone into the server; ``None`` leaves it as it is.
        :param outbound: audio from the server to the phone; ``None`` leaves it as it is.
        """
        self._submit(_media.STREAM_MUTE, _tristate(inbound), _tristate(outbound))

    def set_talk_detect(
        self, enabled: bool, *, silence_ms: int = 2500, threshold: int = 256
    ) -> None:
        """Report talk to the listener, or stop to.

        :param silence_ms: silence that ends talk.
        :param threshold: mean absolute sample value above which a frame is talk, 1 to 32767.
        """
        if not 1 <= threshold <= 32767:
            raise InvalidArgument("threshold", "must be 1 to 32767")
        if not 1 <= silence_ms <= 3_600_000:
            raise InvalidArgument("silence_ms", "must be 1 to 3600000")
        self._submit(_media.STREAM_TALK_DETECT, int(enabled), silence_ms, threshold)

    def set_dtmf_detect(self, enabled: bool) -> None:
        """Detect digits in the audio (Q.23), beside those that come as RFC 4733 events."""
        self._submit(_media.STREAM_DTMF_DETECT, int(enabled))

    def scan(self, settings: ScanSettings, on_heard: HeardHandler) -> Scan:
        """Listen to what the stream says, until the scan is stopped or the stream closed.

        :raises Unavailable: too many do already.
        """
        self._check_open()
        if len(self._scans) >= MAX_SCANS:
            raise Unavailable("too many listen to this stream")
        self._next_scan += 1
        tag = self._next_scan
        scan = Scan(self._engine, self.handle, tag, on_heard, lambda: self._scans.pop(tag, None))
        self._scans[tag] = scan
        scan.begin(settings)
        return scan

    def handle_heard(self, tag: int, heard: Heard) -> None:
        """The engine reports what a scan heard."""
        if (scan := self._scans.get(tag)) is not None:
            scan.report(heard)

    def send_dtmf(
        self,
        digits: str,
        *,
        before_ms: int = 0,
        between_ms: int = 100,
        duration_ms: int = 100,
        after_ms: int = 0,
    ) -> asyncio.Future[None]:
        """Send digits: as RFC 4733 events if they were negotiated, else as tones.

        :returns: a future that is done when all were sent; it raises :class:`MediaError` if the
            stream ends first.
        :raises InvalidArgument: *digits* holds something else than ``0-9*#A-D``.
        """
        if not digits or len(digits) > MAX_DTMF_DIGITS or not DTMF_DIGITS.issuperset(digits):
            raise InvalidArgument("dtmf", f"1 to {MAX_DTMF_DIGITS} of 0-9 * # A-D expected")
        for name, value in (("before", before_ms), ("between", between_ms), ("after", after_ms)):
            if not 0 <= value <= 3_600_000:
                raise InvalidArgument(name, "must be 0 to 3600000 ms")
        if not 20 <= duration_ms <= 8000:  # RFC 4733: the duration field holds 8.19 s at 8 kHz
            raise InvalidArgument("duration", "must be 20 to 8000 ms")
        self._check_open()
        return self._engine.request(
            _media.STREAM_SEND_DTMF,
            self.handle,
            digits.upper(),
            before_ms,
            between_ms,
            duration_ms,
            after_ms,
        )

    def receive_dtmf(self, digit: str, duration_ms: int = 100) -> None:
        """Take a digit that came by signalling (SIP INFO): a bridge passes it on.

        The listener is not called: whoever took the signalling knows already.
        """
        if len(digit) != 1 or digit not in DTMF_DIGITS:
            raise InvalidArgument("digit", "one of 0-9 * # A-D expected")
        duration_ms = min(max(duration_ms, 20), 8000)
        self._submit(_media.STREAM_RECEIVE_DTMF, ord(digit.upper()), duration_ms)

    def set_background(self, kind: str | None, value: str = "") -> None:
        """Choose what is sent when no player plays and no bridge feeds the stream.

        ``music`` and ``tone`` override the bridge's audio to this stream, ``silence`` does not.

        :param kind: ``None`` (nothing is sent), ``silence``, ``music``, ``tone``, or ``echo``:
            what the stream says itself.
        :param value: the music class (an unknown one falls back to ``default``), or a tone list in
            the syntax of indications.conf.
        """
        if kind not in BACKGROUNDS:
            raise InvalidArgument("kind", "silence, music, tone or echo expected")
        if kind == "tone" and not _media.is_tone(value):
            raise InvalidArgument("tone", f"not a tone list: {value!r}")
        self.background = kind
        self._submit(_media.STREAM_BACKGROUND, BACKGROUNDS[kind], value)

    def play(
        self,
        sources: Sequence[Source],
        *,
        offset_ms: int = 0,
        on_item: ItemHandler | None = None,
    ) -> Player:
        """Play to the stream, without gaps between the sources, instead of what it hears.

        :param offset_ms: where to begin in the first source.
        :param on_item: called with the index of each source when it begins.
        :raises Conflict: a player runs and has not been told to stop.
        """
        self._check_open()
        if self.is_playing:
            raise Conflict("the stream plays something already")
        self._player = self._engine.create_player(sources, offset_ms, on_item)
        self._submit(_media.STREAM_PLAY, self._player.handle)
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
        """Record the audio that comes from the stream.

        :param path: absolute name of the file, extension included; its directory must exist.
        :param file_format: ``wav``, ``ulaw``, ``alaw``, ``sln``, ``sln16``, ``gsm`` …
        :param append: go on at the end of a file that exists.
        :param overwrite: replace a file that exists. With neither, it is an error.
        :param max_duration_ms: end after so much audio; 0: never.
        :param max_silence_ms: end after so much silence in a row; 0: never.
        :param beep: send a tone before the recording begins.
        """
        self._check_open()
        recorder = self._engine.create_recorder(
            path, file_format, append, overwrite, max_duration_ms, max_silence_ms, beep
        )
        self._submit(_media.STREAM_RECORD, recorder.handle)
        return recorder

    def tune_snoop(
        self,
        *,
        spy: str,
        whisper: str,
        gain_in: float = 1.0,
        gain_out: float = 1.0,
        bridged_only: bool = False,
    ) -> None:
        """Change what a snoop hears and who hears it; see :meth:`MediaEngine.open_snoop`.

        :param gain_in: volume of what the target says, *gain_out* of what it hears; up to 16.
        :param bridged_only: it is recorded only while its target is in a bridge with somebody.
        """
        self._submit(
            _media.STREAM_SNOOP_TUNE,
            TAPS[spy],
            TAPS[whisper],
            gain_value(gain_in),
            gain_value(gain_out),
            int(bridged_only),
        )

    def stats(self) -> StreamStats:
        """Return a snapshot of the statistics; all zero when the stream is closed."""
        return self._engine.stream_stats(self.handle)

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidState("the media stream is closed")

    def _submit(self, op: int, *args: int | str | bytes) -> None:
        if not self._is_closed:
            self._engine.submit(op, self.handle, *args)


class RtpStream(Stream):
    """An RTP session: one port pair of ours, one peer.

    :ivar host: the address that is bound.
    :ivar port: RTP port.
    :ivar rtcp_port: RTCP port.
    :ivar remote: where the last :meth:`configure` said to send.
    """

    def __init__(
        self, engine: MediaEngine, handle: int, host: str, port: int, rtcp_port: int
    ) -> None:
        super().__init__(engine, handle, "ulaw")
        self.host = host
        self.port = port
        self.rtcp_port = rtcp_port
        self.remote = ("", 0)
        self._is_traced = False
        self._report: Callable[[RtpPacket], None] | None = None

    def configure(
        self,
        *,
        remote: tuple[str, int] | None,
        codec: str,
        payload_type: int,
        ptime_ms: int = 20,
        dtmf_payload_type: int | None,
        receive_map: Mapping[int, str],
        symmetric: bool,
        direction: str = "sendrecv",
        timeout_ms: int = 0,
        rtcp_remote: tuple[str, int] | None = None,
        rtcp_mux: bool = False,
    ) -> None:
        """Set what offer and answer agreed on; may be called again for each re-INVITE.

        :param remote: where to send: address literal and port; ``None`` or port 0: only listen.
        :param codec: what is sent, an Asterisk name.
        :param payload_type: the number under which it is sent.
        :param ptime_ms: audio per packet sent, 10 to 60 ms.
        :param dtmf_payload_type: of telephone-event, both ways; ``None``: not negotiated.
        :param receive_map: which codec a received payload type means.
        :param symmetric: send where RTP comes from, once that source is trusted.
        :param direction: as in SDP, from our point of view.
        :param timeout_ms: report when no RTP came for so long; 0: never.
        :param rtcp_remote: where RTCP goes; ``None``: the port after *remote*'s.
        :param rtcp_mux: RTCP shares the RTP port (RFC 5761).
        :raises InvalidArgument: an unknown codec or a value out of range.
        """
        if codec not in CODECS:
            raise InvalidArgument("codec", f"unknown codec {codec!r}")
        if direction not in DIRECTIONS:
            raise InvalidArgument("direction", f"unknown direction {direction!r}")
        if not 10 <= ptime_ms <= 60:
            ptime_ms = 20  # a peer's odd wish is no reason to fail the call
        host, port = remote or ("", 0)
        rtcp_host, rtcp_port = rtcp_remote or ("", 0)
        for literal in (host, rtcp_host):
            if literal and not _media.is_address(literal):
                raise InvalidArgument("remote", f"not an IP address: {literal!r}")
        self.codec = codec
        self.remote = (host, port)
        self.apply_trace()
        self._submit(
            _media.STREAM_CONFIGURE,
            host,
            port,
            CODECS[codec].number,
            payload_type,
            ptime_ms,
            -1 if dtmf_payload_type is None else dtmf_payload_type,
            _receive_table(receive_map),
            int(symmetric),
            DIRECTIONS[direction],
            timeout_ms,
            rtcp_host,
            rtcp_port,
            int(rtcp_mux),
        )

    def apply_trace(self) -> None:
        """Report packets, or stop to, as the engine's tracer wants it for this peer."""
        tracer = self._engine.tracer
        is_traced = self._report is not None or (tracer is not None and tracer.wants(self.remote))
        if is_traced != self._is_traced:
            self._is_traced = is_traced
            self._submit(_media.STREAM_TRACE, int(is_traced))

    def set_report(self, report: Callable[[RtpPacket], None] | None) -> None:
        """Report this stream's packets, besides what the engine's tracer wants, or stop to."""
        self._report = report
        self.apply_trace()

    def handle_packet(self, packet: RtpPacket) -> None:
        """The engine reports a packet."""
        if self._report is not None:
            self._report(packet)
        tracer = self._engine.tracer
        if tracer is not None and tracer.wants(self.remote):
            tracer.report(self.remote, packet)


def _tristate(value: bool | None) -> int:
    return -1 if value is None else int(value)


def _receive_table(receive_map: Mapping[int, str]) -> bytes:
    """Turn payload type → codec name into the engine's 128 codec numbers."""
    table = bytearray(128)
    for payload_type, name in receive_map.items():
        if not 0 <= payload_type <= 127 or name not in CODECS:
            raise InvalidArgument("receive_map", f"{payload_type}: {name!r} is not receivable")
        table[payload_type] = CODECS[name].number
    return bytes(table)
