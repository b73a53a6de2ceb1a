"""If and its family, ExecIfTime and TESTTIME, as programs and what they leave in LOG."""

from __future__ import annotations

import pytest

from tests.support.dialplan import DialplanUnderTest


def add(text: str) -> str:
    return f"Set(LOG=${{LOG}}{text})"


async def log_of(dut: DialplanUnderTest, steps: list[str]) -> str:
    channel = await dut.run("\n".join(steps))
    return channel.variables.get("LOG") or ""


CHAIN = [
    "If($[${X}=1])", add("one"), "ElseIf($[${X}=2])", add("two"), "ElseIf($[${X}=3])",
    add("three"), "Else()", add("other"), "EndIf()", add("."),
]  # fmt: skip


@pytest.mark.parametrize(("x", "log"), [("1", "one."), ("2", "two."), ("3", "three."),
                                        ("4", "other.")])  # fmt: skip
async def test_one_branch_is_taken(dut: DialplanUnderTest, x: str, log: str) -> None:
    assert await log_of(dut, [f"Set(X={x})", *CHAIN]) == log


async def test_no_branch_need_be_taken(dut: DialplanUnderTest) -> None:
    assert await log_of(dut, ["If(0)", add("a"), "ElseIf(0)", add("b"), "EndIf()", add(".")]) == "."


@pytest.mark.parametrize(
    ("outer", "inner", "log"),
    [("1", "1", "oi."), ("1", "0", "oe."), ("0", "1", "x."), ("0", "0", "x.")],
)
async def test_blocks_inside_each_other(
    dut: DialplanUnderTest, outer: str, inner: str, log: str
) -> None:
    steps = [
        f"If({outer})", add("o"), f"If({inner})", add("i"), "Else()", add("e"), "EndIf()",
        "Else()", add("x"), "EndIf()", add("."),
    ]  # fmt: skip
    assert await log_of(dut, steps) == log


async def test_exitif_leaves_the_block_around_it(dut: DialplanUnderTest) -> None:
    steps = [
        "If(1)", "If(1)", add("a"), "ExitIf()", add("never"), "EndIf()", add("b"),
        "ExecIf(1?ExitIf())", add("never"), "ElseIf(1)", add("never"), "EndIf()", add("."),
    ]  # fmt: skip
    assert await log_of(dut, steps) == "ab."


async def test_an_if_in_a_loop_is_tried_anew_each_time(dut: DialplanUnderTest) -> None:
    steps = [
        "Set(I=0)", "While($[${I}<3])", "Set(I=$[${I}+1])", "If($[${I}=1])", add("a"),
        "ElseIf($[${I}=2])", add("b"), "Else()", add("c"), "EndIf()", "EndWhile()", add("."),
    ]  # fmt: skip
    assert await log_of(dut, steps) == "abc."


async def test_a_branch_can_be_left_by_goto(dut: DialplanUnderTest) -> None:
    steps = ["If(0)", "ElseIf(1)", "Goto(out)", "EndIf()", add("never"), "NoOp()"]
    source = "\n".join(f"same => n,{step}" for step in steps)
    dut.load(f"exten => s,1,NoOp()\n{source}\nsame => n(out),{add('out')}")
    assert (await dut.call()).variables.get("LOG") == "out"


async def test_an_if_without_end_is_reported_and_passed(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    assert await log_of(dut, ["If(0)", add("a"), "ExitIf()", add("b")]) == "ab"
    assert "has no EndIf" in caplog.text


@pytest.mark.parametrize(
    ("when", "log"), [("*,*,25,dec", "xmas"), ("*,*,24,dec", ""), ("9:00-10:59,*,*,*,UTC", "xmas")]
)
async def test_execiftime_runs_at_its_time_only(
    dut: DialplanUnderTest, when: str, log: str
) -> None:
    steps = ["Set(TESTTIME()=2020/12/25 10:00:00 UTC)", f"ExecIfTime({when}?{add('xmas')})"]
    assert await log_of(dut, steps) == log


async def test_gotoiftime_takes_the_test_time(dut: DialplanUnderTest) -> None:
    dut.load(
        "exten => s,1,Set(TESTTIME()=2020/12/25 10:00 UTC)\n"
        "same => n,GotoIfTime(*,*,25,dec?xmas,1)\n"
        f"exten => xmas,1,{add('xmas')}"
    )
    assert (await dut.call()).variables.get("LOG") == "xmas"


async def test_execiftime_without_application_is_reported(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    assert await log_of(dut, ["ExecIfTime(*,*,*,*)", "ExecIfTime(*,*,*,*?)", add(".")]) == "."
    assert caplog.text.count("expected times?application") == 2
