"""What becomes of a call whose worker is gone, unless the program says otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from arion._errors import Conflict, NotFound
from arion._inbox import DIALLED
from arion._types import Bridge, Channel, StasisReoffered


async def take_over(
    event: StasisReoffered, handler: Callable[[Channel, list[str]], Awaitable[None]]
) -> None:
    """Let those who talk go on, hang up a phone that was being called, or begin anew."""
    channel = event.channel
    if event.bridges and len(event.bridges[0].channels) > 1:
        await channel.wait_gone()
        await _end_if_alone(event.bridges[0])
    elif channel.id.startswith(DIALLED):
        await channel.hangup()
    else:
        await _tidy(event)
        await handler(channel, event.args)


async def _end_if_alone(bridge: Bridge) -> None:
    """Nobody is left who would end a bridge, and the call of the last one in it."""
    left = (await bridge.refresh()).channels
    if len(left) < 2:
        for channel_id in left:
            await bridge.client.channels.hangup(channel_id)
        await bridge.destroy()


async def _tidy(event: StasisReoffered) -> None:
    """Stop what the former worker began."""
    for recording in event.recordings:
        try:
            await recording.stop()
        except (Conflict, NotFound):
            pass  # it has just ended
    for playback in event.playbacks:
        await playback.stop()
    await event.channel.stop_moh()
    for bridge in event.bridges:
        await bridge.destroy()
