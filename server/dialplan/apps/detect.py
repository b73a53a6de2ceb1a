"""Applications that wait for silence, noise or talk."""

from __future__ import annotations

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.hearing import Ear, Run, deadline_after, is_past
from server.dialplan.media import ALL_DIGITS, find_prompts, prepare, split_names
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.media.players import Player
from server.media.scans import Heard, ScanSettings

DEFAULT_MS = 1_000
DEFAULT_MIN_TALK_MS = 100
REPORT_MS = 100


@application("WaitForSilence")
async def wait_for_silence(call: Call, data: str) -> None:
    """WaitForSilence(ms, iterations, timeout s): sets WAITSTATUS to SILENCE or TIMEOUT."""
    await _wait_for(call, data, is_noise=False)


@application("WaitForNoise")
async def wait_for_noise(call: Call, data: str) -> None:
    """WaitForNoise(ms, iterations, timeout s): sets WAITSTATUS to NOISE or TIMEOUT."""
    await _wait_for(call, data, is_noise=True)


async def _wait_for(call: Call, data: str, *, is_noise: bool) -> None:
    arguments = split_arguments(data)
    required_ms = parse_integer(argument(arguments, 0)) or DEFAULT_MS
    left = max(1, parse_integer(argument(arguments, 1), 1))
    deadline = deadline_after(parse_seconds(argument(arguments, 2)))
    prepare(call, skips=False, answers=True)
    variables = call.channel.variables
    run = Run()
    try:
        with Ear(call.channel, ScanSettings(interval_ms=REPORT_MS)) as ear:
            while left:
                heard = await ear.listen(deadline)
                if heard is None or is_past(deadline):
                    variables.set("WAITSTATUS", "TIMEOUT")
                    return
                if run.add(heard, holds=heard.is_loud is is_noise) >= required_ms:
                    left -= 1
                    run.restart(heard.now_ms)
    except ChannelHungUp:
        variables.set("WAITSTATUS", "HANGUP")
        raise
    variables.set("WAITSTATUS", "NOISE" if is_noise else "SILENCE")


@application("BackgroundDetect")
async def background_detect(call: Call, data: str) -> str | None:
    """BackgroundDetect(file, silence ms, min ms, max ms, analysis ms): play until talk is heard.

    Talk of *min* to *max* milliseconds, followed by silence, sets TALK_DETECTED to its length and
    goes to extension ``talk``, if there is one. A digit begins an extension.
    """
    arguments = split_arguments(data)
    prepare(call, skips=False, answers=True)
    channel = call.channel
    channel.variables.set("TALK_DETECTED", "")
    sources, _missing = find_prompts(call, split_names(argument(arguments, 0)))
    if not sources:
        return None
    talk = _TalkDetector(arguments)
    with Ear(channel, ScanSettings(interval_ms=REPORT_MS)) as ear:
        player = channel.play(sources)
        player.done.add_done_callback(lambda _done: ear.wake())
        watch = _DigitWatch(call, ear)
        channel.digit_observers.append(watch.on_digit)
        try:
            length_ms = await _listen_for_talk(ear, player, talk, watch)
        finally:
            channel.digit_observers.remove(watch.on_digit)
            player.stop()
    channel.flush_digits()
    if watch.digit:
        return watch.digit
    if length_ms is not None:
        channel.variables.set("TALK_DETECTED", str(length_ms))
        if call.exists("talk"):
            call.jump(channel.context, "talk", 1)
    return None


async def _listen_for_talk(
    ear: Ear, player: Player, talk: _TalkDetector, watch: _DigitWatch
) -> int | None:
    """Return the length of talk; ``None``: the file or a digit ended it."""
    while not player.done.done() and not watch.digit:
        heard = await ear.listen()
        if heard is not None and (length_ms := talk.add(heard)) is not None:
            return length_ms
    return None


class _DigitWatch:
    """Notes the first digit that can begin an extension."""

    def __init__(self, call: Call, ear: Ear) -> None:
        self._call = call
        self._ear = ear
        self.digit = ""

    def on_digit(self, digit: str) -> None:
        call, channel = self._call, self._call.channel
        can_match = call.exists(digit) or call.dialplan.plan.can_continue(
            channel.context, digit, channel.caller.number, call.dialplan.node.clock.wall()
        )
        if not self.digit and digit in ALL_DIGITS and can_match:
            self.digit = digit
            self._ear.wake()


class _TalkDetector:
    def __init__(self, arguments: list[str]) -> None:
        self._silence_ms = parse_integer(argument(arguments, 1)) or DEFAULT_MS
        self._min_ms = parse_integer(argument(arguments, 2)) or DEFAULT_MIN_TALK_MS
        self._max_ms = parse_integer(argument(arguments, 3), -1)
        self._analysis_ms = parse_integer(argument(arguments, 4), -1)
        self._began: int | None = None
        self._ended: int | None = None

    def add(self, heard: Heard) -> int | None:
        """Return the length of talk that has just been followed by enough silence."""
        if self._analysis_ms >= 0 and heard.now_ms > self._analysis_ms:
            return None
        if heard.is_loud:
            if self._began is None:
                self._began = heard.since_ms
            self._ended = None
            return None
        if self._ended is None:
            self._ended = heard.since_ms
        if self._began is None or heard.now_ms - self._ended < self._silence_ms:
            return None
        length_ms = self._ended - self._began
        self._began = None
        fits = length_ms >= self._min_ms and (self._max_ms < 0 or length_ms <= self._max_ms)
        return length_ms if fits else None
