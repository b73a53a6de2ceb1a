"""Applications for music on hold and tones."""

from __future__ import annotations

from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application


@application("StartMusicOnHold")
def start_music(call: Call, data: str) -> None:
    """StartMusicOnHold(class): play music while the dialplan goes on."""
    channel = call.channel
    channel.set_background("music", argument(split_arguments(data), 0, channel.music_class))


@application("StopMusicOnHold")
def stop_music(call: Call, data: str) -> None:
    """StopMusicOnHold(): end it."""
    call.channel.set_background(None)


@application("MusicOnHold")
async def music(call: Call, data: str) -> None:
    """MusicOnHold(class, seconds): play music so long, or until the caller hangs up."""
    arguments = split_arguments(data)
    channel = call.channel
    channel.set_background("music", argument(arguments, 0, channel.music_class))
    seconds = parse_seconds(argument(arguments, 1))
    try:
        if seconds > 0:
            await channel.sleep(seconds)
        else:
            await channel.wait_hangup()
    finally:
        channel.set_background(None)


@application("PlayTones")
def play_tones(call: Call, data: str) -> None:
    """PlayTones(name or tone list): play an indication while the dialplan goes on."""
    channel = call.channel
    tone = call.dialplan.node.tone(data.strip(), channel.tone_zone) or data.strip()
    if tone[:1].isdigit() or tone[:1] in ("!", "M"):
        channel.set_background("tone", tone)
    else:
        call.report(f"PlayTones: unknown tone {data!r}")


@application("StopPlayTones")
def stop_tones(call: Call, data: str) -> None:
    """StopPlayTones(): end it."""
    call.channel.set_background(None)
