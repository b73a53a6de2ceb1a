"""followme: finds somebody at one of several phones. See README.md."""

from __future__ import annotations

import asyncio
import logging

import arion

RING_S = 15
ACCEPT = "1"

logger = logging.getLogger("followme")


async def followme(caller: arion.Channel, args: list[str]) -> None:
    """Handle one call.

    ``Stasis(followme,PJSIP/bob,PJSIP/carol&PJSIP/alice)`` rings one phone, then two at once.
    """
    await caller.answer()
    await caller.ring()
    for places in args:
        called = await find(caller, places.split("&"))
        if called is not None:
            await caller.ring_stop()
            await connect(caller, called)
            return
    await caller.ring_stop()
    await caller.say("sound:vm-nobodyavail")
    await caller.hangup()


async def find(caller: arion.Channel, places: list[str]) -> arion.Channel | None:
    """Ring several phones at once; return the first one whose owner accepts."""
    trying = [asyncio.create_task(offer(caller, place)) for place in places]
    try:
        for attempt in asyncio.as_completed(trying):
            channel = await attempt
            if channel is not None:
                return channel
        return None
    finally:
        for task in trying:
            task.cancel()
        await asyncio.gather(*trying, return_exceptions=True)


async def offer(caller: arion.Channel, place: str) -> arion.Channel | None:
    """Ring one phone, and ask: a mailbox that answers presses no key."""
    try:
        channel = await caller.client.dial(place, caller=caller, timeout=RING_S)
    except arion.NotAnswered as failure:
        logger.info("%s: %s", place, failure)
        return None
    is_accepted = False
    try:
        is_accepted = await channel.ask("sound:followme/options") == ACCEPT
    except arion.ChannelGone:
        logger.info("%s hung up", place)
    finally:
        if not is_accepted:
            await channel.hangup()
    return channel if is_accepted else None


async def connect(caller: arion.Channel, called: arion.Channel) -> None:
    """Bridge the two until one of them hangs up."""
    try:
        async with caller.client.bridge() as bridge:
            await bridge.add(caller, called)
            await caller.client.first_gone(caller, called)
    finally:
        await called.hangup()
        await caller.hangup()


if __name__ == "__main__":
    arion.run("followme", followme)
