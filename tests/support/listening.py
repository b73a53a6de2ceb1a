"""Lets a fake stream be heard: says to every scan of it what the engine would report."""

from __future__ import annotations

from server.media.scans import LOUD, Heard
from server.media.streams import Stream
from tests.support.node import settle

STEP_MS = 20


class Voice:
    """What a caller says, on the clock of the audio."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.now_ms = 0

    async def sound(self, ms: int, mask: int, step_ms: int = STEP_MS) -> None:
        """Let so much audio of one kind be heard, reported every *step_ms*."""
        end = self.now_ms + ms
        while self.now_ms < end and self.stream._scans:
            since, self.now_ms = self.now_ms, self.now_ms + step_ms
            for tag in list(self.stream._scans):
                self.stream.handle_heard(tag, Heard(mask, since, self.now_ms))
            await settle()

    async def speak(self, ms: int) -> None:
        """Something loud."""
        await self.sound(ms, LOUD)

    async def silence(self, ms: int) -> None:
        """Nothing."""
        await self.sound(ms, 0)

    async def tones(self, ms: int, bits: int) -> None:
        """Tones, loud ones; *bits* as in :attr:`Heard.tones`."""
        await self.sound(ms, bits << 1 | LOUD, 40)
