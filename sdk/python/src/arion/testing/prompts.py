"""Sounds for tests: short ones that are made up, and those that a server has."""

from __future__ import annotations

import array
import math
import random
from pathlib import Path

from arion.testing.audio import RATE, write_wav

BURST_S = 0.02
LENGTH_S = 0.4
PEAK = 9000
LANGUAGES = ("en", "")


def make_prompt(path: Path, *, seconds: float = LENGTH_S) -> None:
    """Write a sound that is like no other: bursts of tones that follow from its file's name.

    A test with such prompts takes as long as they do, and not as long as somebody would speak.
    """
    write_wav(path, tones(path.stem + path.parent.name, seconds))


def tones(seed: str, seconds: float = LENGTH_S) -> array.array[int]:
    """Return the samples of a sound that follows from its seed."""
    chance = random.Random(seed)
    samples = array.array("h")
    phase = 0.0
    for _ in range(round(seconds / BURST_S)):
        step = 2 * math.pi * chance.uniform(300, 1800) / RATE
        for _ in range(round(BURST_S * RATE)):
            phase += step
            samples.append(round(PEAK * math.sin(phase)))
    return samples


def find_sound(sounds: Path | None, name: str) -> Path:
    """Return the wav file of a server's sound.

    :param sounds: its folder of sounds, with a folder for each language.
    :param name: without extension; ``sound:`` before it is fine.
    :raises FileNotFoundError: there is none, or not as wav.
    """
    name = name.removeprefix("sound:")
    if sounds is None:
        raise FileNotFoundError(f"where {name} is: the phone was not given the server's sounds")
    for language in LANGUAGES:
        path = sounds / language / f"{name}.wav"
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name}.wav is not among the sounds in {sounds}")
