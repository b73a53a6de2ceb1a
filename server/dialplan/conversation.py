"""Two who talk after Dial() or Bridge(): until one leaves, or a limit is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from server.base.causes import Cause
from server.dialplan.arguments import Options
from server.dialplan.executor import Call
from server.dialplan.features.prompts import start
from server.dialplan.features.watch import FEATURE_LETTERS, DigitFeatures
from server.dialplan.numbers import parse_integer, parse_seconds
from server.media.players import FileSource
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

# which option lets the caller use which feature of features.conf; the peer's letters are small
CALLER_FEATURES = FEATURE_LETTERS
PEER_FEATURES = {letter.lower(): names for letter, names in FEATURE_LETTERS.items()}
TIME_LEFT = "timeleft"  # LIMIT_WARNING_FILE: say it


@dataclass(frozen=True, slots=True)
class Limit:
    """Option ``L(x:y:z)``, in seconds.

    :param warning: seconds before the end at which warnings begin, 0 for none.
    :param interval: between warnings, 0 for one only.
    """

    seconds: float
    warning: float = 0.0
    interval: float = 0.0


def parse_limit(text: str) -> Limit | None:
    """Read ``x[:y[:z]]`` in milliseconds; ``None`` for no limit.

    A warning that would come before the call begins comes at the last interval that fits.
    """
    parts = [max(0, parse_integer(part)) / 1000 for part in (*text.split(":"), "", "")[:3]]
    seconds, warning, interval = parts
    if seconds <= 0:
        return None
    if warning > seconds:
        if not interval:
            warning = 0.0
        else:
            warning -= -(-(warning - seconds) // interval) * interval
            warning = max(0.0, warning)
    return Limit(seconds, warning, interval)


def enable_features(call: Call, channel: Channel, options: Options, *, is_caller: bool) -> None:
    """Give a channel the features that the options allow it."""
    table = CALLER_FEATURES if is_caller else PEER_FEATURES
    enabled = {name for letter, names in table.items() if letter in options for name in names}
    former = channel.features
    if isinstance(former, DigitFeatures) and former.is_lasting:
        enabled |= former.enabled
    channel.features = DigitFeatures(call.dialplan, channel, enabled, is_caller=is_caller)


class Conversation:
    """The connection of a call with the *peer* that answered it.

    Options: those of :data:`CALLER_FEATURES` and :data:`PEER_FEATURES`; ``L`` and ``S`` limit it.
    """

    def __init__(self, call: Call, peer: Channel, options: Options) -> None:
        self._call = call
        self._channel = call.channel
        self._peer = peer
        self._options = options
        self._ends: list[Callable[[], None]] = []

    async def run(self) -> None:
        """Connect both until it is over.

        :raises ChannelHungUp: the caller hung up.
        """
        channel, peer, options = self._channel, self._peer, self._options
        former = channel.features
        enable_features(self._call, channel, options, is_caller=True)
        enable_features(self._call, peer, options, is_caller=False)
        self._limit()
        try:
            await self._call.dialplan.bridges.connect(channel, peer, identifies="I" not in options)
        finally:
            channel.features = former
            for end in self._ends:
                end()
            channel.flush_digits()

    # limits

    def _limit(self) -> None:
        seconds = parse_seconds(self._options.get("S"))
        if seconds > 0:
            self._later(seconds, self._end_by_time)
        limit = parse_limit(self._options.get("L"))
        if limit is None:
            return
        for channel in self._listeners:
            start(channel, self._call.get("LIMIT_CONNECT_FILE") or "")
        self._later(limit.seconds, self._end_by_limit)
        if limit.warning > 0:
            self._later(limit.seconds - limit.warning, lambda: self._warn(limit, limit.warning))

    @property
    def _listeners(self) -> list[Channel]:
        """Who hears warnings: LIMIT_PLAYAUDIO_CALLER (yes) and LIMIT_PLAYAUDIO_CALLEE (no)."""
        hears_caller = (self._call.get("LIMIT_PLAYAUDIO_CALLER") or "yes").lower() == "yes"
        hears_callee = (self._call.get("LIMIT_PLAYAUDIO_CALLEE") or "no").lower() == "yes"
        if not (hears_caller or hears_callee):
            hears_caller = True  # as Asterisk does
        both = ((self._channel, hears_caller), (self._peer, hears_callee))
        return [channel for channel, hears in both if hears]

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, act)
        self._ends.append(timer.cancel)

    def _warn(self, limit: Limit, left: float) -> None:
        prompt = self._call.get("LIMIT_WARNING_FILE") or TIME_LEFT
        for channel in self._listeners:
            if prompt == TIME_LEFT:
                _say_time(channel, round(left))
            else:
                start(channel, prompt)
        after = left - limit.interval
        if limit.interval > 0 and after > 0:
            self._later(limit.interval, lambda: self._warn(limit, after))

    def _end_by_limit(self) -> None:
        prompt = self._call.get("LIMIT_TIMEOUT_FILE") or ""
        players = [start(channel, prompt) for channel in self._listeners]
        playing = [player for player in players if player is not None]
        if not playing:
            self._end_by_time()
            return
        playing[0].done.add_done_callback(lambda _done: self._end_by_time())

    def _end_by_time(self) -> None:
        """End the connection; the caller may go on in the dialplan."""
        if not self._peer.is_hungup:
            self._peer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)


def _say_time(channel: Channel, seconds: int) -> None:
    """Say how much time is left."""
    if channel.is_hungup or channel.leg.stream.is_playing:
        return
    say, language = channel.node.say, channel.language
    minutes, rest = divmod(seconds, 60)
    names = ["vm-youhave"]
    if minutes:
        names += [*say.number(minutes, language), "queue-minutes"]
    if rest:
        names += [*say.number(rest, language), "queue-seconds"]
    paths = [channel.node.sounds.find(name, channel.language) for name in names]
    sources = [FileSource(str(path)) for path in paths if path is not None]
    if sources:
        channel.play(sources)
