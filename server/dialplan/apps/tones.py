"""Applications that wait for tones."""

from __future__ import annotations

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.call_progress import ProgressDetector, ProgressTones
from server.dialplan.executor import Call
from server.dialplan.hearing import Ear, deadline_after, is_past
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.dialplan.tone_watch import ToneCounter, tone_settings
from server.media.scans import ScanSettings

WAIT_OPTIONS = "ds"
SCAN_OPTIONS = "fv"
DEFAULT_MS = 500
DEFAULT_DECIBELS = 16
MAX_HZ = 3_999  # what 8 kHz carry


@application("WaitForTone")
async def wait_for_tone(call: Call, data: str) -> None:
    """WaitForTone(Hz, ms, timeout s, times, options): sets WAITFORTONESTATUS.

    Options: ``d(dB)`` how much the tone has to stand out, ``s`` squelch.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 4), WAIT_OPTIONS, "WaitForTone", call.where)
    if "s" in options:
        call.report("WaitForTone: the tone is not squelched")
    variables = call.channel.variables
    hz = parse_integer(argument(arguments, 0))
    required_ms = parse_integer(argument(arguments, 1), DEFAULT_MS)
    times = parse_integer(argument(arguments, 3), 1)
    if not 0 < hz <= MAX_HZ or required_ms <= 0 or times <= 0:
        call.report("WaitForTone requires a frequency, and times greater than 0")
        variables.set("WAITFORTONESTATUS", "ERROR")
        return
    settings = tone_settings(hz, parse_integer(options.get("d"), DEFAULT_DECIBELS))
    deadline = deadline_after(parse_seconds(argument(arguments, 2)))
    try:
        is_found = await _count_tones(call, settings, required_ms, times, deadline)
    except ChannelHungUp:
        variables.set("WAITFORTONESTATUS", "HANGUP")
        raise
    variables.set("WAITFORTONESTATUS", "SUCCESS" if is_found else "TIMEOUT")


async def _count_tones(
    call: Call, settings: ScanSettings, required_ms: int, times: int, deadline: float | None
) -> bool:
    counter = ToneCounter(required_ms)
    count = 0
    with Ear(call.channel, settings) as ear:
        while True:
            heard = await ear.listen(deadline)
            if heard is None or is_past(deadline):
                return False
            count += counter.hear(heard)
            if count == times:
                return True


@application("ToneScan")
async def tone_scan(call: Call, data: str) -> None:
    """ToneScan(zone, timeout s, threshold, options): sets TONESCANSTATUS to what is heard.

    Options: ``f`` look for a fax machine, ``v`` for a voice.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 3), SCAN_OPTIONS, "ToneScan", call.where)
    channel = call.channel
    deadline = deadline_after(parse_seconds(argument(arguments, 1)))
    country = argument(arguments, 0, channel.tone_zone).strip()
    tones = ProgressTones(call.dialplan.node.settings.indications, country)
    detector = ProgressDetector(
        tones,
        effort=parse_integer(argument(arguments, 2), 1),
        finds_fax="f" in options,
        finds_voice="v" in options,
    )
    try:
        settings = tones.settings(hears_voice="v" in options)
        status = await _scan(call, settings, detector, deadline)
    except ChannelHungUp:
        channel.variables.set("TONESCANSTATUS", "HANGUP")
        raise
    channel.variables.set("TONESCANSTATUS", status)


async def _scan(
    call: Call, settings: ScanSettings, detector: ProgressDetector, deadline: float | None
) -> str:
    digits: list[str] = []
    with Ear(call.channel, settings) as ear:

        def on_digit(digit: str) -> None:
            digits.append(digit)
            ear.wake()

        call.channel.digit_observers.append(on_digit)
        try:
            while True:
                heard = await ear.listen(deadline)
                if digits:
                    return "DTMF"
                if heard is None or is_past(deadline):
                    return "TIMEOUT"
                if (found := detector.hear(heard)) is not None:
                    return found
        finally:
            call.channel.digit_observers.remove(on_digit)
