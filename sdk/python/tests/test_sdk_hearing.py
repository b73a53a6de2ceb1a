"""What a scripted phone recognises, and what it does not."""

from __future__ import annotations

import array
import asyncio
import math
import random
from pathlib import Path

import pytest
from arion.testing import RATE, NotHeard, make_prompt, read_wav
from arion.testing.audio import Audio, decode, encode
from arion.testing.hearing import Ear
from arion.testing.prompts import find_sound, tones


def silence(seconds: float) -> array.array[int]:
    return array.array("h", bytes(2 * int(seconds * RATE)))


def over_the_wire(samples: array.array[int], payload_type: int = 0) -> array.array[int]:
    return decode(encode(samples, payload_type), payload_type)


def heard(*parts: array.array[int]) -> Ear:
    """A call that heard this, and is over."""
    audio = Audio()
    for part in parts:
        audio.heard.extend(part)
    audio.close()
    return Ear(audio)


@pytest.mark.parametrize("payload_type", [0, 8])
@pytest.mark.parametrize("lead", [0, 1, 333, 8001])
async def test_a_prompt_is_recognised_wherever_it_is(payload_type: int, lead: int) -> None:
    sound = tones("welcome")
    ear = heard(silence(lead / RATE), over_the_wire(sound, payload_type), silence(0.1))
    await ear.hears("welcome", sound, 5, whole=True)


async def test_prompts_are_recognised_in_their_order() -> None:
    one, two = tones("one"), tones("two")
    ear = heard(over_the_wire(one), over_the_wire(two), silence(0.2))
    await ear.hears("one", one, 5, whole=True)
    await ear.hears("two", two, 5, whole=True)
    with pytest.raises(NotHeard):
        await ear.hears("one", one, 5, whole=True)


async def test_another_prompt_is_not_recognised() -> None:
    for number in range(20):
        with pytest.raises(NotHeard, match="the call ended"):
            await heard(tones(f"other {number}")).hears("one", tones("one"), 5, whole=True)


async def test_noise_is_nothing() -> None:
    chance = random.Random(1)
    noise = array.array("h", (chance.randrange(-9000, 9000) for _ in range(2 * RATE)))
    with pytest.raises(NotHeard):
        await heard(noise).hears("one", tones("one"), 5, whole=True)


async def test_a_quieter_prompt_in_noise_is_recognised() -> None:
    chance = random.Random(1)
    sound = tones("welcome")
    quiet = array.array("h", (s // 4 + chance.randrange(-300, 300) for s in sound))
    await heard(silence(0.3), over_the_wire(quiet), silence(0.1)).hears(
        "welcome", sound, 5, whole=True
    )


async def test_half_a_prompt_is_enough_only_for_who_says_so() -> None:
    sound = tones("long", 1.2)
    half = sound[: 7 * RATE // 10]
    await heard(half).hears("long", sound, 5, whole=False)
    with pytest.raises(NotHeard):
        await heard(half).hears("long", sound, 5, whole=True)


async def test_a_tone_is_recognised_by_its_frequency() -> None:
    tone = array.array(
        "h", (round(8000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE))
    )
    await heard(silence(0.5), over_the_wire(tone)).hears_tone(440, 5)
    with pytest.raises(NotHeard):
        await heard(over_the_wire(tone)).hears_tone(480, 5)


async def test_what_does_not_come_times_out() -> None:
    ear = Ear(Audio())
    with pytest.raises(NotHeard, match=r"within 0\.02 s"):
        await ear.hears("one", tones("one"), 0.02, whole=True)


async def test_silence_is_waited_for() -> None:
    audio = Audio()
    ear = Ear(audio)
    audio.heard.extend(tones("before"))  # was heard before anybody listened
    await ear.hears_silence(0.05, 5)

    async def speak() -> None:
        for _ in range(5):
            await asyncio.sleep(0.02)
            audio.heard.extend(tones("on and on", 0.02))
            audio._changed.set()

    speaking = asyncio.create_task(speak())
    with pytest.raises(NotHeard, match="quiet"):
        await ear.hears_silence(0.05, 0.06)
    await speaking
    await ear.hears_silence(0.05, 5)


async def test_a_sound_without_sound_cannot_be_looked_for() -> None:
    with pytest.raises(ValueError, match="too quiet"):
        await heard().hears("nothing", silence(1), 5, whole=True)


def test_sounds_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "en/digits").mkdir(parents=True)
    make_prompt(tmp_path / "en/digits/1.wav")
    path = find_sound(tmp_path, "sound:digits/1")
    assert len(read_wav(path)) == 0.4 * RATE
    with pytest.raises(FileNotFoundError, match="nothing"):
        find_sound(tmp_path, "nothing")
    with pytest.raises(FileNotFoundError):
        find_sound(None, "digits/1")
