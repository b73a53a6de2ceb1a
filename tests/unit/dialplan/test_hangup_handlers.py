"""Subroutines that run when a channel ends."""

from __future__ import annotations

import pytest

from tests.support.calls import called, channel_of, until
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

FIRST = "Set(CHANNEL(hangup_handler_push)=sub,first,1(x))\n"
SUBROUTINES = """
    [sub]
    exten => first,1,Set(GLOBAL(LOG)=${LOG} first ${ARG1})
    same => n,Return()
    exten => second,1,Set(GLOBAL(LOG)=${LOG} second)
    same => n,Return()
"""


async def run(dut: DialplanUnderTest, steps: str) -> str:
    lines = "\n".join(f"same => n,{step.strip()}" for step in steps.strip().splitlines())
    dut.load(
        f"[default]\nexten => s,1,NoOp()\n{lines}\nexten => h,1,Set(GLOBAL(LOG)=h)\n"
        + "\n".join(line.strip() for line in SUBROUTINES.splitlines())
    )
    channel = await dut.call()
    if not channel.is_hungup:
        dut.leg(channel).far_end_hangs_up()
    await settle()
    assert channel.is_destroyed
    return dut.dialplan.globals.get("LOG", "")


@pytest.mark.parametrize(
    ("steps", "log"),
    [
        ("Set(CHANNEL(hangup_handler_push)=sub,first,1(x))\nHangup()", "h first x"),
        ("Set(CHANNEL(hangup_handler_push)=sub,first,1(x))\nWaitDigit()", "h first x"),
        (f"{FIRST}Set(CHANNEL(hangup_handler_push)=sub,second,1)", "h second first x"),
        (f"{FIRST}Set(CHANNEL(hangup_handler_pop)=sub,second,1)", "h second"),
        (f"{FIRST}{FIRST}Set(CHANNEL(hangup_handler_wipe)=)", "h"),
        (f"{FIRST}{FIRST}Set(CHANNEL(hangup_handler_wipe)=sub,second,1)", "h second"),
        ("Set(CHANNEL(hangup_handler_push)=sub,nowhere,1)", "h"),
    ],
)
async def test_handlers_run_after_h_the_last_one_first(
    dut: DialplanUnderTest, steps: str, log: str
) -> None:
    assert await run(dut, steps) == log


async def test_a_handler_that_never_returns_is_stopped(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Set(CHANNEL(hangup_handler_push)=sub,loop,1)
        [sub]
        exten => loop,1,Goto(loop,1)
        """
    )
    channel = await dut.call()
    await until(lambda: channel.is_destroyed)


async def test_a_called_channel_runs_its_own(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Dial(PJSIP/bob,,b(sub^push^1))
        [sub]
        exten => push,1,Set(CHANNEL(hangup_handler_push)=sub,end,1)
        same => n,Return()
        exten => end,1,Set(GLOBAL(LOG)=${CHANNEL} ${HANGUPCAUSE})
        same => n,Return()
        """
    )
    channel = await dut.call()
    bob = channel_of(called(dut)[0])
    called(dut)[0].far_end_hangs_up(17)
    await settle()
    assert dut.dialplan.globals["LOG"] == f"{bob.name} 17"
    assert bob.is_destroyed
    channel.hangup()


async def test_e_lets_the_called_party_run_h(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Dial(PJSIP/bob,,e)
        exten => h,1,Set(GLOBAL(LOG)=${LOG} ${CHANNEL})
        """
    )
    channel = await dut.call()
    bob = channel_of(called(dut)[0])
    bob.on_answered()
    await settle()
    channel.hangup()
    await settle()
    assert set(dut.dialplan.globals["LOG"].split()) == {bob.name, channel.name}
