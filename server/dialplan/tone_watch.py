"""Listens for tones on a channel while its dialplan goes on: TONE_DETECT."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from server.base.errors import ServerError
from server.dialplan.call_progress import WINDOW_MS, ProgressDetector, ProgressTones
from server.dialplan.hearing import Run
from server.media.scans import NEVER_LOUD, Heard, Scan, ScanSettings
from server.media.streams import Stream
from server.resources.channel import Channel

DIRECTIONS = ("rx", "tx")  # what the channel says, what it hears

# Asterisk compares a tone's power with that of the whole in its window of so many samples
_WINDOW_SAMPLES = 182


def tone_settings(hz: int, decibels: int) -> ScanSettings:
    """Return how to listen for one tone that stands out by so many decibels, as Asterisk does."""
    share = min(max(10 ** (min(decibels, 30) / 10) / _WINDOW_SAMPLES, 0.01), 0.95)
    return ScanSettings(
        (hz,),
        threshold=NEVER_LOUD,
        window_ms=WINDOW_MS,
        share=share,
        interval_ms=WINDOW_MS,
        repeats_idle=False,
    )


class ToneCounter:
    """Counts how often a tone has lasted long enough: once for each time it is there."""

    def __init__(self, required_ms: int) -> None:
        self._required_ms = required_ms
        self._run = Run()
        self._is_counted = False

    def hear(self, heard: Heard) -> bool:
        """Take a report; tell whether the tone is to be counted now."""
        length_ms = self._run.add(heard, holds=bool(heard.tones))
        if length_ms < self._required_ms:
            self._is_counted = self._is_counted and length_ms > 0
            return False
        is_new = not self._is_counted
        self._is_counted = True
        return is_new


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to listen for.

    :param hz: a tone, 0 for none.
    :param signals: statuses of :class:`ProgressDetector` that count as well.
    """

    hz: int
    required_ms: int
    decibels: int
    signals: Collection[str]


class ToneWatch:
    """Counts what is wanted, in the directions asked for, until it is closed.

    :param on_match: called with ``rx`` or ``tx`` each time.
    """

    def __init__(self, channel: Channel, on_match: Callable[[str], None]) -> None:
        self.counts = dict.fromkeys(DIRECTIONS, 0)
        self._channel = channel
        self._on_match = on_match
        self._scans: list[Scan] = []
        self._snoop: Stream | None = None

    def begin(self, wanted: Wanted, directions: Collection[str]) -> None:
        """Start to listen.

        :raises ServerError: the media engine has no room.
        """
        try:
            if "rx" in directions:
                self._listen("rx", self._channel.leg.stream, wanted)
            if "tx" in directions:
                engine = self._channel.node.engine
                self._snoop = engine.open_snoop(self._channel.leg.stream, spy="out")
                self._listen("tx", self._snoop, wanted)
        except ServerError:
            self.close()
            raise
        self._channel.on_end.append(self.close)

    def close(self) -> None:
        """Stop. May be called again."""
        for scan in self._scans:
            scan.stop()
        self._scans.clear()
        if self._snoop is not None:
            self._snoop.close()
            self._snoop = None

    def _listen(self, direction: str, stream: Stream, wanted: Wanted) -> None:
        if wanted.hz:
            counter = ToneCounter(wanted.required_ms)

            def on_tone(heard: Heard) -> None:
                if counter.hear(heard):
                    self._match(direction)

            self._scans.append(stream.scan(tone_settings(wanted.hz, wanted.decibels), on_tone))
        if wanted.signals:
            self._scans.append(self._listen_for_signals(direction, stream, wanted.signals))

    def _listen_for_signals(self, direction: str, stream: Stream, signals: Collection[str]) -> Scan:
        tones = ProgressTones(self._channel.node.settings.indications, self._channel.tone_zone)
        detector = ProgressDetector(tones, finds_fax=False, finds_voice=False)
        last: list[str | None] = [None]

        def on_heard(heard: Heard) -> None:
            found = detector.hear(heard)
            if found in signals and found != last[0]:
                self._match(direction)
            if found or not heard.tones:
                last[0] = found

        return stream.scan(tones.settings(hears_voice=False), on_heard)

    def _match(self, direction: str) -> None:
        self.counts[direction] += 1
        self._on_match(direction)
