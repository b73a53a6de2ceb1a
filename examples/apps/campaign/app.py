"""campaign: calls a list of numbers, and tells people from answering machines. See README.md."""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

import arion

APP = "campaign"
AT_ONCE = 5
RING_S = 25
GREETING_S = 10  # to listen at most
PAUSE_S = 1  # silence that ends a greeting
LONGEST_HELLO_S = 3  # a greeting that goes on longer is a machine's

logger = logging.getLogger(APP)


class Outcome(StrEnum):
    """How a call went."""

    NOT_ANSWERED = "not answered"
    MACHINE = "machine"
    TOLD = "told"
    ACCEPTED = "accepted"


Detector = Callable[[arion.Channel], Awaitable[bool]]


async def is_machine(channel: arion.Channel) -> bool:
    """Tell by the length of the greeting: people say hello, machines talk on.

    This is the hook: anything that listens to the channel can stand here.
    """
    name = f"campaign/{uuid.uuid4()}"
    greeting = await channel.record(name, max_duration=GREETING_S, max_silence=PAUSE_S)
    ended = await greeting.finished(timeout=GREETING_S + 5)
    await (await ended.stored()).delete()
    return (ended.duration or 0) - PAUSE_S > LONGEST_HELLO_S


class Campaign:
    """Calls everybody on a list, a few at a time.

    :param detect: tells whether a machine answered.
    """

    def __init__(
        self, client: arion.Client, *, detect: Detector = is_machine, at_once: int = AT_ONCE
    ) -> None:
        self._client = client
        self._detect = detect
        self._room = asyncio.Semaphore(at_once)

    async def run(self, endpoints: Iterable[str]) -> dict[str, Outcome]:
        """Call them all; return how each call went."""
        names = list(endpoints)
        outcomes = await asyncio.gather(*(self._call_in_turn(name) for name in names))
        return dict(zip(names, outcomes, strict=True))

    async def _call_in_turn(self, endpoint: str) -> Outcome:
        async with self._room:
            outcome = await self.call(endpoint)
            logger.info("%s: %s", endpoint, outcome)
            return outcome

    async def call(self, endpoint: str) -> Outcome:
        """Call one."""
        try:
            channel = await self._client.dial(endpoint, app=APP, timeout=RING_S)
        except (arion.NotAnswered, arion.ApiError) as failure:
            logger.info("%s: %s", endpoint, failure)
            return Outcome.NOT_ANSWERED
        try:
            if await self._detect(channel):
                return Outcome.MACHINE
            key = await channel.ask("sound:vm-tocallback")
            if key == "1":
                await channel.say("sound:auth-thankyou")
                return Outcome.ACCEPTED
        except arion.ChannelGone:
            pass  # hung up on us: was told what there was time for
        finally:
            await channel.hangup()
        return Outcome.TOLD


async def nobody_calls(channel: arion.Channel, args: list[str]) -> None:
    """Turn away who dials the application itself."""
    await channel.hangup("congestion")


async def main(endpoints: list[str]) -> None:
    """Call the endpoints that the command line names."""
    logging.basicConfig(level=logging.INFO)
    async with arion.Client() as client, client.events(APP):
        for endpoint, outcome in (await Campaign(client).run(endpoints)).items():
            print(f"{endpoint}\t{outcome}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
