"""AMD(): is it an answering machine?"""

from __future__ import annotations

from dataclasses import fields, replace

from server.base.errors import ChannelHungUp
from server.config.sections.amd import AmdConf
from server.dialplan.answering_machine import FRAME_MS, AnsweringMachineDetector, Verdict
from server.dialplan.arguments import split_arguments
from server.dialplan.executor import Call
from server.dialplan.hearing import Ear, Frames
from server.dialplan.media import find_prompts, split_names
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application
from server.media.players import Player
from server.media.scans import ScanSettings

MAX_THRESHOLD = 32767
REPORT_MS = 100


@application("AMD")
async def detect_machine(call: Call, data: str) -> None:
    """AMD(initialSilence, greeting, afterGreetingSilence, totalAnalysisTime, miniumWordLength,
    betweenWordSilence, maximumNumberOfWords, silenceThreshold, maximumWordLength, audioFile):
    sets AMDSTATUS to HUMAN, MACHINE, NOTSURE or HANGUP, and AMDCAUSE."""
    limits = read_limits(call.dialplan.settings.amd, split_arguments(data))
    variables = call.channel.variables
    try:
        verdict = await _listen(call, limits)
    except ChannelHungUp:
        variables.set("AMDSTATUS", "HANGUP")
        variables.set("AMDCAUSE", "")
        raise
    variables.set("AMDSTATUS", verdict.status)
    variables.set("AMDCAUSE", verdict.cause)


def read_limits(defaults: AmdConf, arguments: list[str]) -> AmdConf:
    """Return amd.conf's limits, and instead of them those that are given as arguments."""
    given: dict[str, int | str] = {}
    order = [each.name for each in fields(AmdConf)]  # as the arguments are
    for name, text in zip(order, arguments, strict=False):
        if not text.strip():
            continue
        given[name] = text if name == "playback_file" else max(0, parse_integer(text))
    threshold = int(given.get("silence_threshold", defaults.silence_threshold))
    given["silence_threshold"] = min(max(threshold, 1), MAX_THRESHOLD)
    return replace(defaults, **given)  # type: ignore[arg-type]


async def _listen(call: Call, limits: AmdConf) -> Verdict:
    detector = AnsweringMachineDetector(limits)
    settings = ScanSettings(threshold=limits.silence_threshold, interval_ms=REPORT_MS)
    frames = Frames(FRAME_MS)
    player = _play(call, limits.playback_file)
    try:
        with Ear(call.channel, settings) as ear:
            while True:
                heard = await ear.listen()
                for is_loud in frames.of(heard) if heard else ():
                    verdict = detector.hear(is_loud=is_loud)
                    if verdict is not None:
                        return verdict
    finally:
        if player is not None:
            player.stop()


def _play(call: Call, names: str) -> Player | None:
    sources, _missing = find_prompts(call, split_names(names))
    return call.channel.play(sources) if sources else None
