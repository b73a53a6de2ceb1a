"""TONE_DETECT: a tone is listened for while the dialplan goes on."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import Options, argument, parse_options, parse_target, split_raw
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.tone_watch import DIRECTIONS, ToneWatch, Wanted

OPTIONS = "abcdghnprstx"
DEFAULT_MS = 500
DEFAULT_DECIBELS = 16
MAX_HZ = 3_999  # what 8 kHz carry

_SIGNALS = {"a": "SIT", "b": "BUSY", "c": "DIALTONE", "p": "RINGING"}


@function("TONE_DETECT")
def tone_detect(scope: Scope, data: str) -> str:
    """TONE_DETECT(rx|tx): how often the tone was heard from, or sent to, the channel."""
    direction = data.strip().lower()
    watch = scope.state.tone_watch
    if direction not in DIRECTIONS:
        raise InvalidArgument("TONE_DETECT", f"{data!r} is neither rx nor tx")
    if watch is None:
        raise InvalidArgument("TONE_DETECT", "there is no detector on this channel")
    return str(watch.counts[direction])


@function_write("TONE_DETECT")
def set_tone_detect(scope: Scope, data: str, value: str) -> None:
    """TONE_DETECT(Hz, ms, options)=: begin to listen; 0 Hz for signals alone.

    Options: ``a`` special information tones, ``b`` busy, ``c`` dial tone, ``p`` ringing count as
    well; ``d(dB)`` how much the tone stands out, ``g(place)`` ``h(place)`` where to go when it is
    received or sent, ``n(times)``, ``r`` ``t`` one direction only, ``s`` squelch, ``x`` end it.
    """
    arguments = split_raw(data)
    options = parse_options(argument(arguments, 2), OPTIONS, "TONE_DETECT", scope.where)
    state = scope.state
    if state.tone_watch is not None:
        state.tone_watch.close()
        state.tone_watch = None
    if "x" in options:
        return
    if "s" in options:
        scope.report("TONE_DETECT: the tone is not squelched")
    hz = parse_integer(argument(arguments, 0))
    required_ms = parse_integer(argument(arguments, 1), DEFAULT_MS)
    if not 0 <= hz <= MAX_HZ or required_ms <= 0:
        raise InvalidArgument("TONE_DETECT", "a frequency, and a duration over 0, are needed")
    signals = {_SIGNALS[letter] for letter in options.flags if letter in _SIGNALS}
    wanted = Wanted(hz, required_ms, parse_integer(options.get("d"), DEFAULT_DECIBELS), signals)
    watch = ToneWatch(scope.channel, lambda direction: _go(scope, options, direction))
    watch.begin(wanted, _directions(options))
    state.tone_watch = watch


def _directions(options: Options) -> tuple[str, ...]:
    if "r" in options and "t" not in options:
        return ("rx",)
    if "t" in options and "r" not in options:
        return ("tx",)
    return DIRECTIONS


def _go(scope: Scope, options: Options, direction: str) -> None:
    """Send the channel to its place, when it was heard often enough."""
    dialplan, channel = scope.dialplan, scope.channel
    watch = scope.state.tone_watch
    target = parse_target(options.get("g" if direction == "rx" else "h"))
    times = max(1, parse_integer(options.get("n"), 1))
    if watch is None or target is None or watch.counts[direction] % times or channel.is_hungup:
        return
    context, exten = target.context or channel.context, target.exten or channel.exten
    priority = parse_integer(target.priority) or dialplan.find_label(
        context, exten, target.priority, channel.caller.number
    )
    if not priority or not dialplan.has(context, exten, priority, channel.caller.number):
        scope.report(f"TONE_DETECT: there is no {context},{exten},{target.priority}")
        return
    channel.set_position(context, exten, priority)
    dialplan.start(channel)
