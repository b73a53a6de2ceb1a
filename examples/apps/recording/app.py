"""recording: records a call between two, and pauses at the press of *. See README.md."""

from __future__ import annotations

import asyncio
import logging
import time

import arion

PAUSE = "*"

logger = logging.getLogger("recording")


async def recording(caller: arion.Channel, args: list[str]) -> None:
    """Handle one call; ``Stasis(recording,PJSIP/bob)`` says whom to ring."""
    await caller.answer()
    try:
        called = await caller.client.dial(args[0], caller=caller)
    except arion.NotAnswered:
        await caller.say("sound:vm-nobodyavail")
        await caller.hangup()
        return
    try:
        async with caller.client.bridge() as bridge:
            await bridge.add(caller, called)
            recording = await bridge.record(f"calls/{time.time_ns()}")
            logger.info("recording %s", recording.name)
            following = asyncio.create_task(follow(caller, recording))
            await caller.client.first_gone(caller, called)
            following.cancel()
            await recording.stop()
            await recording.finished(timeout=10)
    finally:
        await called.hangup()
        await caller.hangup()


async def follow(caller: arion.Channel, recording: arion.LiveRecording) -> None:
    """Pause and go on as the caller wishes, say while a card number is told."""
    is_paused = False
    async for event in caller.events(arion.ChannelDtmfReceived):
        if event.digit == PAUSE:
            await (recording.unpause() if is_paused else recording.pause())
            is_paused = not is_paused
            logger.info("%s is %s", recording.name, "paused" if is_paused else "going on")


if __name__ == "__main__":
    arion.run("recording", recording)
