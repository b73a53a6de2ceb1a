"""How a call goes from step to step, and where it goes when there is none."""

from __future__ import annotations

import asyncio
import logging

import pytest

from server.dialplan.registry import Function
from server.dialplan.scope import Scope
from server.resources.controlled import EndedBy
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


async def test_steps_run_in_order_and_the_call_ends_with_the_last(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        """
        Set(A=1)
        Set(A=${A}2)
        Answer()
        """
    )
    assert channel.variables.get("A") == "12"
    assert channel.is_hungup
    assert ("answer",) in dut.leg(channel).said
    assert ("hangup", 16) in dut.leg(channel).said


async def test_a_missing_application_is_logged_and_ends_the_call(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run("Fly(me to the moon)\nSet(A=1)")
    assert channel.is_hungup
    assert channel.variables.get("A") is None
    assert "no application 'Fly'" in caplog.text


async def test_an_unknown_extension_falls_back_to_s(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Set(A=s ran)")
    assert (await dut.call("999")).variables.get("A") == "s ran"


async def test_a_context_without_the_extension_and_s_falls_back_to_default(
    dut: DialplanUnderTest,
) -> None:
    dut.load("[default]\nexten => s,1,Set(A=${CONTEXT})")
    dut.under.phones.call(dut.under.incoming, "alice", "100", context="elsewhere")
    (channel,) = dut.under.registry
    await settle()
    assert channel.variables.get("A") == "default"


async def test_goto_a_missing_extension_runs_i_with_invalid_exten(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Goto(nowhere,1)
        exten => i,1,Set(A=${INVALID_EXTEN})
        """
    )
    assert (await dut.call()).variables.get("A") == "nowhere"


async def test_goto_a_missing_priority_falls_through(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Goto(s,7)
        exten => i,1,Set(A=wrong)
        """
    )
    channel = await dut.call()
    assert channel.variables.get("A") is None
    assert channel.is_hungup


async def test_without_i_an_invalid_extension_goes_to_e(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Goto(nowhere,1)
        exten => e,1,Set(A=${EXCEPTION(reason)} ${EXCEPTION(exten)})
        """
    )
    assert (await dut.call()).variables.get("A") == "INVALID nowhere"


async def test_goto_an_unknown_label_ends_the_call(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Goto(nolabel)\nSet(A=1)")
    assert channel.is_hungup
    assert channel.variables.get("A") is None


async def test_goto_across_contexts_by_label_and_relative_priority(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Goto(other,100,here)
        [other]
        exten => 100,1,Set(A=wrong)
        same => n(here),Set(A=${CONTEXT}-${EXTEN}-${PRIORITY})
        same => n,Goto(+2)
        same => n,Set(A=wrong)
        same => n,Set(B=end)
        """
    )
    channel = await dut.call()
    assert channel.variables.get("A") == "other-100-2"
    assert channel.variables.get("B") == "end"


async def test_a_missing_priority_is_found_in_an_included_catch_all(
    dut: DialplanUnderTest,
) -> None:
    dut.load(
        """
        [default]
        include => all
        exten => 100,1,Set(A=1)
        [all]
        exten => _X.,2,Set(A=${A}2)
        exten => _X.,3,Set(A=${A}3)
        """
    )
    assert (await dut.call("100")).variables.get("A") == "123"


async def test_h_runs_after_the_caller_hung_up(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Answer()
        same => n,Wait(60)
        exten => h,1,Set(A=${HANGUPCAUSE})
        same => n,Playback(bye)
        same => n,Set(A=not reached)
        """
    )
    channel = await dut.call()
    assert not channel.is_hungup
    dut.leg(channel).far_end_hangs_up(17)
    await settle()
    assert channel.variables.get("A") == "17"
    assert channel.is_destroyed


async def test_h_runs_in_the_context_where_the_call_was(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Goto(other,s,1)
        exten => h,1,Set(A=default)
        [other]
        exten => s,1,Hangup(21)
        exten => h,1,Set(A=other ${HANGUPCAUSE})
        """
    )
    channel = await dut.call()
    assert channel.variables.get("A") == "other 21"
    assert ("hangup", 21) in dut.leg(channel).said


@pytest.mark.parametrize(
    ("status", "cause"),
    [("BUSY", 17), ("CONGESTION", 34), ("CHANUNAVAIL", 34), ("NOANSWER", 16), ("", 16)],
)
async def test_autofallthrough_follows_dialstatus(
    dut: DialplanUnderTest, status: str, cause: int
) -> None:
    channel = await dut.run(f"Set(DIALSTATUS={status})")
    assert ("hangup", cause) in dut.leg(channel).said


async def test_without_autofallthrough_the_call_waits_for_digits(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [general]
        autofallthrough=no
        [default]
        exten => s,1,Answer()
        exten => 12,1,Set(A=twelve)
        same => n,Hangup()
        """
    )
    channel = await dut.call()
    assert not channel.is_hungup
    channel.on_dtmf("1", 100)
    await settle()
    channel.on_dtmf("2", 100)
    await settle()
    assert channel.variables.get("A") == "twelve"


async def test_an_endless_loop_lets_others_run_and_ends_at_hangup(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Goto(s,1)")
    assert not channel.is_hungup
    dut.leg(channel).far_end_hangs_up()
    for _ in range(200):
        await asyncio.sleep(0)
    assert channel.is_destroyed


async def test_an_endless_h_is_stopped(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    dut.load("exten => s,1,Hangup()\nexten => h,1,Goto(h,1)")
    channel = await dut.call()
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert channel.is_destroyed
    assert "stopped after 10000 steps" in caplog.text


async def test_reload_leaves_calls_running_on_the_new_plan(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,WaitDigit()\nsame => n,Set(A=old)")
    channel = await dut.call()
    dut.load("exten => s,1,NoOp()\nsame => n,Set(A=new)")
    channel.on_dtmf("1", 100)
    await settle()
    assert channel.variables.get("A") == "new"


async def test_the_absolute_timeout_goes_to_capital_t(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Set(TIMEOUT(absolute)=0.01)
        same => n,Wait(60)
        exten => T,1,Set(A=too long)
        """
    )
    channel = await dut.call()
    for _ in range(100):
        await asyncio.sleep(0.001)
        if channel.is_destroyed:
            break
    assert channel.variables.get("A") == "too long"


async def test_errors_of_an_expression_name_file_line_and_column_and_the_call_goes_on(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run("Set(A=$[ = 1])\nSet(B=1)")
    assert channel.variables.get("A") == ""
    assert channel.variables.get("B") == "1"
    assert "extensions.conf:3" in caplog.text
    assert "character 2" in caplog.text


async def test_the_channel_shows_where_it_is(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()")
    assert (channel.context, channel.exten, channel.priority) == ("default", "s", 2)
    assert channel.app_name == "WaitDigit"


async def test_digits_after_background_dial_the_longest_extension(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,BackGround(menu)
        same => n,WaitExten(5)
        exten => 1,1,Set(A=one)
        exten => 12,1,Set(A=twelve)
        exten => i,1,Set(A=invalid ${INVALID_EXTEN})
        """
    )
    channel = await dut.call()
    channel.on_dtmf("1", 100)
    await settle()
    assert channel.variables.get("A") is None
    channel.on_dtmf("2", 100)
    await settle()
    assert channel.variables.get("A") == "twelve"


async def test_a_digit_that_is_no_extension_goes_to_i_at_once(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,WaitExten(5)
        exten => 12,1,Set(A=twelve)
        exten => i,1,Set(A=invalid ${INVALID_EXTEN})
        """
    )
    channel = await dut.call()
    channel.on_dtmf("9", 100)
    await settle()
    assert channel.variables.get("A") == "invalid 9"


async def test_no_digit_at_all_goes_to_t(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,WaitExten(0.001)
        exten => t,1,Set(A=timeout)
        """
    )
    channel = await dut.call()
    await asyncio.sleep(0.01)
    await settle()
    assert channel.variables.get("A") == "timeout"


async def test_an_application_that_raises_goes_to_e(dut: DialplanUnderTest) -> None:
    def fail(call: object, data: str) -> None:
        raise RuntimeError("bug")

    dut.dialplan.registry.add_application("Fail", fail)
    dut.load("exten => s,1,Fail()\nexten => e,1,Set(A=${EXCEPTION(reason)})")
    assert (await dut.call()).variables.get("A") == "ERROR"


async def test_a_call_that_the_dialplan_ends_says_so(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nHangup(17)")
    assert (channel.ended_by, channel.hangup_cause) == (EndedBy.DIALPLAN, 17)


async def test_a_call_that_the_caller_ends_is_not_the_dialplans(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nWait(10)")
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert channel.is_destroyed
    assert channel.ended_by is EndedBy.FAR_END


async def test_a_function_may_wait_in_the_middle_of_a_step(dut: DialplanUnderTest) -> None:
    async def slow(_scope: Scope, data: str) -> str:
        await asyncio.sleep(0)
        return data + data

    async def store_slowly(scope: Scope, data: str, value: str) -> None:
        await asyncio.sleep(0)
        scope.set(data, value)

    dut.dialplan.registry.add_function(Function("SLOW", slow, store_slowly))
    channel = await dut.run(
        """
        Set(A=$[${SLOW(${LEN(${SLOW(1)})})} + 1])
        ExecIf($["${SLOW(x)}"="xx"]?Set(SLOW(B)=${SLOW(b)}))
        MSet(C=1,C=${SLOW(${SLOW(c)})})
        """
    )
    while not channel.is_hungup:
        await asyncio.sleep(0)
    assert [channel.variables.get(name) for name in "ABC"] == ["23", "bb", "cccc"]


async def test_a_hangup_ends_a_waiting_function(dut: DialplanUnderTest) -> None:
    ended: list[str] = []

    async def stuck(_scope: Scope, _data: str) -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("ended")
        return ""

    dut.dialplan.registry.add_function(Function("STUCK", stuck))
    dut.load("exten => s,1,Set(A=${STUCK()})\nexten => s,n,Set(B=1)\nexten => h,1,Set(C=1)")
    channel = await dut.call()
    channel.hangup()
    await settle()
    assert ended == ["ended"]
    assert channel.variables.get("B") is None
    assert channel.variables.get("C") == "1"
