"""A call's speech recognition: the recognizer it made, and how a recognition has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from server.resources.channel import Channel
from server.resources.speech import Recognizer, SpeechResult, SpeechState

DTMF_SCORE = 1_000  # nobody mishears a key


class Speech:
    """What SpeechCreate() made."""

    def __init__(self, recognizer: Recognizer, channel: Channel) -> None:
        self.recognizer = recognizer
        self.has_spoken = False
        self.dialled = ""  # keys pressed instead of speaking
        self.is_done = False
        self.processing_sound = ""
        self.wake: Callable[[], None] = _nothing
        self._channel = channel
        channel.on_end.append(self.close)

    @property
    def results(self) -> Sequence[SpeechResult]:
        """What was recognised, or the keys that were pressed."""
        if self.dialled:
            return [SpeechResult(self.dialled, DTMF_SCORE, "dtmf")]
        return self.recognizer.results

    def find(self, result: int, alternative: int) -> SpeechResult | None:
        """Return a result by its number and that of the alternative."""
        alike = [each for each in self.results if each.alternative == alternative]
        return alike[result] if 0 <= result < len(alike) else None

    def start(self) -> None:
        """Listen anew.

        :raises ServerError: the engine can't.
        """
        self.has_spoken = self.is_done = False
        self.dialled = ""
        self.recognizer.start(self._channel.leg.stream, self._on_state)

    def close(self) -> None:
        """End it. May be called again."""
        self.recognizer.close()
        if self.close in self._channel.on_end:
            self._channel.on_end.remove(self.close)

    async def changed(self, deadline: float | None) -> bool:
        """Wait until something happened; ``False`` at the deadline.

        :raises ChannelHungUp: the channel ended.
        """
        loop = asyncio.get_running_loop()
        gate: asyncio.Future[bool] = loop.create_future()

        def settle(is_news: bool = True) -> None:
            if not gate.done():
                gate.set_result(is_news)

        self.wake = settle
        timer = None if deadline is None else loop.call_at(deadline, settle, False)
        try:
            return await self._channel.wait(gate)
        finally:
            self.wake = _nothing
            if timer is not None:
                timer.cancel()

    def _on_state(self, state: SpeechState) -> None:
        self.has_spoken = self.has_spoken or state is not SpeechState.LISTENING
        self.is_done = self.is_done or state is SpeechState.DONE
        self.wake()


def _nothing() -> None:
    """Nobody waits."""
