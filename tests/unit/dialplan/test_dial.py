"""Dial(): who rings, who wins, what is left afterwards."""

from __future__ import annotations

import asyncio

import pytest

from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_tech import FakeLeg, FakeTransfer
from tests.support.node import settle


def called(dut: DialplanUnderTest) -> list[FakeLeg]:
    """The legs that were made by Dial(), in order."""
    return dut.under.phones.legs[1:]


def listener(leg: FakeLeg) -> Channel:
    assert isinstance(leg.listener, Channel)
    return leg.listener


async def until_over(channel: Channel) -> None:
    for _ in range(500):
        if channel.is_destroyed:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the call does not end")


async def test_one_destination_rings_answers_and_hangs_up(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Dial(PJSIP/bob,20)
        same => n,Set(A=not reached)
        exten => h,1,Set(B=${DIALSTATUS} ${DIALEDPEERNAME} ${DIALEDPEERNUMBER} ${BRIDGEPEER})
        """
    )
    channel = await dut.call()
    (bob,) = called(dut)
    assert bob.said[0][0] == "dial"
    listener(bob).on_ringing()
    await settle()
    assert ("ring",) in dut.leg(channel).said
    assert ("answer",) not in dut.leg(channel).said
    listener(bob).on_answered()
    await settle()
    assert channel.state == "Up"
    assert channel.bridge is not None
    assert len(channel.bridge.channels) == 2
    bob.far_end_hangs_up()
    await settle()
    assert channel.is_destroyed
    assert channel.variables.get("A") is None
    assert channel.variables.get("B") == f"ANSWER {bob.name} bob {bob.name}"
    assert channel.variables.get("ANSWEREDTIME") == "0"
    assert len(dut.under.bridges) == 0


async def test_the_caller_hangs_up_while_it_rings(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Dial(PJSIP/bob,20)\nexten => h,1,Set(B=${DIALSTATUS})")
    channel = await dut.call()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert channel.variables.get("B") == "CANCEL"
    assert called(dut)[0].said[-1][0] == "hangup"


async def test_the_caller_hangs_up_while_they_talk(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob)")
    (bob,) = called(dut)
    listener(bob).on_answered()
    await settle()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert ("hangup", 16) in bob.said
    assert channel.variables.get("DIALSTATUS") == "ANSWER"


async def test_the_first_to_answer_wins_and_the_others_are_cancelled(
    dut: DialplanUnderTest,
) -> None:
    channel = await dut.run("Dial(PJSIP/bob&PJSIP/carol,20)")
    bob, carol = called(dut)
    listener(bob).on_ringing()
    listener(carol).on_answered()
    await settle()
    assert ("hangup", 26) in bob.said
    assert channel.bridge is not None
    assert set(channel.bridge.channels) == {channel.id, listener(carol).id}


@pytest.mark.parametrize(
    ("causes", "status"),
    [
        ((17, 17), "BUSY"),
        ((17, 34), "BUSY"),
        ((34, 34), "CONGESTION"),
        ((20, 20), "CHANUNAVAIL"),
        ((20, 34), "CONGESTION"),
        ((19, 17), "NOANSWER"),
        ((16, 16), "NOANSWER"),
        ((21, 38), "CHANUNAVAIL"),
        ((18, 17), "BUSY"),
        ((21, 34), "CONGESTION"),
    ],
)
async def test_dialstatus_when_nobody_answers(
    dut: DialplanUnderTest, causes: tuple[int, int], status: str
) -> None:
    channel = await dut.run("Dial(PJSIP/bob&PJSIP/carol)\nSet(A=${DIALSTATUS} ${HANGUPCAUSE})")
    for leg, cause in zip(called(dut), causes, strict=True):
        leg.far_end_hangs_up(cause, 480)
    await settle()
    assert channel.variables.get("A") == f"{status} {causes[1]}"
    assert len(dut.under.registry) == 0


async def test_hangupcause_knows_each_dialled_channel(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        """
        Dial(PJSIP/bob)
        Set(K=${HANGUPCAUSE_KEYS()})
        Set(A=${HANGUPCAUSE(${K},tech)}/${HANGUPCAUSE(${K},ast)})
        """
    )
    called(dut)[0].far_end_hangs_up(17, 486)
    await settle()
    assert channel.variables.get("A") == "SIP 486/17"


@pytest.mark.parametrize("destination", ["PJSIP/nobody", "NoTech/x", "garbage"])
async def test_what_can_not_be_called_is_chanunavail(
    dut: DialplanUnderTest, destination: str
) -> None:
    channel = await dut.run(f"Dial({destination},5)\nSet(A=${{DIALSTATUS}})")
    assert channel.variables.get("A") == "CHANUNAVAIL"


async def test_without_a_destination_the_call_ends(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(,5)\nSet(A=1)")
    assert channel.variables.get("A") is None
    assert channel.variables.get("DIALSTATUS") == "INVALIDARGS"


async def test_the_timeout_is_noanswer_and_the_call_goes_on(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,0.01)\nSet(A=${DIALSTATUS})")
    await until_over(channel)
    assert channel.variables.get("A") == "NOANSWER"
    assert called(dut)[0].said[-1] == ("hangup", 19)
    assert dut.leg(channel).said[-1] == ("hangup", 19)


async def test_a_transferer_hears_that_it_rings(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()\nDial(PJSIP/bob)")
    transfer = FakeTransfer()
    transfer.accept()
    channel.transfer_report = transfer.report
    channel.on_dtmf("1", 100)
    await settle()
    (bob,) = called(dut)
    listener(bob).on_ringing()
    await settle()
    assert transfer.told == [202, 180]
    listener(bob).on_answered()
    await settle()
    assert transfer.told == [202, 180, 200]
    channel.hangup()


async def test_g_goes_on_when_the_called_party_hangs_up(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,g)\nSet(A=on)\nWaitDigit()")
    (bob,) = called(dut)
    listener(bob).on_answered()
    await settle()
    bob.far_end_hangs_up()
    await settle()
    assert channel.variables.get("A") == "on"


async def test_m_plays_music_until_the_answer(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,m(jazz))")
    (bob,) = called(dut)
    listener(bob).on_ringing()
    listener(bob).on_progress()
    await settle()
    calls = dut.under.engine.calls(channel.leg.stream)
    assert ("STREAM_BACKGROUND", 2, "jazz") in calls
    assert ("ring",) not in dut.leg(channel).said
    listener(bob).on_answered()
    await settle()
    assert ("STREAM_BACKGROUND", 0, "") in dut.under.engine.calls(channel.leg.stream)


async def test_r_rings_at_once(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,r)")
    assert ("ring",) in dut.leg(channel).said


async def test_an_answered_caller_hears_the_ringing_tone(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nDial(PJSIP/bob)")
    listener(called(dut)[0]).on_ringing()
    await settle()
    assert ("STREAM_BACKGROUND", 3, "440+480/2000,0/4000") in dut.under.engine.calls(
        channel.leg.stream
    )


async def test_early_media_of_the_only_destination_is_heard(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob)")
    (bob,) = called(dut)
    listener(bob).on_progress()
    await settle()
    assert ("progress",) in dut.leg(channel).said
    bridge = dut.under.engine.bridges[-1]
    members = [call[1] for call in dut.under.engine.calls(bridge) if call[0] == "BRIDGE_ADD"]
    assert members == [channel.leg.stream.handle, bob.stream.handle]
    listener(bob).on_answered()
    await settle()
    assert ("BRIDGE_CLOSE",) in dut.under.engine.calls(bridge)
    assert channel.bridge is not None


async def test_early_media_of_several_destinations_is_not(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob&PJSIP/carol)")
    listener(called(dut)[0]).on_progress()
    await settle()
    assert ("progress",) not in dut.leg(channel).said


async def test_a_redirection_is_followed_by_a_local_channel(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Dial(PJSIP/bob)\nexten => 777,1,Answer()\nsame => n,WaitDigit()")
    channel = await dut.call()
    listener(called(dut)[0]).on_redirected("777")
    for _ in range(5):
        await settle()
    assert channel.state == "Up"
    assert channel.variables.get("FORWARDERNAME") == called(dut)[0].name


async def test_i_does_not_follow(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,i)\nSet(A=${DIALSTATUS})")
    listener(called(dut)[0]).on_redirected("777")
    await settle()
    assert channel.variables.get("A") == "BUSY"


async def test_redirections_in_a_circle_end(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob)\nSet(A=${DIALSTATUS})")
    for _ in range(20):
        await settle()
        if channel.is_destroyed:
            break
        listener(called(dut)[-1]).on_redirected("PJSIP/carol")
    assert channel.variables.get("A") == "BUSY"
    assert len(called(dut)) == 11


async def test_upper_h_lets_the_caller_end_it_by_star(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,Hg)\nSet(A=on)\nWaitDigit()")
    listener(called(dut)[0]).on_answered()
    await settle()
    channel.on_dtmf("*", 100)
    await settle()
    assert channel.variables.get("A") == "on"
    assert called(dut)[0].said[-1] == ("hangup", 16)


async def test_lower_h_lets_the_called_party_end_it(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,h)")
    bob = listener(called(dut)[0])
    bob.on_answered()
    await settle()
    bob.on_dtmf("*", 100)
    await settle()
    assert channel.is_destroyed


async def test_d_leaves_by_a_digit(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Dial(PJSIP/bob,,d)\nexten => 5,1,Set(A=five)\nsame => n,WaitDigit()")
    channel = await dut.call()
    channel.on_dtmf("5", 100)
    await settle()
    assert channel.variables.get("A") == "five"
    assert called(dut)[0].said[-1][0] == "hangup"


async def test_upper_d_sends_digits_to_both(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,D(12:34))")
    (bob,) = called(dut)
    listener(bob).on_answered()
    await settle()
    assert [said[1] for said in bob.said if said[0] == "dtmf"] == ["12"]
    assert [said[1] for said in dut.leg(channel).said if said[0] == "dtmf"] == ["34"]


async def test_upper_a_announces_before_they_talk(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,A(hello))")
    listener(called(dut)[0]).on_answered()
    await settle()
    assert channel.bridge is None
    dut.under.engine.players[-1].finish()
    await settle()
    assert channel.bridge is not None


async def test_upper_g_sends_both_into_the_dialplan(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Dial(PJSIP/bob,,G(apart))
        same => n(apart),Goto(caller,1)
        same => n,Goto(callee,1)
        exten => caller,1,Set(A=caller)
        same => n,WaitDigit()
        exten => callee,1,Set(A=callee)
        same => n,WaitDigit()
        """
    )
    channel = await dut.call()
    bob = listener(called(dut)[0])
    bob.on_answered()
    await settle()
    assert channel.variables.get("A") == "caller"
    assert bob.variables.get("A") == "callee"


async def test_upper_f_keeps_the_called_party_when_the_caller_leaves(
    dut: DialplanUnderTest,
) -> None:
    dut.load(
        "exten => s,1,Dial(PJSIP/bob,,F(default^after^1))\n"
        "exten => after,1,Set(A=after)\nsame => n,WaitDigit()"
    )
    channel = await dut.call()
    bob = listener(called(dut)[0])
    bob.on_answered()
    await settle()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert bob.variables.get("A") == "after"
    assert not bob.is_hungup


@pytest.mark.parametrize("option", ["L(10)", "S(0.01)"])
async def test_limits_end_the_call(dut: DialplanUnderTest, option: str) -> None:
    channel = await dut.run(f"Dial(PJSIP/bob,,{option})")
    listener(called(dut)[0]).on_answered()
    await until_over(channel)
    assert called(dut)[0].said[-1] == ("hangup", 16)


async def test_c_says_answered_elsewhere_to_those_it_cancels(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,c)")
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert ("hangup", 26) in called(dut)[0].said


async def test_a_answers_the_caller_first(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Dial(PJSIP/bob,,a)")
    assert channel.state == "Up"


async def test_unsupported_options_are_reported(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    await dut.run("Dial(PJSIP/bob,,JrM(sub))")
    assert "Dial: option J, M is not supported and was ignored" in caplog.text


async def test_inherited_variables_reach_the_called_channel(dut: DialplanUnderTest) -> None:
    await dut.run("Set(_A=1)\nSet(__B=2)\nSet(C=3)\nDial(PJSIP/bob)")
    bob = listener(called(dut)[0])
    assert [bob.variables.get(name) for name in "ABC"] == ["1", "2", None]


class TestTransfer:
    """``t`` and ``T``: a digit, a prompt, an extension."""

    SOURCE = """
        exten => s,1,Dial(PJSIP/bob,,{options})
        same => n,Set(A=after Dial)
        exten => 55,1,Set(A=at 55)
        same => n,WaitDigit()
    """

    async def start(self, dut: DialplanUnderTest, options: str) -> tuple[Channel, Channel]:
        dut.load(self.SOURCE.format(options=options))
        caller = await dut.call()
        peer = listener(called(dut)[0])
        peer.on_answered()
        await settle()
        return caller, peer

    async def press(self, channel: Channel, digits: str) -> None:
        for digit in digits:
            channel.on_dtmf(digit, 100)
            await settle()

    async def test_the_called_party_sends_the_caller_away(self, dut: DialplanUnderTest) -> None:
        caller, peer = await self.start(dut, "t")
        await self.press(peer, "#")
        dut.under.engine.players[-1].finish()
        await settle()
        calls = dut.under.engine.calls(caller.leg.stream)
        assert ("STREAM_BACKGROUND", 2, "default") in calls
        await self.press(peer, "55")
        assert caller.variables.get("A") == "at 55"
        assert peer.is_hungup
        assert not caller.is_hungup

    async def test_the_caller_sends_the_called_party_away(self, dut: DialplanUnderTest) -> None:
        caller, peer = await self.start(dut, "T")
        await self.press(caller, "#55")
        assert peer.variables.get("A") == "at 55"
        assert caller.is_hungup
        assert not peer.is_hungup

    async def test_an_unknown_extension_brings_both_together_again(
        self, dut: DialplanUnderTest
    ) -> None:
        caller, peer = await self.start(dut, "t")
        await self.press(peer, "#9")
        for _prompt in range(3):
            await self.press(peer, "9")
        dut.under.engine.players[-1].finish()
        await settle()
        assert caller.bridge is not None
        assert set(caller.bridge.channels) == {caller.id, peer.id}
        await self.press(peer, "#55")
        assert caller.variables.get("A") == "at 55"

    @pytest.mark.parametrize("who", [0, 1])
    async def test_hanging_up_meanwhile_ends_it(self, dut: DialplanUnderTest, who: int) -> None:
        channels = await self.start(dut, "t")
        await self.press(channels[1], "#5")
        dut.under.phones.legs[who].far_end_hangs_up()
        await settle()
        await settle()
        assert [channel.is_hungup for channel in channels] == [True, True]

    async def test_without_the_option_the_digit_does_nothing(self, dut: DialplanUnderTest) -> None:
        caller, _peer = await self.start(dut, "t")
        await self.press(caller, "#")
        assert caller.bridge is not None


class TestSubroutines:
    """``b``, ``B`` and ``U``."""

    async def test_predial_routines_run_on_both_before_it_rings(
        self, dut: DialplanUnderTest
    ) -> None:
        dut.load(
            """
            [default]
            exten => s,1,Dial(PJSIP/bob,,b(sub^s^1(x^y))B(sub^s^1(z)))
            [sub]
            exten => s,1,Set(GOT=${ARG1}${ARG2}${CHANNEL(channeltype)})
            same => n,Return()
            """
        )
        channel = await dut.call()
        (bob,) = called(dut)
        assert listener(bob).variables.get("GOT") == "xyPJSIP"
        assert channel.variables.get("GOT") == "zPJSIP"
        assert bob.said[0][0] == "dial"
        assert (channel.exten, channel.priority) == ("s", 1)

    @pytest.mark.parametrize(
        ("result", "after", "status"),
        [
            ("", None, "ANSWER"),
            ("CONTINUE", "next", "ANSWER"),
            ("BUSY", "next", "BUSY"),
            ("ABORT", None, "ANSWER"),
            ("GOTO:default^77^1", "at 77", "ANSWER"),
        ],
    )
    async def test_the_result_of_a_screening_routine_decides(
        self, dut: DialplanUnderTest, result: str, after: str | None, status: str
    ) -> None:
        dut.load(
            f"""
            [default]
            exten => s,1,Dial(PJSIP/bob,,U(sub^a))
            same => n,Set(AFTER=next)
            exten => 77,1,Set(AFTER=at 77)
            [sub]
            exten => s,1,Set(GOSUB_RESULT={result})
            same => n,Return()
            """
        )
        channel = await dut.call()
        bob = listener(called(dut)[0])
        bob.on_answered()
        await settle()
        await settle()
        assert channel.variables.get("AFTER") == after
        assert channel.variables.get("DIALSTATUS") == status
        assert bob.is_hungup is (result != "")

    async def test_the_caller_can_leave_while_the_routine_runs(
        self, dut: DialplanUnderTest
    ) -> None:
        dut.load("[default]\nexten => s,1,Dial(PJSIP/bob,,U(sub))\n[sub]\nexten => s,1,WaitDigit()")
        channel = await dut.call()
        bob = listener(called(dut)[0])
        bob.on_answered()
        await settle()
        dut.leg(channel).far_end_hangs_up()
        await settle()
        assert channel.is_destroyed
        assert bob.is_hungup


async def test_local_channels_in_a_circle_end(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Dial(Local/s@default)")
    channel = await dut.call()
    for _ in range(200):
        await settle()
        if channel.is_destroyed:
            break
    assert len(dut.under.registry) == 0
