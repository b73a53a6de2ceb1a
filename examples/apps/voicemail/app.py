"""voicemail: takes a message to a file, and plays messages to their owner. See README.md."""

from __future__ import annotations

import logging
import time

import arion

LONGEST_S = 120
SILENCE_S = 4
NEXT, DELETE, AGAIN = "1", "7", "5"

logger = logging.getLogger("voicemail")


async def voicemail(channel: arion.Channel, args: list[str]) -> None:
    """Handle one call; ``Stasis(voicemail,BOX)`` takes a message, ``…,BOX,owner`` plays them."""
    box, *role = args
    await channel.answer()
    if role == ["owner"]:
        await play_messages(channel, box)
    else:
        await take_message(channel, box)
    await channel.say("sound:vm-goodbye")
    await channel.hangup()


async def take_message(channel: arion.Channel, box: str) -> None:
    """Record until #, a silence, or the caller hangs up: the file is kept in any case."""
    await channel.say("sound:vm-intro")
    name = f"voicemail/{box}/{time.time_ns()}"
    recording = await channel.record(
        name, max_duration=LONGEST_S, max_silence=SILENCE_S, beep=True, terminate_on="#"
    )
    await recording.finished()
    logger.info("a message for %s: %s", box, name)
    await channel.say("sound:vm-msgsaved")


async def play_messages(channel: arion.Channel, box: str) -> None:
    """Play the messages of a box, the oldest first."""
    messages = [
        stored
        for stored in await channel.client.recordings.list_stored()
        if stored.name.startswith(f"voicemail/{box}/")
    ]
    if not messages:
        await channel.say("sound:vm-nomore")
    for message in sorted(messages, key=lambda stored: stored.name):
        key = AGAIN
        while key == AGAIN:
            key = await channel.ask(f"recording:{message.name}")
        if key == DELETE:
            await message.delete()
            await channel.say("sound:vm-deleted")


if __name__ == "__main__":
    arion.run("voicemail", voicemail)
