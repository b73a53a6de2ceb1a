"""conference: all callers meet in one bridge, with tones when somebody comes or goes.

See README.md; app.mjs does the same.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from arion import Bridge, Channel, Client

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))
from demo import run_app

APP = "conference"


class Conference:
    """One room, there while somebody is in it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._members: set[str] = set()  # ids of the channels inside
        self._bridge: Bridge | None = None
        self._changing = asyncio.Lock()

    async def handle(self, channel: Channel, args: list[str]) -> None:
        """Handle one call."""
        try:
            await self.join(channel)
            await channel.wait_gone()
        finally:
            await self.leave(channel)

    async def join(self, channel: Channel) -> None:
        """Let a caller in, and tell everybody."""
        await channel.answer()
        async with self._changing:
            if self._bridge is None:
                self._bridge = await self._client.bridges.create(bridge_type="mixing", name=APP)
            await self._bridge.add(channel)
            self._members.add(channel.id)
            print(f"{APP}: {channel.id} joined, {len(self._members)} inside", flush=True)
            is_alone = len(self._members) == 1
            await self._bridge.play(
                "sound:conf-onlyperson" if is_alone else "sound:confbridge-join"
            )

    async def leave(self, channel: Channel) -> None:
        """A caller is gone: tell who is left, or end the room."""
        async with self._changing:
            self._members.discard(channel.id)
            if self._bridge is None:
                return
            print(f"{APP}: {channel.id} left, {len(self._members)} inside", flush=True)
            if self._members:
                await self._bridge.play("sound:confbridge-leave")
            else:
                await self._bridge.destroy()
                self._bridge = None


if __name__ == "__main__":
    run_app(APP, lambda client: Conference(client).handle)
