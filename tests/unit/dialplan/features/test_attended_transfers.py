"""Attended transfer by digits: every way it can go."""

from __future__ import annotations

import pytest

from server.resources.channel import Channel
from tests.support.calls import (
    called,
    channel_of,
    configure,
    press,
    sent_digits,
    talk,
    together,
    until,
)
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

SOURCE = """
    exten => s,1,Dial(PJSIP/bob,,{options})
    same => n,Set(A=after Dial)
    same => n,WaitDigit()
    exten => 66,1,Dial(PJSIP/carol)
    exten => 77,1,Busy()
"""
SILENT = {"transferannouncesound": "", "xfersound": "", "xferfailsound": ""}


class Call:
    """A talk, and the transferer's call to carol."""

    def __init__(self, dut: DialplanUnderTest, *, caller_transfers: bool) -> None:
        self.dut = dut
        self.caller_transfers = caller_transfers

    async def begin(self, **general: object) -> None:
        configure(self.dut, **(SILENT | {"transferdigittimeout": 1} | general))
        options = "Tg" if self.caller_transfers else "tg"
        self.caller, self.peer = await talk(self.dut, SOURCE.format(options=options))

    @property
    def transferer(self) -> Channel:
        return self.caller if self.caller_transfers else self.peer

    @property
    def transferee(self) -> Channel:
        return self.peer if self.caller_transfers else self.caller

    async def consult(self, **general: object) -> Channel:
        """Go as far as carol ringing."""
        await self.begin(**general)
        await press(self.transferer, "*266")
        await until(lambda: len(called(self.dut)) == 2, "carol is not called")
        carol = channel_of(called(self.dut)[1])
        carol.on_ringing()
        await settle()
        return carol

    async def talk_to_target(self, **general: object) -> Channel:
        """Go as far as carol talking to the transferer."""
        carol = await self.consult(**general)
        carol.on_answered()
        for _ in range(5):
            await settle()
        return carol


@pytest.fixture(params=[True, False], ids=["by the caller", "by the called party"])
def call(request: pytest.FixtureRequest, dut: DialplanUnderTest) -> Call:
    return Call(dut, caller_transfers=request.param)


def end_all(dut: DialplanUnderTest) -> None:
    for channel in dut.under.registry:
        channel.hangup()


def heard(channel: Channel, dut: DialplanUnderTest) -> tuple[object, ...]:
    """The background that a channel heard last."""
    calls = dut.under.engine.calls(channel.leg.stream)
    return [each for each in calls if each[0] == "STREAM_BACKGROUND"][-1]


async def test_the_transferee_hears_music_and_the_transferer_ringing(call: Call) -> None:
    await call.consult()
    assert heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 2, "default")
    assert heard(call.transferer, call.dut)[1] == 3
    assert together(call.transferee) == {call.transferee.name, call.transferer.name}
    end_all(call.dut)


async def test_hanging_up_connects_both_others(call: Call) -> None:
    carol = await call.talk_to_target()
    call.transferer.hangup()
    await until(lambda: together(call.transferee) == {call.transferee.name, carol.name})
    assert call.transferee.variables.get("ATTENDEDTRANSFER") == call.transferer.name
    assert call.transferee.connected == carol.caller
    assert not call.transferee.is_hungup
    carol.hangup()
    await until(lambda: call.transferee.is_hungup or call.transferee.variables.get("A"))
    end_all(call.dut)


async def test_complete_connects_both_others(call: Call) -> None:
    carol = await call.talk_to_target()
    await press(call.transferer, "*2")
    await until(lambda: together(call.transferee) == {call.transferee.name, carol.name})
    assert call.transferer.is_hungup is not call.caller_transfers  # who dialled goes on with g
    call.transferee.hangup()
    await until(lambda: carol.is_hungup)
    end_all(call.dut)


async def test_abort_brings_both_together_again(call: Call) -> None:
    carol = await call.talk_to_target()
    await press(call.transferer, "*1")
    await until(lambda: carol.is_hungup)
    assert together(call.transferee) == {call.transferee.name, call.transferer.name}
    assert heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 0, "")
    await press(call.transferer, "5")
    assert sent_digits(call.transferee.leg) == ["5"]
    end_all(call.dut)


async def test_three_way_lets_all_talk_until_one_is_alone(call: Call) -> None:
    carol = await call.talk_to_target()
    await press(call.transferer, "*3")
    await until(lambda: len(together(call.transferee)) == 3)
    await until(lambda: not call.transferer.features.is_busy)  # type: ignore[union-attr]
    call.transferer.hangup()
    await until(lambda: len(together(call.transferee)) == 2)
    await until(lambda: carol.bridge is call.transferee.bridge)
    call.transferee.hangup()
    await until(lambda: carol.is_hungup)
    end_all(call.dut)


async def test_swap_changes_who_is_talked_to(call: Call) -> None:
    carol = await call.talk_to_target()
    target = call.dut.under.registry.find("Local/66@default-00000000;1")
    assert target is not None
    await press(call.transferer, "*4")
    await until(lambda: heard(target, call.dut) == ("STREAM_BACKGROUND", 2, "default"))
    assert heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 0, "")
    await press(call.transferer, "9")
    assert sent_digits(call.transferee.leg) == ["9"]
    await press(call.transferer, "*4")
    await until(lambda: heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 2, "default"))
    call.transferer.hangup()
    await until(lambda: together(call.transferee) == {call.transferee.name, carol.name})
    end_all(call.dut)


async def test_a_target_that_leaves_brings_both_together_again(call: Call) -> None:
    carol = await call.talk_to_target()
    carol.hangup()
    await until(lambda: heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 0, ""))
    assert together(call.transferee) == {call.transferee.name, call.transferer.name}
    end_all(call.dut)


async def test_a_busy_target_brings_both_together_again(call: Call) -> None:
    await call.begin()
    await press(call.transferer, "*277")
    await until(lambda: heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 0, ""))
    assert together(call.transferee) == {call.transferee.name, call.transferer.name}
    end_all(call.dut)


async def test_a_target_that_does_not_answer_brings_both_together_again(call: Call) -> None:
    carol = await call.consult()
    await until(lambda: carol.is_hungup)
    await until(lambda: heard(call.transferee, call.dut) == ("STREAM_BACKGROUND", 0, ""))
    assert together(call.transferee) == {call.transferee.name, call.transferer.name}
    end_all(call.dut)


async def test_when_the_transferee_leaves_the_others_talk_on(call: Call) -> None:
    carol = await call.talk_to_target()
    call.transferee.hangup()
    await until(lambda: together(call.transferer) == {call.transferer.name, carol.name})
    await settle()
    assert not call.transferer.is_hungup
    assert not carol.is_hungup
    end_all(call.dut)


async def test_hanging_up_while_it_rings_lets_the_transferee_wait(call: Call) -> None:
    carol = await call.consult(atxfernoanswertimeout=5)
    call.transferer.hangup()
    await until(lambda: heard(call.transferee, call.dut)[1] == 3, "no ringing")
    assert not call.transferee.is_hungup
    carol.on_answered()
    await until(lambda: together(call.transferee) == {call.transferee.name, carol.name})
    carol.hangup()
    await until(lambda: call.transferee.is_hungup or call.transferee.variables.get("A"))
    end_all(call.dut)


async def test_atxferdropcall_ends_all_instead(call: Call) -> None:
    carol = await call.consult(atxferdropcall=True, atxfernoanswertimeout=5)
    call.transferer.hangup()
    await until(lambda: carol.is_hungup)
    await until(lambda: call.transferee.is_hungup or call.transferee.variables.get("A"))
    end_all(call.dut)


async def test_the_transferer_is_called_back_and_can_transfer_again(call: Call) -> None:
    await call.consult()
    call.transferer.hangup()
    await until(lambda: len(called(call.dut)) == 3, "nobody is called back")
    back = channel_of(called(call.dut)[2])
    assert back.endpoint == call.transferer.endpoint
    back.on_answered()
    await until(lambda: together(call.transferee) == {call.transferee.name, back.name})
    await press(back, "*266")
    await until(lambda: len(called(call.dut)) == 4)
    end_all(call.dut)


async def test_in_the_end_a_transferee_whom_nobody_wants_goes_on(call: Call) -> None:
    await call.consult(atxfercallbackretries=1)
    call.transferer.hangup()
    await until(lambda: call.transferee.is_hungup or call.transferee.variables.get("A"))
    end_all(call.dut)


async def test_the_event_names_all_three(call: Call) -> None:
    collector = call.dut.under.connect("app", subscribe_all=True)
    await call.talk_to_target()
    await press(call.transferer, "*2")
    await until(lambda: collector.of("BridgeAttendedTransfer"))
    (event,) = collector.of("BridgeAttendedTransfer")
    assert event["result"] == "Success"
    assert event["is_external"] is False
    assert event["transferee"]["id"] == call.transferee.id
    assert event["transferer_first_leg"]["id"] == call.transferer.id
    assert event["destination_type"] == "bridge"
    end_all(call.dut)
