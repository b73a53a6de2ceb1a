"""Macro and its family."""

from __future__ import annotations

import pytest

from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


def add(text: str) -> str:
    return f"Set(LOG=${{LOG}}{text})"


async def log_of(dut: DialplanUnderTest, source: str) -> str:
    dut.load(source)
    return (await dut.call()).variables.get("LOG") or ""


async def test_a_macro_has_arguments_and_says_who_called(dut: DialplanUnderTest) -> None:
    source = """
    [default]
    exten => s,1,Set(ARG1=mine)
    same => n,Macro(x,one,two)
    same => n,Set(LOG=${LOG}|${ARG1}|${ARG2}|${MACRO_EXTEN}|${PRIORITY})
    [macro-x]
    exten => s,1,Set(LOG=${ARG1}${ARG2} ${MACRO_CONTEXT},${MACRO_EXTEN},${MACRO_PRIORITY} ${EXTEN})
    """
    assert await log_of(dut, source) == "onetwo default,s,2 s|mine|||3"


async def test_macros_inside_each_other_know_the_outermost_caller(dut: DialplanUnderTest) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x,a,b)
    same => n,{add(".")}
    [macro-x]
    exten => s,1,Macro(y,c)
    same => n,{add("${ARG1}${ARG2}${MACRO_DEPTH}")}
    [macro-y]
    exten => s,1,{add("${ARG1}${ARG2}${MACRO_DEPTH}${MACRO_CONTEXT} ")}
    """
    assert await log_of(dut, source) == "c2default ab1."


async def test_macrooffset_skips_steps(dut: DialplanUnderTest) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x)
    same => n,{add("never")}
    same => n,{add("here")}
    [macro-x]
    exten => s,1,Set(MACRO_OFFSET=1)
    """
    assert await log_of(dut, source) == "here"


async def test_macroexit_goes_back_at_once(dut: DialplanUnderTest) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x)
    same => n,{add("b")}
    same => n,MacroExit()
    same => n,{add("c")}
    [macro-x]
    exten => s,1,{add("a")}
    same => n,MacroExit()
    same => n,{add("never")}
    """
    assert await log_of(dut, source) == "abc"


async def test_goto_within_a_macro_stays_in_it_and_out_of_it_leaves_it(
    dut: DialplanUnderTest,
) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x,1)
    same => n,{add("never")}
    exten => out,1,{add("out${ARG1}")}
    [macro-x]
    exten => s,1,Goto(more,1)
    exten => more,1,{add("in")}
    same => n,Goto(default,out,1)
    """
    assert await log_of(dut, source) == "inout"


async def test_gosub_out_of_a_macro_comes_back_into_it(dut: DialplanUnderTest) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x)
    same => n,{add("c")}
    [macro-x]
    exten => s,1,Gosub(sub,s,1)
    same => n,{add("b")}
    [sub]
    exten => s,1,{add("a")}
    same => n,Return()
    """
    assert await log_of(dut, source) == "abc"


@pytest.mark.parametrize(("condition", "log"), [("1", "x1."), ("0", "y2.")])
async def test_macroif_chooses(dut: DialplanUnderTest, condition: str, log: str) -> None:
    source = f"""
    [default]
    exten => s,1,MacroIf({condition}?x,1:y(2))
    same => n,MacroIf(0?x)
    same => n,{add(".")}
    [macro-x]
    exten => s,1,{add("x${ARG1}")}
    [macro-y]
    exten => s,1,{add("y${ARG1}")}
    """
    assert await log_of(dut, source) == log


async def test_a_macro_that_calls_itself_ends(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"""
    [default]
    exten => s,1,Macro(x)
    [macro-x]
    exten => s,1,{add("x")}
    same => n,Macro(x)
    """
    assert await log_of(dut, source) == "x" * 7
    assert "more than 7 inside each other" in caplog.text


async def test_a_missing_macro_is_reported(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    assert await log_of(dut, f"exten => s,1,Macro(none)\nsame => n,Macro()\nsame => n,{add('.')}")
    assert "no context 'macro-none'" in caplog.text


async def test_the_first_macro_gives_notice_that_they_are_deprecated(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    dut.load("[default]\nexten => s,1,Macro(x)\nsame => n,Macro(x)\n[macro-x]\nexten => s,1,NoOp()")
    await dut.call()
    assert caplog.text.count("Use Gosub instead") == 1


@pytest.mark.parametrize(
    ("handler", "log"), [("exten => h,1,Set(LOG=macro)", "macro"), ("", "caller")]
)
async def test_a_hangup_in_a_macro_is_handled_there_or_by_the_caller(
    dut: DialplanUnderTest, handler: str, log: str
) -> None:
    dut.load(
        f"""
        [default]
        exten => s,1,Macro(x)
        exten => h,1,Set(LOG=caller)
        [macro-x]
        exten => s,1,WaitDigit()
        {handler}
        """
    )
    channel = await dut.call()
    channel.hangup()
    await settle()
    assert channel.variables.get("LOG") == log


async def test_a_digit_pressed_in_a_macro_is_dialled_after_it(dut: DialplanUnderTest) -> None:
    dut.load(
        f"""
        [default]
        exten => s,1,Macro(x)
        exten => 5,1,{add("five")}
        [macro-x]
        exten => s,1,WaitExten(10)
        same => n,NoOp()
        """
    )
    channel = await dut.call()
    channel.on_dtmf("5", 100)
    await settle()
    assert channel.variables.get("LOG") == "five"


async def test_one_channel_at_a_time_is_in_an_exclusive_macro(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,MacroExclusive(x,1)
        same => n,WaitDigit()
        [macro-x]
        exten => s,1,Set(IN=${ARG1})
        same => n,WaitDigit()
        """
    )
    first, second = await dut.call(), await dut.call()
    ins: list[Channel] = [each for each in (first, second) if each.variables.get("IN")]
    assert ins == [first]
    first.on_dtmf("1", 100)
    await settle()
    assert second.variables.get("IN") == "1"
