"""What of a channel's frames is left out, held back or shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from server.base.errors import InvalidArgument
from server.config.types import TRUE_WORDS
from server.dialplan.port import Dialplan
from server.dialplan.registry import function_write
from server.dialplan.scope import Scope
from server.media.effects import Tap
from server.media.streams import RtpStream
from server.media.trace import RtpPacket
from server.resources.channel import Channel

logger = logging.getLogger(__name__)

MEDIA_FRAMES = frozenset(
    ("DTMF_BEGIN", "DTMF_END", "VOICE", "VIDEO", "CONTROL", "NULL", "IAX", "TEXT", "TEXT_DATA",
     "IMAGE", "HTML", "CNG", "MODEM")
)  # fmt: skip
SIGNALS = frozenset(
    ("RING", "RINGING", "ANSWER", "BUSY", "TAKEOFFHOOK", "OFFHOOK", "CONGESTION", "FLASH", "WINK",
     "PROGRESS", "PROCEEDING", "HOLD", "UNHOLD", "VIDUPDATE", "CONNECTED_LINE", "REDIRECTING")
)  # fmt: skip


def _read_kinds(name: str, value: str, known: frozenset[str]) -> frozenset[str]:
    kinds = frozenset(kind.strip().upper() for kind in value.split(",") if kind.strip())
    if unknown := kinds - known:
        raise InvalidArgument(name, f"{', '.join(sorted(unknown))}: no such kind of frame")
    return kinds


@function_write("FRAME_DROP")
def drop_frames(scope: Scope, data: str, value: str) -> None:
    """FRAME_DROP(rx|tx)=kinds: leave these frames out; nothing is left out any more if empty.

    Of signals, HOLD and UNHOLD are not taken from the phone, and RINGING, PROGRESS and
    CONNECTED_LINE not given to it. Other kinds are accepted and mean nothing here.
    """
    direction = data.strip().lower()
    if direction not in ("rx", "tx"):
        raise InvalidArgument("direction", f"{data!r} is neither rx nor tx")
    kinds = _read_kinds("FRAME_DROP", value, MEDIA_FRAMES | SIGNALS)
    media = {"voice"} & {kind.lower() for kind in kinds}
    if kinds & {"DTMF_BEGIN", "DTMF_END"}:
        media.add("dtmf")
    channel = scope.channel
    channel.leg.stream.effects.drop(Tap.IN if direction == "rx" else Tap.OUT, media)
    channel.ignored[direction] = kinds & SIGNALS


@function_write("HOLD_INTERCEPT")
def intercept_hold(scope: Scope, data: str, value: str) -> None:
    """HOLD_INTERCEPT(set|remove)=: a phone that holds is told as an event, and nothing more."""
    action = data.strip().lower()
    if action not in ("set", "remove"):
        raise InvalidArgument("action", f"{data!r} is neither set nor remove")
    scope.channel.intercepts_hold = action == "set"


@function_write("MUTEAUDIO")
def mute_audio(scope: Scope, data: str, value: str) -> None:
    """MUTEAUDIO(in|out|all)=on or off: silence what comes from the channel, or goes to it."""
    direction = data.strip().lower()
    if direction not in ("in", "out", "all"):
        raise InvalidArgument("direction", f"{data!r} is none of in, out, all")
    is_muted = value.strip().lower() in TRUE_WORDS
    scope.channel.leg.stream.set_mute(
        inbound=is_muted if direction in ("in", "all") else None,
        outbound=is_muted if direction in ("out", "all") else None,
    )


class FrameTraces:
    """What ends the trace of each channel that has one."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.ends: WeakKeyDictionary[Channel, Callable[[], None]] = WeakKeyDictionary()


@function_write("FRAME_TRACE")
def trace_frames(scope: Scope, data: str, value: str) -> None:
    """FRAME_TRACE(white|black)=kinds: log the channel's frames, only these or all but these.

    Voice and keys are what there is to be seen.
    """
    kind = data.strip().lower()
    if kind not in ("white", "black"):
        raise InvalidArgument("filter", f"{data!r} is neither white nor black")
    listed = _read_kinds("FRAME_TRACE", value, MEDIA_FRAMES)
    shown = listed if kind == "white" else MEDIA_FRAMES - listed
    channel, ends = scope.channel, scope.dialplan.part(FrameTraces).ends
    if (end := ends.pop(channel, None)) is not None:
        end()
    ends[channel] = _begin_trace(channel, shown)


def _begin_trace(channel: Channel, shown: frozenset[str]) -> Callable[[], None]:
    name, stream = channel.name, channel.leg.stream

    def on_packet(packet: RtpPacket) -> None:
        direction = "TX" if packet.is_sent else "RX"
        logger.info(
            "%s: %s VOICE payload type %s, sequence %s, timestamp %s, %s bytes",
            name, direction, packet.payload_type, packet.sequence, packet.timestamp, packet.length,
        )  # fmt: skip

    def on_digit(digit: str) -> None:
        logger.info("%s: RX DTMF_END %s", name, digit)

    if "VOICE" in shown and isinstance(stream, RtpStream):
        stream.set_report(on_packet)
    if "DTMF_END" in shown:
        channel.digit_observers.append(on_digit)

    def end() -> None:
        if isinstance(stream, RtpStream):
            stream.set_report(None)
        if on_digit in channel.digit_observers:
            channel.digit_observers.remove(on_digit)

    return end
