"""hello: answers, greets, and offers a menu by DTMF. See README.md; app.mjs does the same."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from arion import Channel

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))
from demo import run_app

MENU = ["sound:vm-press", "digits:1", "digits:2", "digits:3"]
MENU_WAIT_S = 10.0
MENU_TRIES = 3


async def hello(channel: Channel, args: list[str]) -> None:
    """Handle one call."""
    if args != ["menu"]:  # the dialplan hands it back with that after an echo
        await channel.answer()
        await channel.say("sound:hello-world")
    tries = 0
    while tries < MENU_TRIES:
        key = await ask(channel)
        if key is None:
            tries += 1
            continue
        tries = 0
        print(f"hello: {channel.id} pressed {key}", flush=True)
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


async def ask(channel: Channel) -> str | None:
    """Play the menu; return the key that is pressed, which also stops it."""
    menu = await channel.play(MENU)
    key = await channel.digit(timeout=MENU_WAIT_S)
    await menu.stop()
    return key


async def take_message(channel: Channel) -> None:
    """Record until # or a silence, then play what was recorded."""
    await channel.say("sound:vm-intro")
    recording = await channel.record(
        f"hello-{uuid.uuid4()}", max_duration=60, max_silence=4, beep=True, terminate_on="#"
    )
    await recording.finished()
    while await channel.digit(timeout=0):
        pass  # the # that ended the recording is no answer to the menu
    await channel.say(["sound:vm-msgsaved", f"recording:{recording.name}"])


async def play_music(channel: Channel) -> None:
    """Play music until a key is pressed."""
    await channel.start_moh()
    await channel.digit()
    await channel.stop_moh()


if __name__ == "__main__":
    run_app("hello", lambda _: hello)
