"""Answering a call that rings elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.pickup import parse_names, parse_numbers
from server.resources.channel import Channel
from server.tech.base import IncomingCall, Party
from tests.support.calls import called, channel_of, configure, together, until
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

RINGING = """
    [default]
    exten => s,1,Dial(PJSIP/bob,,gb(mark^s^1))
    same => n,Set(A=on)
    same => n,WaitDigit()
    exten => take,1,{step}
    same => n,Set(A=nothing)
    same => n,WaitDigit()
    [mark]
    exten => s,1,Set(PICKUPMARK=red)
    same => n,Set(CHANNEL(callgroup)=1-3)
    same => n,Set(CHANNEL(namedcallgroup)=sales)
    same => n,Return()
"""


async def take(dut: DialplanUnderTest, step: str) -> tuple[Channel, Channel]:
    """Let bob ring, and carol run *step*."""
    dut.load(RINGING.format(step=step))
    caller = await dut.call()
    channel_of(called(dut)[0]).on_ringing()
    await settle()
    picker = await dut.call("take", endpoint="carol")
    await settle()
    return caller, picker


@pytest.mark.parametrize(
    "step",
    [
        "Pickup(s)",
        "Pickup(s@default)",
        "Pickup(no@default&s@default)",
        "Pickup(red@PICKUPMARK)",
        "PickupChan(PJSIP/bob-00000002)",
        "PickupChan(PJSIP/x&PJSIP/bo,p)",
    ],
)
async def test_a_call_that_rings_is_picked_up(dut: DialplanUnderTest, step: str) -> None:
    caller, picker = await take(dut, step)
    assert together(caller) == {caller.name, picker.name}
    assert picker.state == "Up"
    assert caller.variables.get("DIALSTATUS") == "ANSWER"
    assert caller.variables.get("DIALEDPEERNAME") == picker.name
    assert ("hangup", 26) in called(dut)[0].said
    assert picker.variables.get("A") is None
    dut.leg(picker).far_end_hangs_up()
    await settle()
    assert caller.variables.get("A") == "on"
    assert picker.is_destroyed


async def test_the_picker_ends_with_the_caller(dut: DialplanUnderTest) -> None:
    caller, picker = await take(dut, "Pickup(s)")
    dut.leg(caller).far_end_hangs_up()
    await settle()
    assert picker.is_destroyed


@pytest.mark.parametrize(
    "step",
    [
        "Pickup(other)",
        "Pickup(s@other)",
        "Pickup(blue@PICKUPMARK)",
        "PickupChan(PJSIP/bob)",
        "PickupChan()",
        "Pickup()",
    ],
)
async def test_nothing_to_pick_up_goes_on(dut: DialplanUnderTest, step: str) -> None:
    caller, picker = await take(dut, step)
    assert picker.variables.get("A") == "nothing"
    assert caller.bridge is None
    caller.hangup()


@pytest.mark.parametrize(
    ("item", "groups", "works"),
    [
        ("pickupgroup", "2", True),
        ("pickupgroup", "0,3-9", True),
        ("pickupgroup", "4", False),
        ("namedpickupgroup", "support,sales", True),
        ("namedpickupgroup", "support", False),
    ],
)
async def test_groups_decide_who_may(
    dut: DialplanUnderTest, item: str, groups: str, works: bool
) -> None:
    dut.load(RINGING.format(step=f"Set(CHANNEL({item})={groups})\nsame => n,Pickup()"))
    caller = await dut.call()
    channel_of(called(dut)[0]).on_ringing()
    await settle()
    picker = await dut.call("take", endpoint="carol")
    await settle()
    assert (caller.bridge is not None) is works
    assert (picker.variables.get("A") == "nothing") is not works
    caller.hangup()


async def test_an_answered_call_can_not_be_picked_up(dut: DialplanUnderTest) -> None:
    dut.load(RINGING.format(step="Pickup(s)"))
    caller = await dut.call()
    channel_of(called(dut)[0]).on_answered()
    await settle()
    picker = await dut.call("take", endpoint="carol")
    assert picker.variables.get("A") == "nothing"
    assert picker.name not in together(caller)
    caller.hangup()


@pytest.mark.parametrize("has_group", [True, False])
async def test_pickupexten_takes_the_calls_of_the_group(
    dut: DialplanUnderTest, has_group: bool
) -> None:
    configure(dut, pickupsound="beep", pickupfailsound="beeperr")
    dut.load(RINGING.format(step="NoOp()"))
    caller = await dut.call()
    channel_of(called(dut)[0]).on_ringing()
    await settle()
    leg: Any = dut.under.phones.make_leg("carol")
    leg.info = lambda item: "2" if item == "pickupgroup" and has_group else None
    assert dut.dialplan.match("default", "*8", "carol").value == "exact"
    dut.under.incoming.incoming(leg, IncomingCall("carol", "default", "*8", Party("", "carol")))
    await settle()
    picker = channel_of(leg)
    player = dut.under.engine.players[-1]
    assert ("beep.wav" in str(player.sources[0].path)) is has_group
    player.finish()
    await settle()
    assert picker.is_hungup is not has_group
    await until(lambda: (caller.bridge is not None) is has_group)
    caller.hangup()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", ""),
        ("1", "1"),
        ("1,3-5", "1 3 4 5"),
        ("5-3", ""),
        ("60-70", "60 61 62 63"),
        ("64,x,-1", ""),
        (" 2 , 3 ", "2 3"),
    ],
)
def test_reading_numbered_groups(text: str, numbers: str) -> None:
    assert parse_numbers(text) == frozenset(numbers.split())


@given(st.text(max_size=40))
def test_reading_groups_takes_anything(text: str) -> None:
    assert all(0 <= int(number) <= 63 for number in parse_numbers(text))
    assert all("," not in name for name in parse_names(text))
