"""ivr: a menu of menus, from a table. See README.md.

Who knows the way presses ahead, and hears no prompt at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import arion

TRIES = 3
WAIT_S = 5.0  # for a key, when the prompt has ended


@dataclass(frozen=True)
class Menu:
    """One level of the menu.

    :param prompt: what is played.
    :param choices: key and what it leads to: a menu, a sound, or an endpoint to talk to.
    """

    prompt: str
    choices: Mapping[str, Menu | str] = field(default_factory=dict)


MAIN = Menu(
    "sound:vm-options",
    {
        "1": "sound:hello-world",
        "2": Menu("sound:vm-advopts", {"1": "sound:vm-changeto", "2": "sound:vm-instructions"}),
        "0": "PJSIP/bob",
    },
)
BACK = "*"


async def ivr(channel: arion.Channel, args: list[str]) -> None:
    """Handle one call."""
    await channel.answer()
    path = [MAIN]
    tries = 0
    while tries < TRIES:
        key = await channel.ask(path[-1].prompt, first=WAIT_S)
        choice = path[-1].choices.get(key)
        if key == BACK and len(path) > 1:
            path.pop()
        elif choice is None:
            tries += 1
            await channel.say("sound:pbx-invalid")
            continue
        elif isinstance(choice, Menu):
            path.append(choice)
        elif choice.startswith("sound:"):
            await channel.say(choice)
        elif await connect(channel, choice):
            return
        tries = 0
    await channel.say("sound:vm-goodbye")
    await channel.hangup()


async def connect(channel: arion.Channel, endpoint: str) -> bool:
    """Let the caller talk to somebody; ``False`` if nobody is there."""
    await channel.ring()
    try:
        other = await channel.client.dial(endpoint, caller=channel, timeout=20)
    except arion.NotAnswered:
        await channel.ring_stop()
        await channel.say("sound:vm-nobodyavail")
        return False
    await channel.ring_stop()
    async with channel.client.bridge() as bridge:
        await bridge.add(channel, other)
        gone = await channel.client.first_gone(channel, other)
        await (other if gone is channel else channel).hangup()
    return True


if __name__ == "__main__":
    arion.run("ivr", ivr)
