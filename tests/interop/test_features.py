"""What two who talk do by digits, pickup, forked calls and limits, with phones of three makers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from arion.testing import Call, Phone

from tests.support import audio
from tests.support.peers.baresip import Baresip
from tests.support.peers.sipp import run_sipp
from tests.support.server_process import ServerProcess, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIALPLAN = """
[phones](+)
exten => 840,1,Dial(PJSIP/bob,20,tT)
exten => 841,1,Dial(PJSIP/bob,20)
 same => n,Hangup()
exten => 842,1,Dial(PJSIP/bob&Local/843@phones,20)
exten => 843,1,Wait(0.5)
 same => n,Answer()
 same => n,Wait(20)
exten => 844,1,Dial(PJSIP/bob,20,L(1500:1000))
exten => 845,1,Answer()
 same => n,Echo()
"""
FEATURES = """
[general]
transferdigittimeout=2
[featuremap]
atxfer=*2
blindxfer=#1
"""
TONE_HZ = 700


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """One server for all tests here, with groups for pickup and digits for features."""
    made = ServerProcess(tmp_path_factory.mktemp("features") / "var")
    etc = made.var / "etc"
    with (etc / "extensions.conf").open("a", encoding="utf-8") as dialplan:
        dialplan.write(DIALPLAN)
    (etc / "features.conf").write_text(FEATURES, "utf-8")
    pjsip = etc / "pjsip.conf"
    text = pjsip.read_text("utf-8").replace("<102>\n", "<102>\ncall_group=1\n")
    pjsip.write_text(text.replace("<103>\n", "<103>\npickup_group=1-3\n"), "utf-8")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert "Traceback" not in made.log
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


def phone(server: ServerProcess, name: str) -> Phone:
    return Phone(name, server.access.phones[name], server=server.sip)


async def ended(call: Call) -> None:
    await asyncio.wait_for(call.ended.wait(), 10)


async def hear_each_other(one: Call, other: Call) -> None:
    """Let each of two say a tone, which the other hears."""
    tone = audio.samples(audio.tone(TONE_HZ, 2.0, -10.0))
    for speaker, listener in ((one, other), (other, one)):
        await asyncio.gather(speaker.audio.say(tone), listener.hears_tone(TONE_HZ))


async def test_baresip_transfers_attended_by_digits(
    server: ServerProcess, tmp_path: Path, speech: Path
) -> None:
    bob = Baresip(
        tmp_path / "bob", "bob", server.access.phones["bob"], server.sip,
        says=speech, registers=True, answers=True,
    )  # fmt: skip
    async with phone(server, "alice") as alice, phone(server, "carol") as carol, bob:
        await server.until_registered("bob")
        assert await carol.register() == 200
        call = await alice.call("840")
        await asyncio.sleep(0.3)
        await bob.press("*2")
        await asyncio.sleep(0.3)
        await bob.press("103")
        target = await carol.wait_call()
        target.accept()
        await target.hears(speech)  # Bob talks to Carol
        await bob.hangup()
        await hear_each_other(call, target)
        await target.hangup()
        await ended(call)


async def test_baresip_transfers_blindly_by_digits(
    server: ServerProcess, tmp_path: Path, speech: Path
) -> None:
    bob = Baresip(
        tmp_path / "bob", "bob", server.access.phones["bob"], server.sip,
        says=speech, registers=True, answers=True,
    )  # fmt: skip
    async with phone(server, "alice") as alice, bob:
        await server.until_registered("bob")
        call = await alice.call("840")
        await asyncio.sleep(0.3)
        await bob.press("#1")
        await asyncio.sleep(0.3)
        await bob.press("845")
        await bob.wait_for("CALL_CLOSED")
        tone = audio.samples(audio.tone(TONE_HZ, 2.0, -10.0))
        await asyncio.gather(call.audio.say(tone), call.hears_tone(TONE_HZ))  # the echo
        await call.hangup()


async def test_a_call_that_rings_is_picked_up_by_the_group(server: ServerProcess) -> None:
    async with (
        phone(server, "alice") as alice,
        phone(server, "bob") as bob,
        phone(server, "carol") as carol,
    ):
        assert await bob.register() == 200
        dialled = asyncio.create_task(alice.call("841"))
        ringing = await bob.wait_call()
        ringing.ring()
        picked = await carol.call("*8")
        call = await dialled
        await ended(ringing)
        await hear_each_other(call, picked)
        await call.hangup()
        await ended(picked)


async def test_sipp_is_cancelled_when_another_answers_first(
    server: ServerProcess, tmp_path: Path
) -> None:
    port = free_port()
    await run_sipp(
        tmp_path / "bob", "register", server.sip, "-key", "expires", "300",
        user="bob", password=server.access.phones["bob"], port=port,
    )  # fmt: skip
    bob = asyncio.create_task(
        run_sipp(tmp_path / "bob", "uas_cancelled", server.sip, user="bob", port=port)
    )
    async with phone(server, "alice") as alice:
        call = await alice.call("842")
        await bob
        assert not call.ended.is_set()
        await call.hangup()


async def test_a_limit_ends_the_call_for_both(server: ServerProcess) -> None:
    async with phone(server, "alice") as alice, phone(server, "bob") as bob:
        assert await bob.register() == 200
        dialled = asyncio.create_task(alice.call("844"))
        called = await bob.wait_call()
        called.accept()
        call = await dialled
        began = asyncio.get_running_loop().time()
        await ended(called)
        await ended(call)
        assert 1.0 < asyncio.get_running_loop().time() - began < 4.0
