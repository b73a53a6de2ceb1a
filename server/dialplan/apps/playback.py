"""Applications that play and say things."""

from __future__ import annotations

from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, play, prepare, split_names
from server.dialplan.registry import application

_PLAYBACK_OPTIONS = frozenset(("skip", "noanswer"))


@application("Playback")
async def playback(call: Call, data: str) -> None:
    """Playback(files, skip|noanswer): play files joined by ``&``; sets PLAYBACKSTATUS."""
    arguments = split_arguments(data)
    variables = call.channel.variables
    options = set(argument(arguments, 1).replace("&", ",").replace("|", ",").lower().split(","))
    for unknown in sorted(options - _PLAYBACK_OPTIONS - {""}):
        call.report(f"Playback: option {unknown} is not supported and was ignored")
    if not argument(arguments, 0):
        call.report("Playback requires a filename")
        variables.set("PLAYBACKSTATUS", "FAILED")
        return
    if not prepare(call, skips="skip" in options, answers="noanswer" not in options):
        variables.set("PLAYBACKSTATUS", "SUCCESS")
        return
    sources, missing = find_prompts(call, split_names(arguments[0]))
    is_complete = await play(call, sources)
    variables.set("PLAYBACKSTATUS", "SUCCESS" if is_complete and not missing else "FAILED")


@application("Echo")
async def echo(call: Call, data: str) -> None:
    """Echo(): let the caller hear himself until ``#`` is pressed."""
    channel = call.channel
    channel.set_background("echo")
    try:
        while await channel.wait_digit(None) != "#":
            pass
    finally:
        channel.set_background(None)
