"""What a channel hears and sends: digits, texts, playback, silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.ami.registry import ActionError, Reply, Request, action, done, success
from server.dialplan.trunk_digits import MF_MS, mf_sources
from server.resources.local_optimization import optimize_locals
from server.tech.local import LocalLeg

if TYPE_CHECKING:
    from server.resources.channel import Channel

DIGITS = frozenset("0123456789*#ABCDabcd")
DEFAULT_DIGIT_MS = 100  # as in Asterisk
MAX_DIGIT_MS = 60_000
MAX_TEXT = 65_536  # characters
NO_CHANNEL = "Channel not specified"
CONTROLS = frozenset({"stop", "forward", "reverse", "pause", "restart"})


@action("PlayDTMF", "call", summary="Send a DTMF digit to a channel, or as if it came from there")
def play_dtmf(request: Request) -> Reply:
    """Send digits, or pretend that they were received."""
    channel, digits = _channel(request), _digits(request)
    duration = request.number("Duration", 0, 0, MAX_DIGIT_MS) or DEFAULT_DIGIT_MS
    if not set(digits) <= DIGITS:
        raise ActionError("Digits are 0-9, *, # and A-D")
    if request.flag("Receive"):
        for digit in digits.upper():
            channel.leg.stream.receive_dtmf(digit, duration)
    else:
        channel.leg.send_dtmf(
            digits.upper(), before_ms=0, between_ms=100, duration_ms=duration, after_ms=0
        )
    return done("DTMF successfully queued")


@action("PlayMF", "call", summary="Send an MF digit to a channel")
def play_mf(request: Request) -> Reply:
    """Send multifrequency digits as tones."""
    channel, digits = _channel(request), _digits(request)
    duration = request.number("Duration", 0, 0, MAX_DIGIT_MS) or MF_MS
    channel.play(mf_sources(digits, digit_ms=duration))
    return done("MF successfully queued")


def _channel(request: Request) -> Channel:
    """Return the channel; one that does not exist counts as none, as in Asterisk."""
    channel = request.context.channels.find(request.need("Channel", NO_CHANNEL))
    if channel is None or channel.is_hungup:
        raise ActionError("Channel not found")
    return channel


def _digits(request: Request) -> str:
    return request.need("Digit", "No digit specified")


@action("SendFlash", "call", summary="Send a hook flash to a channel")
def send_flash(request: Request) -> Reply:
    """Refuse: only analogue trunks know a hook flash, and there are none here."""
    raise ActionError(f"{_channel(request).name} is no analogue trunk")


@action("SendText", "call", summary="Send a text within a call")
def send_text(request: Request) -> Reply:
    """Send a text inside the call."""
    channel = request.channel()
    text = request.need("Message", "No Message specified")
    channel.leg.send_text(text[:MAX_TEXT])
    return done("Success")


@action("ControlPlayback", "call", summary="Steer what ControlPlayback() or an application plays")
def control_playback(request: Request) -> Reply:
    """Do what a key of ControlPlayback() would; without such a playback nothing happens."""
    name = request.need("Channel", NO_CHANNEL)
    control = request.need("Control", "Command not specified").lower()
    channel = request.context.channels.find(name)
    if channel is None:
        raise ActionError("No such channel")
    if control not in CONTROLS:
        raise ActionError("Unknown control command")
    playback = request.context.dialplan.state_of(channel).controlled
    if playback is not None:
        getattr(playback, control)()
    return success()


@action("MuteAudio", "system", summary="Silence what a channel says or hears, or stop to")
def mute_audio(request: Request) -> Reply:
    """Let nobody hear the channel, or the channel hear nobody."""
    channel = _channel(request)
    direction = request.need("Direction", "Direction not specified").lower()
    if direction not in ("in", "out", "all"):
        raise ActionError("Direction must be in, out or all")
    request.need("State", "State not specified")
    is_muted = request.flag("State")
    channel.leg.stream.set_mute(
        inbound=is_muted if direction != "out" else None,
        outbound=is_muted if direction != "in" else None,
    )
    return success()


@action(
    "LocalOptimizeAway",
    "system",
    "call",
    summary="Let a Local channel leave the call as soon as it can",
)
def local_optimize_away(request: Request) -> Reply:
    """Let a Local channel that was made with /n take itself out of the call."""
    channel = request.context.channels.find(request.need("Channel", "'Channel' not specified."))
    if channel is None:
        raise ActionError("Channel does not exist")
    if not isinstance(channel.leg, LocalLeg):
        raise ActionError("Unable to find channel")
    channel.leg.pair.may_optimize = True
    if channel.bridge is not None:
        optimize_locals(channel.bridge)
    return done("Queued channel to be optimized away")


@action("AbsoluteTimeout", "system", "call", summary="Limit the rest of a call")
def absolute_timeout(request: Request) -> Reply:
    """Limit the rest of a call in seconds; 0 takes the limit away."""
    channel = request.channel()
    text = request.need("Timeout", "No timeout specified")
    try:
        seconds = float(text)
    except ValueError:
        raise ActionError("No timeout specified") from None
    if not 0 <= seconds < 2**31:
        raise ActionError("No timeout specified")
    request.context.dialplan.set_absolute_timeout(channel, seconds)
    return done("Timeout Set")
