"""conference: rooms with tones when somebody comes or goes, and a moderator who can steer them.

See README.md; app.mjs does the same.
"""

from __future__ import annotations

import asyncio
import logging

import arion

MODERATOR = "moderator"
DEFAULT_ROOM = "conference"

logger = logging.getLogger("conference")


class Room:
    """Members in a bridge; there while somebody is in it."""

    def __init__(self, client: arion.Client, name: str) -> None:
        self._client = client
        self._name = name
        self._members: list[arion.Channel] = []
        self._bridge: arion.Bridge | None = None
        self._changing = asyncio.Lock()
        self.is_muted = False
        self.is_locked = False

    async def join(self, channel: arion.Channel) -> None:
        """Let a caller in, and tell everybody."""
        async with self._changing:
            if self._bridge is None:
                self._bridge = await self._client.bridges.create(
                    bridge_type="mixing", name=self._name
                )
            await self._bridge.add(channel)
            self._members.append(channel)
            logger.info("%s joined %s, %d inside", channel.id, self._name, len(self._members))
            is_alone = len(self._members) == 1
            await self._bridge.play(
                "sound:conf-onlyperson" if is_alone else "sound:confbridge-join"
            )

    async def leave(self, channel: arion.Channel) -> None:
        """A caller is gone: tell who is left, or end the room."""
        async with self._changing:
            if channel.id not in [m.id for m in self._members] or self._bridge is None:
                return
            self._members.remove(channel)
            logger.info("%s left %s, %d inside", channel.id, self._name, len(self._members))
            if self._members:
                await self._bridge.play("sound:confbridge-leave")
            else:
                await self._bridge.destroy()
                self._bridge = None
                self.is_muted = self.is_locked = False

    async def set_muted(self, is_muted: bool, moderator: arion.Channel) -> None:
        """Silence everybody else, or let them speak again."""
        self.is_muted = is_muted
        for member in self._others(moderator):
            await (member.mute("in") if is_muted else member.unmute("in"))
        await self.announce("sound:conf-muted" if is_muted else "sound:conf-unmuted")

    async def set_locked(self, is_locked: bool) -> None:
        """Let nobody in any more, or everybody again."""
        self.is_locked = is_locked
        await self.announce("sound:conf-lockednow" if is_locked else "sound:conf-unlockednow")

    async def remove_others(self, moderator: arion.Channel) -> None:
        """Hang up on everybody else."""
        for member in self._others(moderator):
            await member.hangup()

    async def announce(self, media: str) -> None:
        """Play something to all."""
        if self._bridge is not None:
            await self._bridge.play(media)

    def _others(self, channel: arion.Channel) -> list[arion.Channel]:
        return [member for member in self._members if member.id != channel.id]


class Conference:
    """Handles the calls; ``Stasis(conference[,ROOM[,moderator]])`` says who comes where."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    async def handle(self, channel: arion.Channel, args: list[str]) -> None:
        """Handle one call."""
        name = args[0] if args else DEFAULT_ROOM
        is_moderator = MODERATOR in args[1:]
        room = self._rooms.setdefault(name, Room(channel.client, name))
        await channel.answer()
        if room.is_locked and not is_moderator:
            await channel.say("sound:conf-locked")
            await channel.hangup()
            return
        try:
            await room.join(channel)
            if is_moderator:
                await self._moderate(room, channel)
            else:
                if room.is_muted:
                    await channel.mute("in")
                await channel.wait_gone()
        finally:
            await room.leave(channel)

    async def _moderate(self, room: Room, moderator: arion.Channel) -> None:
        """1 silences, 2 locks, each press the other way round; 9 ends the conference."""
        while key := await moderator.digit():
            if key == "1":
                await room.set_muted(not room.is_muted, moderator)
            elif key == "2":
                await room.set_locked(not room.is_locked)
            elif key == "9":
                await room.remove_others(moderator)
                await moderator.hangup()


if __name__ == "__main__":
    arion.run("conference", Conference().handle)
