"""queue: callers wait with music until an agent is free. See README.md."""

from __future__ import annotations

import asyncio
import logging

import arion

RING_S = 15  # that an agent's phone rings
REST_S = 5.0  # for an agent who did not answer

logger = logging.getLogger("queue")


class Queue:
    """Agents log in by phone; the one who is free the longest takes the next caller.

    ``Stasis(queue)`` waits in the queue; ``Stasis(queue,login,PJSIP/bob)`` logs an agent in, and
    ``Stasis(queue,logout,PJSIP/bob)`` out.
    """

    def __init__(self) -> None:
        self._free: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)
        self._agents: set[str] = set()
        self._waiting: list[str] = []  # ids of the callers, the first one first
        self._turn = asyncio.Lock()  # who holds it is the next to get an agent; first come first

    async def handle(self, channel: arion.Channel, args: list[str]) -> None:
        """Handle one call."""
        await channel.answer()
        match args:
            case ["login", agent]:
                if agent not in self._agents:
                    self._agents.add(agent)
                    self._free.put_nowait(agent)
                await channel.say("sound:agent-loginok")
            case ["logout", agent]:
                self._agents.discard(agent)
                await channel.say("sound:agent-loggedoff")
            case _:
                await self._serve(channel)
        await channel.hangup()

    async def _serve(self, caller: arion.Channel) -> None:
        self._waiting.append(caller.id)
        try:
            if len(self._waiting) > 1:
                count = len(self._waiting) - 1
                await caller.say(["sound:queue-thereare", f"number:{count}"])
            await caller.start_moh()
            agent, channel = await self._next_agent_while(caller)
        finally:
            self._waiting.remove(caller.id)
        try:
            await self._talk(caller, channel)
        finally:
            self._free.put_nowait(agent)

    async def _next_agent_while(self, caller: arion.Channel) -> tuple[str, arion.Channel]:
        """Return an agent who took the call; raise when the caller is gone first."""
        waiting = asyncio.create_task(self._next_agent(caller))
        leaving = asyncio.create_task(caller.wait_gone())
        try:
            await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise leaving.result()
            return waiting.result()
        finally:
            waiting.cancel()
            leaving.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)

    async def _next_agent(self, caller: arion.Channel) -> tuple[str, arion.Channel]:
        """Return an agent who took the call."""
        async with self._turn:
            while True:
                agent = await self._free.get()
                if agent not in self._agents:
                    continue  # logged out meanwhile
                try:
                    channel = await caller.client.dial(agent, caller=caller, timeout=RING_S)
                except arion.NotAnswered as failure:
                    logger.info("%s did not answer: %s", agent, failure)
                    asyncio.get_running_loop().call_later(REST_S, self._free.put_nowait, agent)
                except BaseException:  # the caller gave up
                    self._free.put_nowait(agent)
                    raise
                else:
                    return agent, channel

    async def _talk(self, caller: arion.Channel, agent: arion.Channel) -> None:
        try:
            await caller.stop_moh()
            async with caller.client.bridge() as bridge:
                await bridge.add(caller, agent)
                await caller.client.first_gone(caller, agent)
        finally:
            await agent.hangup()


if __name__ == "__main__":
    arion.run("queue", Queue().handle)
