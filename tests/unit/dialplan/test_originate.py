"""Originate() and ChanIsAvail()."""

from __future__ import annotations

import pytest

from server.tech.base import Party
from tests.support.calls import called, channel_of, until
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

SOURCE = """
    [default]
    exten => s,1,Originate({arguments})
    same => n,Set(A=${{ORIGINATE_STATUS}})
    same => n,WaitDigit()
    exten => there,1,NoOp()
    same => n,Set(B=there ${{X}})
    same => n,WaitDigit()
    [sub]
    exten => s,1,Set(SUB=${{ARG1}})
    same => n,Return()
"""


async def test_an_answered_call_goes_to_its_extension(dut: DialplanUnderTest) -> None:
    dut.load(SOURCE.format(arguments="PJSIP/bob,exten,default,there,2,20,v(X=1)"))
    channel = await dut.call()
    bob = channel_of(called(dut)[0])
    assert channel.variables.get("A") is None
    bob.on_answered()
    await until(lambda: channel.variables.get("A"))
    assert channel.variables.get("A") == "SUCCESS"
    assert bob.variables.get("B") == "there 1"
    channel.hangup()
    await settle()
    assert not bob.is_hungup
    bob.hangup()


async def test_an_answered_call_runs_an_application_and_ends(dut: DialplanUnderTest) -> None:
    dut.load(SOURCE.format(arguments="PJSIP/bob,app,Playback,hello"))
    channel = await dut.call()
    bob = channel_of(called(dut)[0])
    bob.on_answered()
    await until(lambda: dut.under.engine.players)
    assert (bob.app_name, bob.app_data) == ("Playback", "hello")
    dut.under.engine.players[0].finish()
    await until(lambda: bob.is_destroyed)
    channel.hangup()


async def test_who_calls_and_the_subroutines(dut: DialplanUnderTest) -> None:
    arguments = "PJSIP/bob,exten,default,there,1,20,c(55)n(Five)b(sub^s^1(new))B(sub^s^1(old))"
    dut.load(SOURCE.format(arguments=arguments))
    channel = await dut.call()
    await until(lambda: called(dut)[0].said)
    bob = channel_of(called(dut)[0])
    assert called(dut)[0].said[0][1] == Party("Five", "55")
    assert (bob.variables.get("SUB"), channel.variables.get("SUB")) == ("new", "old")
    bob.hangup()
    channel.hangup()


@pytest.mark.parametrize(
    ("cause", "status"),
    [(17, "BUSY"), (34, "CONGESTION"), (20, "CONGESTION"), (19, "RINGING")],
)
async def test_a_call_that_is_not_answered(dut: DialplanUnderTest, cause: int, status: str) -> None:
    dut.load(SOURCE.format(arguments="PJSIP/bob,exten,default,there,1"))
    channel = await dut.call()
    called(dut)[0].far_end_hangs_up(cause)
    await until(lambda: channel.variables.get("A"))
    assert channel.variables.get("A") == status


async def test_time_ends_the_ringing(dut: DialplanUnderTest) -> None:
    dut.load(SOURCE.format(arguments="PJSIP/bob,exten,default,there,1,0.02"))
    channel = await dut.call()
    await until(lambda: channel.variables.get("A"))
    assert channel.variables.get("A") == "RINGING"


async def test_a_does_not_wait(dut: DialplanUnderTest) -> None:
    dut.load(SOURCE.format(arguments="PJSIP/bob,exten,default,there,1,20,a"))
    channel = await dut.call()
    assert channel.variables.get("A") == "SUCCESS"
    channel_of(called(dut)[0]).hangup()


@pytest.mark.parametrize(
    "arguments",
    ["PJSIP/nobody,exten,default,there,1", "PJSIP/bob,what,x", "PJSIP/bob,exten", "",
     "PJSIP/bob,app,NoSuch", "PJSIP/bob,exten,default,there,1,,v(X(=1)"],
)  # fmt: skip
async def test_what_can_not_be_made_failed(dut: DialplanUnderTest, arguments: str) -> None:
    dut.load(SOURCE.format(arguments=arguments))
    channel = await dut.call()
    if channel.variables.get("A") is None:  # the last one: an odd variable name is harmless
        channel_of(called(dut)[0]).hangup()
        await until(lambda: channel.variables.get("A"))
        return
    assert channel.variables.get("A") == "FAILED"
    assert called(dut) == []


class TestChanIsAvail:
    async def look(self, dut: DialplanUnderTest, arguments: str) -> list[str | None]:
        channel = await dut.run(f"ChanIsAvail({arguments})\nWaitDigit()", endpoint="carol")
        names = ("AVAILCHAN", "AVAILORIGCHAN", "AVAILSTATUS", "AVAILCAUSECODE")
        return [channel.variables.get(name) for name in names]

    async def test_the_first_that_can_be_called(self, dut: DialplanUnderTest) -> None:
        found = await self.look(dut, "PJSIP/nobody&PJSIP/bob&PJSIP/alice")
        assert found == ["PJSIP/bob-00000002", "PJSIP/bob", "1", "3"]

    async def test_a_looks_at_all(self, dut: DialplanUnderTest) -> None:
        found = await self.look(dut, "PJSIP/bob&None/x&PJSIP/alice,a")
        assert found[1:3] == ["PJSIP/bob&PJSIP/alice", "1&4&1"]

    async def test_none(self, dut: DialplanUnderTest) -> None:
        assert await self.look(dut, "PJSIP/nobody") == ["", "", "5", "3"]

    @pytest.mark.parametrize(("option", "name"), [("", "PJSIP/carol"), ("s", ""), ("t", "")])
    async def test_one_that_is_in_use(self, dut: DialplanUnderTest, option: str, name: str) -> None:
        found = await self.look(dut, f"PJSIP/carol,{option}")
        assert found[1:3] == [name, "2"]

    async def test_t_makes_no_channel(self, dut: DialplanUnderTest) -> None:
        assert (await self.look(dut, "PJSIP/bob,t"))[:3] == ["PJSIP/bob", "PJSIP/bob", "1"]
        assert called(dut) == []
