"""Playing to one of two who talk, and asking them for an extension."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from server.base.errors import ChannelHungUp
from server.media.players import FileSource, Player
from server.resources.channel import Channel

if TYPE_CHECKING:
    from server.config.sections.features import FeatureSettings
    from server.dialplan.port import Dialplan

logger = logging.getLogger(__name__)

MAX_EXTENSION = 80  # digits, as Asterisk's AST_MAX_EXTENSION


def start(channel: Channel, prompt: str) -> Player | None:
    """Begin to play a prompt, unless there is none or the channel hears one already."""
    if not prompt or channel.is_hungup or channel.leg.stream.is_playing:
        return None
    path = channel.node.sounds.find(prompt, channel.language)
    return None if path is None else channel.play([FileSource(str(path))])


async def play(channel: Channel, prompt: str) -> None:
    """Play a prompt to its end, or until a digit is pressed.

    :raises ChannelHungUp: the channel ended.
    """
    if channel.is_hungup:
        raise ChannelHungUp(channel.hangup_cause)
    player = start(channel, prompt)
    if player is None:
        return

    def on_digit(_digit: str) -> None:
        player.stop()

    channel.digit_observers.append(on_digit)
    try:
        await channel.wait(player.done)
    finally:
        channel.digit_observers.remove(on_digit)
        player.stop()


async def ask_extension(
    dialplan: Dialplan, channel: Channel, context: str, settings: FeatureSettings
) -> str:
    """Ask for an extension of *context*, more than once if need be; empty if none comes.

    :raises ChannelHungUp: the channel ended.
    """
    await play(channel, settings.transferannouncesound)
    for attempt in range(settings.transferdialattempts):
        exten = await _collect(dialplan, channel, context, settings.transferdigittimeout)
        if exten and dialplan.has(context, exten, 1, channel.caller.number):
            return exten
        if not exten:
            break
        logger.info("%s: transfer to unknown %r@%s", channel.name, exten, context)
        if attempt + 1 < settings.transferdialattempts:
            await play(channel, settings.transferretrysound)
    await play(channel, settings.transferinvalidsound)
    return ""


async def _collect(dialplan: Dialplan, channel: Channel, context: str, timeout: float) -> str:
    number, clock = channel.caller.number, dialplan.node.clock
    exten = ""
    while len(exten) < MAX_EXTENSION and dialplan.plan.can_continue(
        context, exten, number, clock.wall()
    ):
        digit = await channel.wait_digit(timeout)
        if digit is None or digit == "#":
            break
        exten += digit
    return exten
