"""What the caller says comes back after a pause, and stops when the caller interrupts."""

from __future__ import annotations

import array

import arion
from arion.testing.audio import read_wav
from arion.testing.plugin import AppRunner, PhoneMaker
from arion.testing.prompts import find_sound

from examples.apps.voiceagent.app import FRAME, PAUSE, Ears, VoiceAgent

LOUD = array.array("h", [3000, -3000] * (FRAME // 4)).tobytes()
QUIET = bytes(FRAME)


async def test_the_caller_hears_the_answer(run_app: AppRunner, phone: PhoneMaker) -> None:
    client = await run_app("voiceagent", VoiceAgent())
    alice = await phone("alice")
    await alice.call("1600")
    for prompt in ("hello-world", "vm-goodbye"):
        await alice.says(prompt)
        await alice.hears(prompt)
    await alice.hang_up()
    assert await _are_gone(client)


async def test_the_agent_decides_what_is_said(run_app: AppRunner, phone: PhoneMaker) -> None:
    heard: list[int] = []

    async def agent(utterance: bytes) -> bytes:
        heard.append(len(utterance) // FRAME)
        return read_wav(find_sound(alice.sounds, "hello-world")).tobytes()

    await run_app("voiceagent", VoiceAgent(agent))
    alice = await phone("alice")
    await alice.call("1600")
    await alice.says("vm-goodbye")
    await alice.hears("hello-world")
    assert len(heard) == 1
    await alice.hang_up()


def test_an_utterance_ends_with_a_pause() -> None:
    ears = Ears()
    assert ears.hear(QUIET * 10) == (False, [])
    is_speaking, ended = ears.hear(LOUD * 20)
    assert (is_speaking, ended) == (True, [])
    is_speaking, ended = ears.hear(QUIET * PAUSE)
    assert (is_speaking, ended) == (False, [LOUD * 20 + QUIET * PAUSE])


def test_a_click_is_no_utterance() -> None:
    ears = Ears()
    assert ears.hear(LOUD + QUIET * PAUSE) == (False, [])


def test_audio_may_come_in_any_pieces() -> None:
    ears, whole = Ears(), LOUD * 20 + QUIET * PAUSE
    ended = [u for k in range(0, len(whole), 77) for u in ears.hear(whole[k : k + 77])[1]]
    assert ended == [whole]


async def _are_gone(client: arion.Client) -> bool:
    for channel in await client.channels.list():
        await client.first_gone(channel, timeout=5)
    return True
