"""Applications that play and say things."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.controlled_playback import (
    DEFAULT_SKIP_MS,
    ControlKeys,
    ControlledPlayback,
    ControlOutcome,
)
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, play, prepare, split_names
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application

CONTROL_OPTIONS = "o"
PLAYBACK_OPTIONS = frozenset(("skip", "noanswer", "say", "mix"))


@application("Playback")
async def playback(call: Call, data: str) -> None:
    """Playback(files, options): play files joined by ``&``; sets PLAYBACKSTATUS.

    Options: ``skip`` unless answered, ``noanswer``, ``say`` says things such as ``num:12`` instead
    of files, ``mix`` says what has a colon and plays the rest.
    """
    arguments = split_arguments(data)
    variables = call.channel.variables
    options = set(argument(arguments, 1).replace("&", ",").replace("|", ",").lower().split(","))
    for unknown in sorted(options - PLAYBACK_OPTIONS - {""}):
        call.report(f"Playback: option {unknown} is not supported and was ignored")
    if not argument(arguments, 0):
        call.report("Playback requires a filename")
        variables.set("PLAYBACKSTATUS", "FAILED")
        return
    if not prepare(call, skips="skip" in options, answers="noanswer" not in options):
        variables.set("PLAYBACKSTATUS", "SUCCESS")
        return
    names = split_names(arguments[0])
    if options & {"say", "mix"}:
        names = _spoken(call, names, says_all="say" in options)
    sources, missing = find_prompts(call, names)
    is_complete = await play(call, sources)
    variables.set("PLAYBACKSTATUS", "SUCCESS" if is_complete and not missing else "FAILED")


def _spoken(call: Call, names: list[str], *, says_all: bool) -> list[str]:
    """Replace things to say, such as ``num:12``, by their prompts."""
    speaker, language = call.dialplan.node.say, call.channel.language
    spoken: list[str] = []
    for name in names:
        kind, colon, text = name.partition(":")
        if not colon:
            spoken.extend(speaker.digits(name, language) if says_all else [name])
            continue
        try:
            spoken.extend(speaker.spoken(kind, text, language))
        except InvalidArgument as error:
            call.report(f"Playback: {error}")
    return spoken


@application("ControlPlayback")
async def control_playback(call: Call, data: str) -> None:
    """ControlPlayback(file, skip ms, forward, back, stop, pause, restart, options): play a file
    that its listener controls by keys.

    Sets CPLAYBACKSTATUS, CPLAYBACKOFFSET and CPLAYBACKSTOPKEY. Option: ``o(ms)`` where to begin.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 7), CONTROL_OPTIONS, "ControlPlayback", call.where)
    variables = call.channel.variables
    sources, missing = find_prompts(call, split_names(argument(arguments, 0)))
    if not sources or missing:
        call.report("ControlPlayback requires a file")
        outcome = ControlOutcome("ERROR", 0)
    else:
        prepare(call, skips=False, answers=True)
        keys = ControlKeys(
            argument(arguments, 2, "#"),
            argument(arguments, 3, "*"),
            *(argument(arguments, index) for index in (4, 5, 6)),
        )
        skip_ms = parse_integer(argument(arguments, 1)) or DEFAULT_SKIP_MS
        playback = call.state.controlled = ControlledPlayback(call.channel, keys, skip_ms)
        try:
            outcome = await playback.play(sources, parse_integer(options.get("o")))
        finally:
            call.state.controlled = None
    variables.set("CPLAYBACKSTATUS", outcome.status)
    variables.set("CPLAYBACKOFFSET", str(outcome.offset_ms))
    variables.set("CPLAYBACKSTOPKEY", outcome.key)


@application("StreamEcho")
async def stream_echo(call: Call, data: str) -> None:
    """StreamEcho(streams, type): Echo(); a channel has one stream, of audio."""
    arguments = split_arguments(data)
    if parse_integer(argument(arguments, 0)) > 1 or argument(arguments, 1, "audio") != "audio":
        call.report("StreamEcho: only the one audio stream is echoed")
    await _echo(call)


@application("Echo")
async def echo(call: Call, data: str) -> None:
    """Echo(): let the caller hear himself until ``#`` is pressed."""
    await _echo(call)


async def _echo(call: Call) -> None:
    channel = call.channel
    channel.set_background("echo")
    try:
        while await channel.wait_digit(None) != "#":
            pass
    finally:
        channel.set_background(None)
