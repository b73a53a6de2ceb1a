"""What the rest of the server asks the dialplan."""

from __future__ import annotations

import pytest

from server.tech.base import ExtensionMatch
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


@pytest.mark.parametrize(
    ("exten", "match"),
    [
        ("100", ExtensionMatch.EXACT),
        ("10", ExtensionMatch.PARTIAL),
        ("", ExtensionMatch.PARTIAL),
        ("9", ExtensionMatch.NONE),
        ("1000", ExtensionMatch.NONE),
        ("20", ExtensionMatch.PARTIAL),
        ("201", ExtensionMatch.EXACT),
        ("300", ExtensionMatch.NONE),
    ],
)
async def test_match(dut: DialplanUnderTest, exten: str, match: ExtensionMatch) -> None:
    dut.load("exten => 100,1,NoOp()\nexten => _2XX,1,NoOp()\nexten => 300,2,NoOp()")
    assert dut.dialplan.match("default", exten, "") is match


async def test_a_context_that_does_not_exist_matches_nothing(dut: DialplanUnderTest) -> None:
    dut.load("exten => 100,1,NoOp()")
    assert dut.dialplan.match("nowhere", "100", "") is ExtensionMatch.NONE
    assert not dut.dialplan.has("nowhere", "100", 1, "")
    assert dut.dialplan.find_label("nowhere", "100", "x", "") is None


async def test_reloading_keeps_or_clears_globals_as_configured(dut: DialplanUnderTest) -> None:
    dut.load("[globals]\nA=1\n[default]\nexten => 1,1,NoOp()")
    dut.load("[globals]\nB=2\n[default]\nexten => 1,1,NoOp()")
    assert dut.dialplan.globals == {"A": "1", "B": "2"}
    dut.load("[general]\nclearglobalvars=yes\n[globals]\nC=3\n[default]\nexten => 1,1,NoOp()")
    assert dut.dialplan.globals == {"C": "3"}


async def test_a_channel_can_be_sent_elsewhere_while_it_runs(dut: DialplanUnderTest) -> None:
    dut.load(
        "exten => s,1,Wait(60)\nexten => h,1,Set(H=1)\n"
        "exten => 7,1,Set(A=seven)\nsame => n,WaitDigit()"
    )
    channel = await dut.call()
    channel.set_position("default", "7", 1)
    dut.dialplan.start(channel)
    await settle()
    assert channel.variables.get("A") == "seven"
    assert channel.variables.get("H") is None


async def test_what_a_call_keeps_goes_with_it(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Set(TIMEOUT(absolute)=60)\nWaitDigit()")
    state = dut.dialplan.state_of(channel)
    timer = state.absolute_timer
    assert timer is not None
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert timer.cancelled()
    assert dut.dialplan.state_of(channel) is not state


async def test_global_variables_may_use_functions(dut: DialplanUnderTest) -> None:
    dut.store.put("a", "b", "stored")
    warnings = dut.load("""
        [globals]
        A=x
        B=${DB(a/b)}-${A}
        C=${LEN(${A}yz)}
        D=${E}
        E=late
        [default]
        """)
    assert warnings == []
    assert [dut.dialplan.globals[name] for name in "ABCDE"] == ["x", "stored-x", "3", "", "late"]
