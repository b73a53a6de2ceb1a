"""Blind transfer by digits, as one of two who talk asks for it (Dial()'s ``t`` and ``T``)."""

from __future__ import annotations

import logging

from server.base.errors import ChannelHungUp
from server.dialplan.executor import Call
from server.media.streams import FileSource
from server.resources.channel import Channel

logger = logging.getLogger(__name__)

TRANSFER_DIGIT = "#"  # features.conf's default "blindxfer"
DIGIT_TIMEOUT = 3.0  # seconds between digits: features.conf's "transferdigittimeout"
MAX_EXTENSION = 80
PROMPT = "pbx-transfer"
INVALID_PROMPT = "pbx-invalid"


async def ask_target(call: Call, transferer: Channel, other: Channel) -> tuple[str, str] | None:
    """Ask *transferer* where to, while *other* hears music.

    :param call: of the controlling channel, one of the two; everything is awaited through it.
    :returns: context and extension, ``None`` if there is no such extension.
    :raises ChannelHungUp: one of the two hung up; ask which.
    """
    context = _context(call, transferer)
    transferer.flush_digits()
    other.set_background("music", other.music_class)
    try:
        await _play(call, transferer, PROMPT)
        exten = await _collect(call, transferer, context)
        if exten and call.dialplan.has(context, exten, 1, other.caller.number):
            return context, exten
        logger.info("%s: transfer to unknown %r@%s", call.where, exten, context)
        await _play(call, transferer, INVALID_PROMPT)
        return None
    finally:
        other.set_background(None)
        transferer.flush_digits()


def _context(call: Call, transferer: Channel) -> str:
    """Return where the transferer's digits are looked up: TRANSFER_CONTEXT, else its own context.

    A dialled channel has been in no context yet: its endpoint's counts, if the technology tells,
    else the caller's.
    """
    chosen = transferer.variables.get("TRANSFER_CONTEXT") or call.dialplan.globals.get(
        "TRANSFER_CONTEXT"
    )
    if chosen:
        return chosen
    if transferer is call.channel:
        return transferer.context
    return transferer.leg.info("context") or call.channel.context


async def _collect(call: Call, transferer: Channel, context: str) -> str:
    plan, clock = call.dialplan.plan, call.dialplan.node.clock
    number = transferer.caller.number
    exten = ""
    while len(exten) < MAX_EXTENSION and plan.can_continue(context, exten, number, clock.wall()):
        digit = await _through(call, transferer, DIGIT_TIMEOUT)
        if digit is None or digit == "#":
            break
        exten += digit
    return exten


async def _through(call: Call, channel: Channel, timeout: float) -> str | None:
    """Wait for a digit of *channel*, but no longer than the controlling channel lives."""
    if channel is call.channel:
        return await channel.wait_digit(timeout)
    return await call.channel.wait(channel.wait_digit(timeout))


async def _play(call: Call, channel: Channel, prompt: str) -> None:
    path = call.dialplan.node.sounds.find(prompt, channel.language)
    if path is None:
        return
    if channel.is_hungup:
        raise ChannelHungUp(channel.hangup_cause)
    player = channel.play([FileSource(str(path))])

    def on_digit(_digit: str) -> None:
        player.stop()

    channel.digit_observers.append(on_digit)
    try:
        await call.channel.wait(player.done)
    finally:
        channel.digit_observers.remove(on_digit)
        player.stop()
