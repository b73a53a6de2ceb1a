"""hello: answers, greets, and offers a menu by DTMF. See README.md; app.mjs does the same."""

from __future__ import annotations

import logging
import uuid

import arion

MENU = ["sound:vm-press", "digits:1", "digits:2", "digits:3"]
MENU_WAIT_S = 8.0  # for a key, when the menu has been played
MENU_TRIES = 3

logger = logging.getLogger("hello")


async def hello(channel: arion.Channel, args: list[str]) -> None:
    """Handle one call."""
    if args != ["menu"]:  # the dialplan hands it back with that after an echo
        await channel.answer()
        await channel.say("sound:hello-world")
    tries = 0
    while tries < MENU_TRIES:
        key = await channel.ask(MENU, first=MENU_WAIT_S)
        if not key:
            tries += 1
            continue
        tries = 0
        logger.info("%s pressed %s", channel.id, key)
        if key == "1":
            await channel.continue_in_dialplan(context="demo", extension="echo", priority=1)
            return
        if key == "2":
            await take_message(channel)
        elif key == "3":
            await play_music(channel)
        elif key == "#":
            break
        else:
            await channel.say("sound:pbx-invalid")
    await channel.say("sound:vm-goodbye")
    await channel.hangup()


async def take_message(channel: arion.Channel) -> None:
    """Record until # or a silence, then play what was recorded."""
    await channel.say("sound:vm-intro")
    recording = await channel.record(
        f"hello-{uuid.uuid4()}", max_duration=60, max_silence=4, beep=True, terminate_on="#"
    )
    await recording.finished()
    await channel.forget_digits()  # the # that ended the recording is no answer to the menu
    await channel.say(["sound:vm-msgsaved", f"recording:{recording.name}"])


async def play_music(channel: arion.Channel) -> None:
    """Play music until a key is pressed."""
    await channel.start_moh()
    await channel.digit()
    await channel.stop_moh()


if __name__ == "__main__":
    arion.run("hello", hello)
