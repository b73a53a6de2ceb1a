"""What is said during a pause is not in the file."""

from __future__ import annotations

import asyncio

import pytest
from arion.testing import NotHeard, Server, read_wav
from arion.testing.audio import Audio
from arion.testing.hearing import Ear
from arion.testing.plugin import AppRunner, PhoneMaker
from arion.testing.prompts import tones

from examples.apps.recording.app import recording


async def test_a_pause_is_not_recorded(
    run_app: AppRunner, phone: PhoneMaker, arion_server: Server
) -> None:
    client = await run_app("recording", recording)
    alice, bob = await phone("alice"), await phone("bob")
    spoken = {name: tones(name) for name in ("before", "secret", "after")}
    await alice.call("1400")
    await bob.answer()
    async with asyncio.timeout(5):
        while not list(arion_server.recordings.glob("calls/*")):
            await asyncio.sleep(0.01)
    for name, samples in spoken.items():
        if name != "before":
            await alice.press("*")
        await (bob if name == "after" else alice).says(samples)
    await alice.says(tones("silence after the last word", 0.02))
    (file,) = arion_server.recordings.glob("calls/*.wav")
    name = f"calls/{file.stem}"
    assert (await client.recordings.get_live(name)).state == "recording"
    await alice.hang_up()
    await bob.hears_hangup()
    async with asyncio.timeout(5):
        while not [s for s in await client.recordings.list_stored() if s.name == name]:
            await asyncio.sleep(0.01)

    def ear() -> Ear:
        audio = Audio()
        audio.heard.extend(read_wav(file))
        audio.close()
        return Ear(audio)

    for there in ("before", "after"):
        await ear().hears(there, spoken[there], 5, whole=True)
    with pytest.raises(NotHeard):
        await ear().hears("secret", spoken["secret"], 5, whole=True)
