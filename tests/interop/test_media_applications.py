"""Applications that listen and say, on the real server: several callers at the same time."""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np
from arion.testing import Call, Phone

from tests.support import audio
from tests.support.server_process import ServerProcess

DIALPLAN = """
[phones](+)
exten => 811,1,Answer()
 same => n,AMD(2500,1500,400)
 same => n,Set(GLOBAL(R811)=${AMDSTATUS} ${AMDCAUSE:0:9})
exten => 812,1,Answer()
 same => n,AMD(2500,600)
 same => n,Set(GLOBAL(R812)=${AMDSTATUS} ${AMDCAUSE:0:12})
exten => 813,1,Answer()
 same => n,ToneScan(us,5)
 same => n,Set(GLOBAL(R813)=${TONESCANSTATUS})
exten => 814,1,Answer()
 same => n,WaitForTone(1000,300,5)
 same => n,Set(GLOBAL(R814)=${WAITFORTONESTATUS})
exten => 815,1,Answer()
 same => n,Set(TONE_DETECT(1400,200,g(found,1))=)
 same => n,Wait(5)
exten => found,1,Set(GLOBAL(R815)=found ${TONE_DETECT(rx)})
exten => 816,1,WaitForSilence(400,1,5)
 same => n,Set(GLOBAL(R816)=${WAITSTATUS})
 same => n,SayNumber(21)

"""


def noise(seconds: float) -> audio.Signal:
    """As loud as speech, the same each time."""
    return np.random.default_rng(7).integers(-6000, 6000, int(seconds * audio.RATE)).astype(float)


def quiet(seconds: float) -> audio.Signal:
    return np.zeros(int(seconds * audio.RATE))


async def hold(phone: Phone, exten: str, *sounds: audio.Signal) -> Call:
    """Call, say something, and stay for the rest."""
    call = await phone.call(exten)
    await call.audio.say(audio.samples(np.concatenate(sounds)))
    await asyncio.wait_for(call.ended.wait(), 10)
    return call


async def result(server: ServerProcess, name: str) -> str:
    with contextlib.suppress(AssertionError):
        return str((await server.get("/asterisk/variable", variable=name))["value"])
    return ""


async def test_callers_are_heard(server: ServerProcess, alice: Phone) -> None:
    path = server.var / "etc/extensions.conf"
    path.write_text(path.read_text("utf-8") + DIALPLAN, "utf-8")
    await server.cli("dialplan reload")
    busy = audio.tone(480, 0.5) + audio.tone(620, 0.5)
    calls = await asyncio.gather(
        hold(alice, "811", quiet(0.2), noise(0.4), quiet(1.0)),
        hold(alice, "812", quiet(0.2), noise(1.5)),
        hold(alice, "813", busy, quiet(0.5), busy, quiet(0.5)),
        hold(alice, "814", quiet(0.2), audio.tone(1000, 0.6), quiet(0.2)),
        hold(alice, "815", quiet(0.2), audio.tone(1400, 0.6), quiet(0.2)),
        hold(alice, "816", noise(0.4), quiet(1.0)),
    )
    results = [await result(server, f"R{exten}") for exten in range(811, 817)]
    assert results == ["HUMAN HUMAN-400", "MACHINE LONGGREETING", "BUSY", "SUCCESS", "found 1",
                       "SILENCE"]  # fmt: skip
    heard = audio.signal(calls[-1].audio.heard)
    assert np.sqrt(np.mean(heard**2)) > 100  # somebody says "twenty one"
