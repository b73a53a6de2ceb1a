"""A call on the real server is recorded, spied on and talked into; what is heard is measured."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from arion.testing import Call, Phone

from tests.support import audio
from tests.support.server_process import ServerProcess

DIALPLAN = """
[phones](+)
exten => 860,1,Answer()
 same => n,MixMonitor(both.wav,r(said.wav)t(heard.wav)i(ID),echo ^{MIXMONITOR_FILENAME} > @TOLD@)
 same => n,Set(VOLUME(RX)=2)
 same => n,Dial(PJSIP/bob,10,g)
 same => n,StopMixMonitor(${ID})
 same => n,Set(GLOBAL(RESULT)=${MIXMONITOR_FILENAME})
 same => n,Hangup()
exten => 861,1,ChanSpy(PJSIP/alice,qd)
"""
ALICE, BOB, SPY = 500, 1100, 770  # Hz


def heard(call: Call) -> audio.Signal:
    """The last 0.3 seconds."""
    return audio.signal(call.audio.heard)[-int(0.3 * audio.RATE) :]


async def all_talk(*pairs: tuple[Call, float]) -> None:
    """Each says a tone of -20 dBm0 at the same time."""
    said = ((call, audio.samples(audio.tone(hz, 0.7, -20.0))) for call, hz in pairs)
    await asyncio.gather(*(call.audio.say(tone) for call, tone in said))


def recorded(server: ServerProcess, name: str) -> audio.Signal:
    return audio.load(server.var / "spool/monitor" / name)


async def test_a_call_is_recorded_spied_on_and_talked_into(
    server: ServerProcess, alice: Phone, bob: Phone, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    path = server.var / "etc/extensions.conf"
    path.write_text(path.read_text("utf-8") + DIALPLAN.replace("@TOLD@", str(told)), "utf-8")
    await server.cli("dialplan reload")
    calling = asyncio.create_task(alice.call("860"))
    answered = await bob.wait_call()
    answered.accept()
    caller = await calling
    spy = await alice.call("861")
    await asyncio.sleep(0.3)
    everybody = ((caller, ALICE), (answered, BOB), (spy, SPY))

    await all_talk(*everybody)
    assert audio.level(heard(answered), ALICE) == pytest.approx(-14, abs=1.5)  # twice as loud
    assert audio.level(heard(spy), ALICE) == pytest.approx(-20, abs=1.5)  # as it was said
    assert audio.level(heard(spy), BOB) == pytest.approx(-20, abs=1.5)
    assert audio.level(heard(caller), SPY) < -45 > audio.level(heard(answered), SPY)
    await spy.press("5")
    await all_talk(*everybody)
    assert audio.level(heard(caller), SPY) == pytest.approx(-20, abs=1.5)
    assert audio.level(heard(answered), SPY) < -45
    await spy.press("6")
    await all_talk(*everybody)
    assert audio.level(heard(answered), SPY) > -25
    await answered.hangup()
    await asyncio.wait_for(caller.ended.wait(), 10)
    await spy.hangup()

    both, said, sent = (recorded(server, f"{name}.wav") for name in ("both", "said", "heard"))
    assert len(both) == len(said) == len(sent)
    for track, alices, bobs in ((both, True, True), (said, True, False), (sent, False, True)):
        for hz, is_there in ((ALICE, alices), (BOB, bobs)):
            loudest = max(audio.levels(track, hz, 200))
            assert loudest == pytest.approx(-20, abs=1.5) if is_there else loudest < -40
    together = [
        min(pair) for pair in zip(audio.levels(both, ALICE), audio.levels(both, BOB), strict=True)
    ]
    assert max(together) > -22  # who talks at the same time is heard at the same time

    async def has_told() -> bool:
        return told.exists() and told.read_text("utf-8").strip().endswith("both.wav")

    await server.until(has_told, 5, "the command to run")
