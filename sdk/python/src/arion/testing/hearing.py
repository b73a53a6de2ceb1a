"""Recognises a known sound in what a phone hears, with the standard library alone.

A piece of the sound, its key, is looked for by normalised cross-correlation; where it is found,
more pieces must be where they belong. That takes a few hundredths of the time that is listened to.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import itertools
import math
import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass

from arion.testing.audio import RATE, Audio

PIECE = RATE * 60 // 1000  # samples of a piece
STEP = 2  # samples between two attempts
KEY_WITHIN = RATE // 2  # the key is from the first half second
PIECES = 8  # that are compared
SLACK = 16  # samples that a piece may be off its place
CANDIDATE = 0.45  # correlation of a key that is worth a closer look
ALIKE = 0.7  # mean correlation of the pieces of the same sound
SILENT = 100.0**2 * PIECE  # energy of a piece below which there is nothing to hear
TONE_PART = 0.7  # of the energy, to call it a tone


class NotHeard(AssertionError):
    """A phone did not hear what its script expects."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sound.

    :param offset: where it begins in the sound, in samples.
    """

    offset: int
    samples: array.array[int]
    energy: float


class Ear:
    """Listens to a call; what was recognised is not looked at again."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self._heard = Heard(audio.heard)
        self._position = 0

    async def hears(self, name: str, sound: array.array[int], timeout: float, whole: bool) -> None:
        """Listen until a sound was heard.

        :param timeout: seconds.
        :param whole: to its end; else its first half second.
        :raises NotHeard: it was not, in time or before the call ended.
        """
        template = Template(sound if whole else sound[: KEY_WITHIN + PIECE])
        deadline = time.monotonic() + timeout
        position = self._position
        while True:
            self._heard.catch_up()
            while position + template.length <= len(self._heard):
                start = template.find_at(self._heard, position)
                if start is not None:
                    self._position = start + template.length
                    return
                position += STEP
            await self._more(name, deadline, timeout)

    async def hears_tone(self, hz: float, timeout: float) -> None:
        """Listen until a tone was heard for a tenth of a second.

        :raises NotHeard: it was not.
        """
        deadline = time.monotonic() + timeout
        size, heard = RATE // 10, self._audio.heard
        while True:
            while self._position + size <= len(heard):
                window = heard[self._position : self._position + size]
                self._position += size // 2
                if tone_part(window, hz) > TONE_PART:
                    return
            await self._more(f"a tone of {hz:g} Hz", deadline, timeout)

    async def hears_silence(self, seconds: float, timeout: float) -> None:
        """Listen until nothing was heard for so long, be it silence or no sound at all.

        :raises NotHeard: it did not get quiet.
        """
        deadline = time.monotonic() + timeout
        quiet_since, position = time.monotonic(), len(self._audio.heard)
        while (now := time.monotonic()) - quiet_since < seconds:
            if now > deadline:
                raise NotHeard(f"it did not get quiet within {timeout:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._audio.wait_more(), quiet_since + seconds - now)
            new = self._audio.heard[position:]
            position += len(new)
            if dot(new, new) > SILENT / PIECE * max(len(new), 1):
                quiet_since = time.monotonic()
            if self._audio.is_closed:
                break
        self._position = position

    async def _more(self, name: str, deadline: float, timeout: float) -> None:
        """Wait for more sound."""
        audio = self._audio
        if audio.is_closed:
            raise NotHeard(f"{name} was not heard before the call ended")
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await audio.wait_more()
        except TimeoutError:
            seconds = (len(audio.heard) - self._position) / RATE
            raise NotHeard(
                f"{name} was not heard within {timeout:g} s ({seconds:.1f} s of sound came)"
            ) from None


class Heard:
    """What was heard, with the energy of any part of it at hand."""

    def __init__(self, samples: array.array[int]) -> None:
        self.samples = samples
        self._squares = [0]  # their sum up to each sample

    def __len__(self) -> int:
        return len(self._squares) - 1

    def catch_up(self) -> None:
        """Take in what came since."""
        new = self.samples[len(self) :]
        total = itertools.accumulate((s * s for s in new), initial=self._squares.pop())
        self._squares.extend(total)

    def energy(self, start: int, end: int) -> int:
        """Return the sum of the squares of a part."""
        return self._squares[end] - self._squares[start]


class Template:
    """A sound that is looked for.

    :ivar length: samples that must have been heard to recognise it: silence at its end is not
        waited for.
    """

    def __init__(self, sound: array.array[int]) -> None:
        offsets = range(0, len(sound) - PIECE + 1, PIECE // 2)
        pieces = [_piece(sound, offset) for offset in offsets]
        loud = [piece for piece in pieces if piece.energy > SILENT]
        if not loud:
            raise ValueError("the sound is too short or too quiet to be recognised")
        self._key = max(
            (piece for piece in loud if piece.offset <= loud[0].offset + KEY_WITHIN),
            key=lambda piece: piece.energy,
        )
        size = -(-len(loud) // PIECES)
        groups = [loud[index : index + size] for index in range(0, len(loud), size)]
        self._pieces = [max(group, key=lambda piece: piece.energy) for group in groups]
        self.length = loud[-1].offset + PIECE

    def find_at(self, heard: Heard, position: int) -> int | None:
        """Return where the sound begins, if it is about there."""
        if correlation(self._key, heard, position) < CANDIDATE:
            return None
        start = max(
            range(position - STEP, position + STEP + 1),
            key=lambda candidate: correlation(self._key, heard, candidate),
        )
        found = [
            max(correlation(piece, heard, start + shift) for shift in range(-SLACK, SLACK + 1))
            for piece in self._pieces
        ]
        return start if sum(found) / len(found) > ALIKE else None


def correlation(piece: Piece, heard: Heard, start: int) -> float:
    """Return how much a piece is like what was heard, if the sound began at *start*; 1 is all."""
    at = start + piece.offset
    if at < 0 or at + PIECE > len(heard):
        return 0.0
    energy = heard.energy(at, at + PIECE)
    if energy < SILENT:
        return 0.0
    product = dot(piece.samples, heard.samples[at : at + PIECE])
    return product / math.sqrt(energy * piece.energy)


def tone_part(window: array.array[int], hz: float) -> float:
    """Return which part of the energy is at one frequency."""
    energy = dot(window, window)
    if energy < SILENT / PIECE * len(window):
        return 0.0
    step = 2 * math.pi * hz / RATE
    inphase = sum(sample * math.cos(step * n) for n, sample in enumerate(window))
    quadrature = sum(sample * math.sin(step * n) for n, sample in enumerate(window))
    return 2 * (inphase**2 + quadrature**2) / (len(window) * energy)


def dot(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the inner product."""
    return float(sum(map(operator.mul, one, other)))


def _piece(sound: array.array[int], offset: int) -> Piece:
    samples = sound[offset : offset + PIECE]
    return Piece(offset, samples, dot(samples, samples))
