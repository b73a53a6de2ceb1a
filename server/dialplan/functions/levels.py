"""What changes the sound of a channel: volume, gain control, noise, pitch, jitter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from server.base.errors import InvalidArgument
from server.config.types import TRUE_WORDS
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.numbers import parse_integer
from server.dialplan.port import Dialplan
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.media.effects import MAX_GAIN, MAX_JITTER_MS, Effects, Tap
from server.resources.channel import Channel

VOLUME_OPTIONS = "p"
PITCHES = {"highest": 2.0, "higher": 1.5, "high": 1.25, "low": 0.85, "lower": 0.7, "lowest": 0.5}
SHORTEST_JITTER_MS = 20
DEFAULT_JITTER_MS = 200  # the largest delay, Asterisk's default
DEFAULT_EXTRA_MS = 40  # of the adaptive one, likewise
_TAPS = {"rx": (Tap.IN,), "tx": (Tap.OUT,), "both": (Tap.IN, Tap.OUT)}


@dataclass(slots=True)
class Levels:
    """What was set on a channel, by direction."""

    volume: dict[Tap, float] = field(default_factory=lambda: {Tap.IN: 0.0, Tap.OUT: 0.0})
    agc: dict[Tap, int] = field(default_factory=lambda: {Tap.IN: 0, Tap.OUT: 0})
    denoise: dict[Tap, bool] = field(default_factory=lambda: {Tap.IN: False, Tap.OUT: False})
    has_keys: bool = False


class AllLevels:
    """The levels of every channel that has some."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self._of_channel: WeakKeyDictionary[Channel, Levels] = WeakKeyDictionary()

    def of(self, channel: Channel) -> Levels:
        """Return those of a channel."""
        return self._of_channel.setdefault(channel, Levels())


def _levels(scope: Scope) -> Levels:
    return scope.dialplan.part(AllLevels).of(scope.channel)


def _effects(scope: Scope) -> Effects:
    return scope.channel.leg.stream.effects


def _taps(text: str, *, allows_both: bool = False) -> Sequence[Tap]:
    direction = text.strip().lower()
    if direction not in _TAPS or (direction == "both" and not allows_both):
        raise InvalidArgument("direction", f"{text!r} is neither rx nor tx")
    return _TAPS[direction]


@function("VOLUME")
def read_volume(scope: Scope, data: str) -> str:
    """VOLUME(rx|tx): what was set, 0 for no change."""
    return f"{_levels(scope).volume[_taps(argument(split_arguments(data), 0))[0]]:f}"


@function_write("VOLUME")
def write_volume(scope: Scope, data: str, value: str) -> None:
    """VOLUME(rx|tx,p)=factor: so many times louder, or softer if negative.

    With ``p`` the caller's keys ``*`` and ``#`` make it louder and softer afterwards.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), VOLUME_OPTIONS, "VOLUME", scope.where)
    (tap,) = _taps(argument(arguments, 0))
    try:
        wanted = float(value)
    except ValueError:
        raise InvalidArgument("VOLUME", f"{value!r} is not a number") from None
    if not abs(wanted) <= MAX_GAIN:
        raise InvalidArgument("VOLUME", f"must be -{MAX_GAIN:g} to {MAX_GAIN:g}")
    levels, effects = _levels(scope), _effects(scope)
    levels.volume[tap] = wanted
    effects.set_gain(tap, factor_of(wanted))
    if "p" in options and not levels.has_keys:
        levels.has_keys = True
        scope.channel.digit_observers.append(lambda digit: _on_digit(levels, effects, digit))


def _on_digit(levels: Levels, effects: Effects, digit: str) -> None:
    step = {"*": 1, "#": -1}.get(digit)
    if step is None:
        return
    for tap in Tap:
        levels.volume[tap] = max(-MAX_GAIN, min(MAX_GAIN, levels.volume[tap] + step))
        effects.set_gain(tap, factor_of(levels.volume[tap]))


def factor_of(volume: float) -> float:
    """Return by what to multiply: 3 means three times, -2 half, 0 no change."""
    if volume == 0:
        return 1.0
    return volume if volume > 0 else 1 / -volume


@function("AGC")
def read_agc(scope: Scope, data: str) -> str:
    """AGC(rx|tx): the level that was set, 0 for none."""
    return f"{_levels(scope).agc[_taps(data)[0]]:.1f}"


@function_write("AGC")
def write_agc(scope: Scope, data: str, value: str) -> None:
    """AGC(rx|tx)=level or off: bring speech to this level, such as 8000."""
    (tap,) = _taps(data)
    level = 0 if value.strip().lower() == "off" else parse_integer(value, -1)
    _effects(scope).set_agc(tap, level)
    _levels(scope).agc[tap] = level


@function("DENOISE")
def read_denoise(scope: Scope, data: str) -> str:
    """DENOISE(rx|tx): 1 or 0."""
    return str(int(_levels(scope).denoise[_taps(data)[0]]))


@function_write("DENOISE")
def write_denoise(scope: Scope, data: str, value: str) -> None:
    """DENOISE(rx|tx)=on or off: suppress noise."""
    (tap,) = _taps(data)
    enabled = value.strip().lower() in TRUE_WORDS
    _effects(scope).set_denoise(tap, enabled)
    _levels(scope).denoise[tap] = enabled


@function_write("PITCH_SHIFT")
def write_pitch(scope: Scope, data: str, value: str) -> None:
    """PITCH_SHIFT(rx|tx|both)=highest … lowest, or a factor of 0.1 to 4; 1 ends it."""
    ratio = PITCHES.get(value.strip().lower())
    if ratio is None:
        try:
            ratio = float(value)
        except ValueError:
            raise InvalidArgument("PITCH_SHIFT", f"{value!r} is no pitch") from None
    for tap in _taps(data, allows_both=True):
        _effects(scope).set_pitch(tap, ratio)


@function_write("SCRAMBLE")
def write_scramble(scope: Scope, data: str, value: str) -> None:
    """SCRAMBLE(rx|tx|both)=, or =remove: turn the voice's spectrum around."""
    for tap in _taps(data or "both", allows_both=True):
        _effects(scope).set_scramble(tap, value.strip().lower() != "remove")


@function_write("JITTERBUFFER")
def write_jitter_buffer(scope: Scope, data: str, value: str) -> None:
    """JITTERBUFFER(fixed|adaptive|disabled)=max ms,resync,extra ms: play out steadily.

    A fixed one delays by *max ms*, an adaptive one by at least *extra ms*. The resync threshold is
    not used: the buffer notices jumps by itself.
    """
    kind = data.strip().lower()
    if kind == "disabled":
        _effects(scope).set_jitter_buffer(None)
        return
    if kind not in ("fixed", "adaptive"):
        raise InvalidArgument("type", f"{data!r} is none of fixed, adaptive, disabled")
    arguments = [] if value.strip().lower() == "default" else split_arguments(value)
    most = parse_integer(argument(arguments, 0), DEFAULT_JITTER_MS)
    most = min(max(most, SHORTEST_JITTER_MS), MAX_JITTER_MS)
    extra = parse_integer(argument(arguments, 2), DEFAULT_EXTRA_MS)
    least = most if kind == "fixed" else min(max(extra, SHORTEST_JITTER_MS), most)
    _effects(scope).set_jitter_buffer((least, most))
