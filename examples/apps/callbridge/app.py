"""callbridge: rings a second phone, with music for the caller, and bridges both.

See README.md; app.mjs does the same.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from arion import ApiError, Channel, ChannelGone, Client, StasisStart

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))
from demo import run_app

APP = "callbridge"
RING_S = 30


class CallBridge:
    """Handles the calls; ``Stasis(callbridge,PJSIP/bob)`` says whom to ring."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def handle(self, caller: Channel, args: list[str]) -> None:
        """Handle one call."""
        if args == ["dialed"]:
            return  # ring() waits for this one
        await caller.answer()
        await caller.start_moh()
        called = await self.ring(caller, args[0])
        await caller.stop_moh()
        if called is None:
            await caller.say("sound:vm-nobodyavail")
        else:
            await self.connect(caller, called)
        await caller.hangup()

    async def ring(self, caller: Channel, endpoint: str) -> Channel | None:
        """Ring the endpoint; return its channel once it is answered, ``None`` if it never is."""
        try:
            called = await self._client.channels.originate(
                endpoint=endpoint,
                app=APP,
                app_args="dialed",
                originator=caller.id,
                caller_id=f"{caller.caller.name} <{caller.caller.number}>",
                timeout=RING_S,
            )
        except ApiError as error:
            print(f"{APP}: {endpoint}: {error.message}", flush=True)
            return None
        is_answered = False
        try:
            answer = called.wait_for(StasisStart)
            is_answered = await first(answer, caller.wait_gone()) is not None
        except ChannelGone:
            return None
        finally:
            if not is_answered:
                await called.hangup()
        return called

    async def connect(self, caller: Channel, called: Channel) -> None:
        """Bridge the two until one of them hangs up."""
        bridge = await self._client.bridges.create(bridge_type="mixing")
        try:
            await bridge.add(caller, called)
            print(f"{APP}: {caller.id} talks to {called.id}", flush=True)
            await first(caller.wait_gone(), called.wait_gone())
        finally:
            await bridge.destroy()
            await called.hangup()


async def first(*coroutines: Coroutine[Any, Any, Any]) -> Any:
    """Return or raise what the first one that ends does; end the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    run_app(APP, lambda client: CallBridge(client).handle)
