"""Measures what a phone heard: where a known sound is, how loud a tone is, whether it stutters."""

from __future__ import annotations

import array
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from arion.testing.audio import RATE, Arrival, read_wav
from numpy.typing import NDArray

Signal = NDArray[np.float64]
FULL_SCALE_SINE = 3.14  # dBm0 of a sine whose peaks just reach full scale (G.711)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a sound was found.

    :param start: in samples.
    :param correlation: 1.0 for a perfect copy.
    """

    start: int
    correlation: float


def signal(samples: Sequence[int]) -> Signal:
    """Return 16-bit samples as an array."""
    return np.asarray(samples, dtype=np.float64)


def samples(wave: Signal) -> array.array[int]:
    """Return a signal as 16-bit samples."""
    return array.array("h", np.clip(np.round(wave), -32768, 32767).astype(np.int16).tobytes())


def load(path: Path) -> Signal:
    """Read a wav file."""
    return signal(read_wav(path))


def tone(hz: float, seconds: float, dbm0: float = -10.0) -> Signal:
    """Make a sine of this level."""
    peak = 32768 * 10 ** ((dbm0 - FULL_SCALE_SINE) / 20)
    return np.asarray(
        np.round(peak * np.sin(2 * math.pi * hz * np.arange(int(seconds * RATE)) / RATE))
    )


def find(wanted: Signal, heard: Signal) -> Match:
    """Find where *wanted* is best heard, by normalised cross-correlation."""
    if len(heard) < len(wanted):
        heard = np.pad(heard, (0, len(wanted) - len(heard)))
    size = 1 << (len(heard) + len(wanted) - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    products = np.fft.irfft(spectrum, size)[: len(heard) - len(wanted) + 1]
    squares = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = squares[len(wanted) :] - squares[: len(squares) - len(wanted)]
    scale = np.sqrt(np.maximum(energy, 1.0) * max(float(np.sum(wanted**2)), 1.0))
    start = int(np.argmax(products / scale))
    return Match(start, float(products[start] / scale[start]))


def level(heard: Signal, hz: float) -> float:
    """Return the level of a tone in dBm0; -90 if there is none."""
    if not len(heard):
        return -90.0
    phase = np.exp(-2j * math.pi * hz * np.arange(len(heard)) / RATE)
    peak = 2 * abs(np.dot(heard, phase)) / len(heard)
    return 20 * math.log10(max(peak, 1.0) / 32768) + FULL_SCALE_SINE


def levels(heard: Signal, hz: float, window_ms: int = 100) -> list[float]:
    """Return the level of a tone in each window: a gap shows as a dip."""
    size = RATE * window_ms // 1000
    return [level(heard[i : i + size], hz) for i in range(0, len(heard) - size + 1, size)]


def onset(heard: Signal, hz: float, threshold: float = -25.0) -> float:
    """Return when a tone begins, in seconds; raises ``ValueError`` if it never does."""
    size = RATE // 100
    for start in range(0, len(heard) - size, size // 2):
        if level(heard[start : start + size], hz) > threshold:
            return start / RATE
    raise ValueError(f"no tone of {hz} Hz")


def with_silence(heard: Signal, length: int) -> Signal:
    """Put silence before and after, so that what is cut off at an end can still be looked for."""
    return np.pad(heard, length)


def rms(heard: Signal) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0


def snr(wanted: Signal, got: Signal) -> float:
    """Return signal to noise of *got* against *wanted*, in dB."""
    noise = float(np.sum((wanted - got[: len(wanted)]) ** 2))
    return 10 * math.log10(max(float(np.sum(wanted**2)), 1.0) / max(noise, 1e-9))


def lost_packets(arrivals: Sequence[Arrival]) -> int:
    """Count the sequence numbers that are missing within each source's packets."""
    lost = 0
    for before, after in itertools.pairwise(arrivals):
        if before.ssrc == after.ssrc:
            lost += (after.sequence - before.sequence - 1) & 0xFFFF
    return lost


def longest_pause(arrivals: Sequence[Arrival]) -> float:
    """Return the longest time between two packets, in seconds."""
    times = [arrival.time for arrival in arrivals]
    return max((after - before for before, after in itertools.pairwise(times)), default=0.0)
