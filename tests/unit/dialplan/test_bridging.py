"""Bridge(), BridgeAdd(), BridgeWait(), and what sends other channels somewhere."""

from __future__ import annotations

import asyncio

import pytest

from server.resources.channel import Channel
from tests.support.calls import called, channel_of, press, talk, together, until
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

WAITING = """
    exten => wait,1,Answer()
    same => n,WaitDigit()
    same => n,Set(A=went on)
    same => n,WaitDigit()
"""


async def waiting(dut: DialplanUnderTest, source: str) -> Channel:
    """Load *source*, and bring in a channel that waits in the dialplan."""
    dut.load(source + WAITING)
    return await dut.call("wait", endpoint="bob")


class TestBridge:
    async def test_it_takes_a_channel_out_of_the_dialplan(self, dut: DialplanUnderTest) -> None:
        other = await waiting(
            dut,
            "exten => s,1,Bridge(PJSIP/bob)\nsame => n,Set(A=${BRIDGERESULT})\n"
            "same => n,WaitDigit()",
        )
        channel = await dut.call()
        assert together(channel) == {channel.name, other.name}
        assert channel.variables.get("BRIDGEPEER") == other.name
        other.hangup()
        await settle()
        assert channel.variables.get("A") == "SUCCESS"
        assert other.variables.get("A") is None
        channel.hangup()

    async def test_the_other_one_ends_with_it(self, dut: DialplanUnderTest) -> None:
        other = await waiting(dut, "exten => s,1,Bridge(PJSIP/bob)\n")
        channel = await dut.call()
        channel.hangup()
        await settle()
        assert other.is_destroyed

    async def test_upper_f_lets_the_other_one_go_on(self, dut: DialplanUnderTest) -> None:
        other = await waiting(
            dut,
            "exten => s,1,Bridge(PJSIP/bob,F(default^after^1))\n"
            "exten => after,1,Set(A=after)\nsame => n,WaitDigit()",
        )
        channel = await dut.call()
        dut.leg(channel).far_end_hangs_up()
        await settle()
        assert other.variables.get("A") == "after"
        other.hangup()

    async def test_it_takes_a_called_party_out_of_its_call(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut,
            "exten => s,1,Dial(PJSIP/bob,,g)\nsame => n,Set(A=left)\nsame => n,WaitDigit()\n"
            "exten => take,1,Bridge(PJSIP/bob,h)\nsame => n,WaitDigit()",
        )
        third = await dut.call("take", endpoint="carol")
        await settle()
        assert together(third) == {third.name, peer.name}
        assert caller.variables.get("A") == "left"
        await press(peer, "*")
        await settle()
        assert peer.is_hungup
        assert not third.is_hungup
        third.hangup()
        caller.hangup()

    async def test_it_takes_a_caller_out_of_its_call(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut, "exten => s,1,Dial(PJSIP/bob)\nexten => take,1,Bridge(PJSIP/alice)"
        )
        third = await dut.call("take", endpoint="carol")
        await settle()
        assert together(third) == {third.name, caller.name}
        assert peer.is_hungup
        third.hangup()

    async def test_p_plays_the_courtesy_tone_first(self, dut: DialplanUnderTest) -> None:
        from tests.support.calls import configure

        configure(dut, courtesytone="beep")
        other = await waiting(dut, "exten => s,1,Bridge(PJSIP/bob,p)\n")
        channel = await dut.call()
        assert channel.bridge is None
        dut.under.engine.players[-1].finish()
        await settle()
        assert together(channel) == {channel.name, other.name}
        channel.hangup()

    @pytest.mark.parametrize(
        ("step", "result"),
        [
            ("Bridge(PJSIP/nobody)", "NONEXISTENT"),
            ("Bridge()", "NONEXISTENT"),
            ("Bridge(PJSIP/alice)", "LOOP"),
            ("BridgeAdd(PJSIP/nobody)", "NONEXISTENT"),
            ("BridgeAdd(PJSIP/alice)", "LOOP"),
        ],
    )
    async def test_what_can_not_be(self, dut: DialplanUnderTest, step: str, result: str) -> None:
        channel = await dut.run(f"{step}\nWaitDigit()")
        assert channel.variables.get("BRIDGERESULT") == result


class TestBridgeAdd:
    async def test_it_joins_two_who_talk(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut,
            "exten => s,1,Dial(PJSIP/bob)\n"
            "exten => join,1,BridgeAdd(PJSIP/bob)\nsame => n,Set(A=${BRIDGERESULT})\n"
            "same => n,WaitDigit()",
        )
        third = await dut.call("join", endpoint="carol")
        assert together(third) == {caller.name, peer.name, third.name}
        peer.hangup()
        await settle()
        assert together(third) == {caller.name, third.name}
        caller.hangup()
        await settle()
        assert third.variables.get("A") == "SUCCESS"
        third.hangup()

    async def test_the_others_talk_on_without_the_caller(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut, "exten => s,1,Dial(PJSIP/bob)\nexten => join,1,BridgeAdd(PJSIP/bob)"
        )
        third = await dut.call("join", endpoint="carol")
        caller.hangup()
        await settle()
        assert together(third) == {peer.name, third.name}
        third.hangup()
        await until(lambda: peer.is_hungup)

    async def test_who_is_in_no_bridge_can_not_be_joined(self, dut: DialplanUnderTest) -> None:
        await waiting(dut, "exten => s,1,BridgeAdd(PJSIP/bob)\nsame => n,WaitDigit()")
        channel = await dut.call()
        assert channel.variables.get("BRIDGERESULT") == "FAILURE"


class TestBridgeWait:
    async def test_all_wait_in_one_room_with_music(self, dut: DialplanUnderTest) -> None:
        dut.load("exten => s,1,BridgeWait(room,,m(jazz))\nsame => n,WaitDigit()")
        first = await dut.call()
        second = await dut.call(endpoint="bob")
        assert together(first) == {first.name, second.name}
        assert first.bridge is not None
        assert (first.bridge.technology, first.bridge.name) == ("holding_bridge", "room")
        assert ("STREAM_BACKGROUND", 2, "jazz") in dut.under.engine.calls(first.leg.stream)
        first.hangup()
        second.hangup()
        await settle()
        assert len(dut.under.bridges) == 0

    @pytest.mark.parametrize(
        ("options", "background"),
        [
            ("", (2, "default")),
            ("e(m)", (2, "default")),
            ("e(h)", (2, "default")),
            ("e(s)", (1, "")),
            ("e(r)", (3, "440+480/2000,0/4000")),
            ("e(n)", None),
        ],
    )
    async def test_entertainment(
        self, dut: DialplanUnderTest, options: str, background: tuple[int, str] | None
    ) -> None:
        channel = await dut.run(f"BridgeWait(,,{options})")
        calls = [
            call[1:]
            for call in dut.under.engine.calls(channel.leg.stream)
            if call[0] == "STREAM_BACKGROUND"
        ]
        assert calls == ([] if background is None else [background])

    async def test_an_announcer_has_its_role(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("BridgeWait(,announcer,n)")
        assert channel.state == "Ring"
        calls = [call for call in dut.under.engine.calls() if call[0] == "BRIDGE_ADD"]
        assert calls[-1][-1] == 1

    async def test_time_ends_it(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("BridgeWait(,,S(0.02))\nSet(A=on)\nWaitDigit()")
        await until(lambda: channel.variables.get("A"))
        assert channel.bridge is None

    async def test_an_unknown_role_is_refused(self, dut: DialplanUnderTest) -> None:
        assert (await dut.run("BridgeWait(,boss)\nSet(A=1)")).variables.get("A") == "1"


class TestOthers:
    """ChannelRedirect() and SoftHangup()."""

    async def test_redirecting_a_channel_that_talks(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut,
            "exten => s,1,Dial(PJSIP/bob,,g)\nsame => n,Set(A=left)\nsame => n,WaitDigit()\n"
            "exten => go,1,ChannelRedirect(${NAME},default,there,1)\nsame => n,WaitDigit()\n"
            "exten => there,1,Set(B=there)\nsame => n,WaitDigit()",
        )
        dut.dialplan.globals["NAME"] = peer.name
        third = await dut.call("go", endpoint="carol")
        await settle()
        assert third.variables.get("CHANNELREDIRECT_STATUS") == "SUCCESS"
        assert peer.variables.get("B") == "there"
        assert caller.variables.get("A") == "left"
        for channel in (caller, peer, third):
            channel.hangup()

    async def test_redirecting_oneself(self, dut: DialplanUnderTest) -> None:
        dut.load(
            "exten => s,1,ChannelRedirect(${CHANNEL},,there,1)\n"
            "exten => there,1,Set(A=there)\nsame => n,WaitDigit()"
        )
        assert (await dut.call()).variables.get("A") == "there"

    @pytest.mark.parametrize("step", ["ChannelRedirect(none,x,y,1)", "ChannelRedirect()"])
    async def test_redirecting_nobody(self, dut: DialplanUnderTest, step: str) -> None:
        channel = await dut.run(f"{step}\nWaitDigit()")
        assert channel.variables.get("CHANNELREDIRECT_STATUS") == "NOCHANNEL"

    @pytest.mark.parametrize(
        ("argument", "ends"),
        [
            ("PJSIP/bob-00000001", [True, False]),
            ("pjsip/bob,a", [True, True]),
            ("PJSIP/bob", [False, False]),
            ("PJSIP/bo,a", [False, False]),
            ("", [False, False]),
        ],
    )
    async def test_softhangup(
        self, dut: DialplanUnderTest, argument: str, ends: list[bool]
    ) -> None:
        first = await waiting(dut, f"exten => s,1,SoftHangup({argument})\nsame => n,WaitDigit()")
        second = await dut.call("wait", endpoint="bob")
        await dut.call("s", endpoint="carol")
        await settle()
        assert [first.is_hungup, second.is_hungup] == ends
        for channel in dut.under.registry:
            channel.hangup()


class TestRetryDial:
    async def test_it_dials_until_somebody_answers(self, dut: DialplanUnderTest) -> None:
        caller = await dut.run("RetryDial(,0.01,3,PJSIP/bob,20,g)\nSet(A=on)\nWaitDigit()")
        called(dut)[0].far_end_hangs_up(17)
        await until(lambda: len(called(dut)) == 2)
        channel_of(called(dut)[1]).on_answered()
        await until(lambda: caller.bridge is not None)
        called(dut)[1].far_end_hangs_up()
        await until(lambda: caller.variables.get("A"))
        assert len(called(dut)) == 2

    async def test_attempts_are_limited(self, dut: DialplanUnderTest) -> None:
        caller = await dut.run("RetryDial(,0.001,2,PJSIP/nobody)\nSet(A=${DIALSTATUS})")
        await until(lambda: caller.variables.get("A"))
        assert caller.variables.get("A") == "CHANUNAVAIL"

    async def test_the_announcement_is_heard_between(self, dut: DialplanUnderTest) -> None:
        await dut.run("RetryDial(please-wait,0.01,0,PJSIP/bob)")
        called(dut)[0].far_end_hangs_up(17)
        await until(lambda: dut.under.engine.players)
        assert len(called(dut)) == 1
        dut.under.engine.players[0].finish()
        await until(lambda: len(called(dut)) == 2)

    async def test_d_leaves_while_it_waits(self, dut: DialplanUnderTest) -> None:
        dut.load(
            "exten => s,1,RetryDial(,5,0,PJSIP/bob,,d)\n"
            "exten => 4,1,Set(A=four)\nsame => n,WaitDigit()"
        )
        caller = await dut.call()
        called(dut)[0].far_end_hangs_up(17)
        await asyncio.sleep(0.01)
        await press(caller, "4")
        assert caller.variables.get("A") == "four"

    async def test_without_enough_arguments_nothing_is_dialled(
        self, dut: DialplanUnderTest
    ) -> None:
        await dut.run("RetryDial(a,1,2)")
        assert called(dut) == []
