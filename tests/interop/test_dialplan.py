"""The dialplan on the real server: menus, recordings, calls and transfers by a phone."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from arion.testing import Call, CallFailed, Phone

from tests.support import audio
from tests.support.server_process import ServerProcess

DIALPLAN = """
[phones](+)
exten => 800,1,Goto(menu,s,1)
exten => 801,1,Record(said-%d.wav,1,10,q)
 same => n,Set(GLOBAL(RESULT)=${RECORD_STATUS})
 same => n,Playback(${RECORDED_FILE})
 same => n,Hangup()
exten => 802,1,Dial(PJSIP/bob,10,tg)
 same => n,Set(GLOBAL(RESULT)=${DIALSTATUS} ${HANGUPCAUSE})
 same => n,Busy()
exten => 803,1,Dial(PJSIP/bob&Local/804@phones,10)
exten => 804,1,Wait(0.3)
 same => n,Answer()
 same => n,Wait(30)
exten => 805,1,Set(GLOBAL(RESULT)=transferred)
 same => n,Playback(hello-world)
 same => n,Hangup()
exten => 806,1,Set(TIMEOUT(absolute)=0.5)
 same => n,Answer()
 same => n,MusicOnHold()
exten => T,1,Set(GLOBAL(RESULT)=too long)
exten => 807,1,Progress()
 same => n,Playback(hello-world,noanswer)
 same => n,Congestion()
[menu]
exten => s,1,Answer()
 same => n,BackGround(vm-intro)
 same => n,WaitExten(5)
exten => 1,1,Read(NUMBER,,4,,1,5)
 same => n,Set(GLOBAL(RESULT)=${NUMBER}/${READSTATUS})
 same => n,SayDigits(${NUMBER:0:2})
 same => n,Hangup()
exten => 2,1,Echo()
 same => n,Set(GLOBAL(RESULT)=echo ended)
 same => n,Hangup()
exten => i,1,Set(GLOBAL(RESULT)=invalid ${INVALID_EXTEN})
 same => n,Hangup(21)
exten => h,1,Set(GLOBAL(ENDED)=${CHANNEL(channeltype)} ${HANGUPCAUSE})
"""


@pytest.fixture
async def ivr(server: ServerProcess) -> ServerProcess:
    """The server with :data:`DIALPLAN` loaded into it while it runs."""
    path = server.var / "etc/extensions.conf"
    path.write_text(path.read_text("utf-8") + DIALPLAN, "utf-8")
    await server.cli("dialplan reload")
    return server


async def result(server: ServerProcess, name: str = "RESULT") -> str:
    """Wait for a global variable to be set, and return it."""
    value = ""

    async def is_set() -> bool:
        nonlocal value
        with contextlib.suppress(AssertionError):  # 404 until it is set
            value = (await server.get("/asterisk/variable", variable=name))["value"]
        return bool(value)

    await server.until(is_set, 10, f"{name} to be set")
    return value


async def ended(call: Call) -> None:
    await asyncio.wait_for(call.ended.wait(), 15)


async def test_keys_interrupt_the_menu_and_are_read(ivr: ServerProcess, alice: Phone) -> None:
    call = await alice.call("800")
    await asyncio.sleep(0.4)
    await call.audio.press("1")
    await asyncio.sleep(0.3)
    await call.audio.press("42#")
    await ended(call)
    assert await result(ivr) == "42/OK"
    assert await result(ivr, "ENDED") == "PJSIP 16"


async def test_a_wrong_key_goes_to_i(ivr: ServerProcess, alice: Phone) -> None:
    call = await alice.call("800")
    await asyncio.sleep(0.2)
    await call.audio.press("9")
    await ended(call)
    assert await result(ivr) == "invalid 9"


async def test_echo_gives_back_what_is_said_until_the_hash_key(
    ivr: ServerProcess, alice: Phone
) -> None:
    call = await alice.call("800")
    await asyncio.sleep(0.2)
    await call.audio.press("2")
    await asyncio.sleep(0.4)
    base = len(call.audio.heard)
    await call.audio.say(audio.samples(audio.tone(700, 1.0, -10.0)))
    await asyncio.sleep(0.3)
    heard = audio.signal(call.audio.heard[base:])
    assert max(audio.levels(heard, 700)) > -12.0
    await call.audio.press("#")
    await ended(call)
    assert await result(ivr) == "echo ended"


async def test_record_ends_at_silence_and_can_be_played(ivr: ServerProcess, alice: Phone) -> None:
    call = await alice.call("801")
    await call.audio.say(audio.samples(audio.tone(500, 1.5, -10.0)))
    await ended(call)
    assert await result(ivr) == "SILENCE"
    assert max(audio.levels(audio.signal(call.audio.heard), 500)) > -12.0


async def test_a_busy_phone_gives_dialstatus_and_486(
    ivr: ServerProcess, alice: Phone, bob: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("802"))
    (await bob.wait_call()).reject()
    with pytest.raises(CallFailed) as caught:
        await dialled
    assert caught.value.status == 486
    assert await result(ivr) == "BUSY 17"


async def test_the_first_to_answer_is_connected_and_the_other_cancelled(
    ivr: ServerProcess, alice: Phone, bob: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("803"))
    called = await bob.wait_call()
    called.ring()
    call = await dialled
    await ended(called)
    assert not call.ended.is_set()
    await call.hangup()


async def test_the_called_phone_transfers_the_caller(
    ivr: ServerProcess, alice: Phone, bob: Phone, speech: Path
) -> None:
    dialled = asyncio.create_task(alice.call("802"))
    called = await bob.wait_call()
    called.accept()
    call = await dialled
    await asyncio.sleep(0.3)
    await called.audio.press("#")
    await asyncio.sleep(0.5)
    await called.audio.press("805")
    assert await result(ivr) == "transferred"
    await ended(called)
    await ended(call)
    heard = audio.signal(call.audio.heard)
    assert audio.find(audio.load(speech), heard).correlation > 0.95


async def test_the_absolute_timeout_ends_music(ivr: ServerProcess, alice: Phone) -> None:
    call = await alice.call("806")
    await ended(call)
    assert await result(ivr) == "too long"


async def test_early_media_and_congestion_without_an_answer(
    ivr: ServerProcess, alice: Phone
) -> None:
    with pytest.raises(CallFailed) as caught:
        await alice.call("807")
    assert caught.value.status == 503
