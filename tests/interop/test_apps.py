"""The demo applications as a newcomer hears them, with the real prompts.

Their twins in JavaScript have tests beside them, with prompts that are short.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from arion.testing import Call, Phone
from arion.testing.audio import RATE, read_wav
from first_config import ROOT, SOUNDS

from tests.support import audio
from tests.support.server_process import ServerProcess

PROMPTS = SOUNDS / "sounds/en"


@asynccontextmanager
async def app(server: ServerProcess, name: str) -> AsyncIterator[None]:
    """Run a demo application; it must end cleanly on SIGTERM."""
    environment = {
        **os.environ,
        "ARI_URL": server.access.ari_url,
        "ARI_USER": "arion",
        "ARI_PASSWORD": server.access.users["arion"],
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "examples/apps" / name / "app.py",
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = ""
    try:

        async def is_registered() -> bool:
            assert process.returncode is None, "the application ended"
            return name in [found["name"] for found in await server.get("/applications")]

        await server.until(is_registered, 10, f"{name} to register")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        output = (await asyncio.wait_for(process.communicate(), 10))[0].decode()
        (server.var / f"log/{name}.txt").write_text(output)
    assert "Error" not in output, output
    assert process.returncode == 0, output


@asynccontextmanager
async def no_calls_left(server: ServerProcess) -> AsyncIterator[None]:
    """The application takes down what it made while it still runs."""
    yield
    assert await server.leftovers() == []


async def until_heard(call: Call, prompt: str, since: int = 0, seconds: float = 12) -> int:
    """Wait until a prompt was heard from beginning to end; return the sample after it."""
    wanted = audio.load(PROMPTS / f"{prompt}.wav")
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        heard = audio.signal(call.audio.heard[since:])
        if len(heard) >= len(wanted) - RATE // 10:
            match = audio.find(wanted, audio.with_silence(heard, RATE // 10))
            if match.correlation > 0.9:
                return since + match.start - RATE // 10 + len(wanted)
        assert asyncio.get_running_loop().time() < deadline, f"{prompt} was not heard"
        await asyncio.sleep(0.2)


async def ended(call: Call) -> None:
    """Wait until the far end hung up."""
    await asyncio.wait_for(call.ended.wait(), 10)


async def test_hello_greets_and_says_goodbye(server: ServerProcess, alice: Phone) -> None:
    async with app(server, "hello"):
        call = await alice.call("1000")
        at = await until_heard(call, "hello-world")
        await until_heard(call, "vm-press", at)
        await call.audio.press("#")
        await until_heard(call, "vm-goodbye", at)
        await ended(call)


async def test_hello_takes_a_message_and_plays_it(
    server: ServerProcess, alice: Phone, speech: Path
) -> None:
    async with app(server, "hello"):
        call = await alice.call("1000")
        at = await until_heard(call, "vm-press")
        await call.audio.press("2")
        at = await until_heard(call, "vm-intro", at)
        await asyncio.sleep(0.8)  # the tone
        await call.audio.say(read_wav(speech))
        await call.audio.press("#")
        at = await until_heard(call, "vm-msgsaved", at)
        at = await until_heard(call, speech.stem, at)
        at = await until_heard(call, "vm-press", at)  # the menu is back
        await call.audio.press("#")
        await ended(call)
    stored = await server.get("/recordings/stored")
    assert [recording["format"] for recording in stored] == ["wav"]


async def test_hello_echoes_in_the_dialplan_and_takes_the_call_back(
    server: ServerProcess, alice: Phone
) -> None:
    async with app(server, "hello"):
        call = await alice.call("1000")
        at = await until_heard(call, "vm-press")
        await call.audio.press("1")
        await until_heard(call, "demo-echotest", at, 30)
        start = len(call.audio.heard)
        await call.audio.say(audio.samples(audio.tone(700, 0.5)))
        await asyncio.sleep(0.3)
        assert audio.onset(audio.signal(call.audio.heard[start:]), 700) < 0.2
        at = len(call.audio.heard)
        await call.audio.press("#")
        await until_heard(call, "vm-press", at)
        await call.hangup()


async def test_hello_plays_music_until_a_key(server: ServerProcess, alice: Phone) -> None:
    async with app(server, "hello"):
        call = await alice.call("1000")
        at = await until_heard(call, "vm-press")
        await call.audio.press("3")
        await asyncio.sleep(2)
        assert audio.rms(audio.signal(call.audio.heard[-RATE:])) > 100
        await call.audio.press("5")
        await until_heard(call, "vm-press", at + RATE)
        await call.hangup()


async def test_callbridge_plays_music_and_connects(
    server: ServerProcess, alice: Phone, bob: Phone
) -> None:
    async with app(server, "callbridge"):
        dialled = asyncio.create_task(alice.call("2000"))
        called = await bob.wait_call()
        called.ring()
        call = await dialled
        await asyncio.sleep(2)
        assert audio.rms(audio.signal(call.audio.heard[-RATE:])) > 100  # music
        called.accept()
        await asyncio.sleep(0.5)
        start = len(called.audio.heard)
        await call.audio.say(audio.samples(audio.tone(700, 0.5)))
        await asyncio.sleep(0.2)
        assert audio.onset(audio.signal(called.audio.heard[start:]), 700) < 0.2
        assert audio.level(audio.signal(call.audio.heard[-RATE // 4 :]), 700) < -45
        await called.hangup()
        await ended(call)


async def test_callbridge_says_that_nobody_is_there(
    server: ServerProcess, alice: Phone, bob: Phone
) -> None:
    async with app(server, "callbridge"):
        dialled = asyncio.create_task(alice.call("2000"))
        called = await bob.wait_call()
        called.reject(486, "Busy Here")
        call = await dialled
        await until_heard(call, "vm-nobodyavail")
        await ended(call)


async def test_callbridge_cancels_when_the_caller_gives_up(
    server: ServerProcess, alice: Phone, bob: Phone
) -> None:
    async with app(server, "callbridge"):
        dialled = asyncio.create_task(alice.call("2000"))
        called = await bob.wait_call()
        called.ring()
        await (await dialled).hangup()
        await ended(called)
        assert called.end_reason == "cancelled"


async def test_conference_mixes_all_but_oneself(server: ServerProcess) -> None:
    tones = {"alice": 400, "bob": 700, "carol": 1000}
    async with (
        app(server, "conference"),
        no_calls_left(server),
        AsyncExitStack() as stack,
    ):
        calls: dict[str, Call] = {}
        for user in tones:
            phone = Phone(user, server.access.phones[user], server=server.sip)
            calls[user] = await (await stack.enter_async_context(phone)).call("3000")
            if len(calls) == 1:
                await until_heard(calls[user], "conf-onlyperson")
            else:
                await until_heard(calls["alice"], "confbridge-join")
        await asyncio.gather(
            *(
                call.audio.say(audio.samples(audio.tone(tones[user], 2)))
                for user, call in calls.items()
            )
        )
        for user, call in calls.items():
            heard = audio.signal(call.audio.heard[-RATE:])
            for other, hz in tones.items():
                level = audio.level(heard, hz)
                assert (level < -45) if other == user else abs(level + 10) < 1.5, (user, other)
        at = len(calls["alice"].audio.heard)
        await calls["carol"].hangup()
        await until_heard(calls["alice"], "confbridge-leave", at)
