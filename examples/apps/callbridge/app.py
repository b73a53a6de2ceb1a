"""callbridge: rings a second phone, with music for the caller, and bridges both.

See README.md; app.mjs does the same.
"""

from __future__ import annotations

import logging

import arion

RING_S = 30

logger = logging.getLogger("callbridge")


async def callbridge(caller: arion.Channel, args: list[str]) -> None:
    """Handle one call; ``Stasis(callbridge,PJSIP/bob)`` says whom to ring."""
    await caller.answer()
    await caller.start_moh()
    try:
        called = await caller.client.dial(args[0], caller=caller, timeout=RING_S)
    except (arion.NotAnswered, arion.BadRequest, arion.ServerFailed) as failure:
        logger.info("%s: %s", args[0], failure)
        await caller.stop_moh()
        await caller.say("sound:vm-nobodyavail")
    else:
        await caller.stop_moh()
        await connect(caller, called)
    await caller.hangup()


async def connect(caller: arion.Channel, called: arion.Channel) -> None:
    """Bridge the two until one of them hangs up."""
    try:
        async with caller.client.bridge() as bridge:
            await bridge.add(caller, called)
            logger.info("%s talks to %s", caller.id, called.id)
            await caller.client.first_gone(caller, called)
    finally:
        await called.hangup()


if __name__ == "__main__":
    arion.run("callbridge", callbridge)
