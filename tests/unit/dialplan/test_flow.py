"""Applications that choose where a call goes on: as programs and what they leave in LOG."""

from __future__ import annotations

import asyncio

import pytest

from server.base.log import VERBOSE
from tests.support.dialplan import DialplanUnderTest


async def log_of(dut: DialplanUnderTest, source: str) -> str:
    dut.load(source)
    channel = await dut.call()
    return channel.variables.get("LOG") or ""


def add(text: str) -> str:
    return f"Set(LOG=${{LOG}}{text})"


@pytest.mark.parametrize(
    ("condition", "result"),
    [("1", "t"), ("0", "f"), ("", "f"), ("abc", "t"), ("00", "f"), ("-1", "t"), ("0abc", "f")],
)
async def test_gotoif(dut: DialplanUnderTest, condition: str, result: str) -> None:
    source = f"""
    exten => s,1,GotoIf({condition}?yes:no)
    same => n(yes),{add("t")}
    same => n,Hangup()
    same => n(no),{add("f")}
    """
    assert await log_of(dut, source) == result


async def test_gotoif_with_an_empty_branch_goes_on(dut: DialplanUnderTest) -> None:
    source = f"""
    exten => s,1,GotoIf(0?5)
    same => n,{add("a")}
    same => n,GotoIf(1?:5)
    same => n,{add("b")}
    """
    assert await log_of(dut, source) == "ab"


async def test_gotoiftime(dut: DialplanUnderTest) -> None:
    source = f"""
    exten => s,1,GotoIfTime(*,*,*,*?now)
    same => n,{add("never")}
    same => n(now),{add("now")}
    """
    assert await log_of(dut, source) == "now"


async def test_while_loops_and_can_be_left_and_continued(dut: DialplanUnderTest) -> None:
    source = f"""
    exten => s,1,Set(I=0)
    same => n,While($[${{I}} < 5])
    same => n,Set(I=$[${{I}} + 1])
    same => n,ExecIf($[${{I}} = 2]?ContinueWhile())
    same => n,ExecIf($[${{I}} = 4]?ExitWhile())
    same => n,{add("${I}")}
    same => n,EndWhile()
    same => n,{add("end")}
    """
    assert await log_of(dut, source) == "13end"


async def test_nested_whiles_find_their_own_ends(dut: DialplanUnderTest) -> None:
    source = f"""
    exten => s,1,Set(I=0)
    same => n,While($[${{I}} < 2])
    same => n,Set(J=0)
    same => n,While($[${{J}} < 2])
    same => n,{add("${I}${J}.")}
    same => n,Set(J=$[${{J}} + 1])
    same => n,EndWhile()
    same => n,While(0)
    same => n,{add("never")}
    same => n,EndWhile()
    same => n,Set(I=$[${{I}} + 1])
    same => n,EndWhile()
    """
    assert await log_of(dut, source) == "00.01.10.11."


async def test_execif_runs_one_of_two(dut: DialplanUnderTest) -> None:
    source = """
    exten => s,1,ExecIf(1?Set(LOG=a,b):Set(LOG=no))
    same => n,ExecIf(0?Set(LOG=no):Set(LOG=${LOG}!))
    """
    assert await log_of(dut, source) == "a,b!"


async def test_exec_substitutes_once_more(dut: DialplanUnderTest) -> None:
    source = r"""
    exten => s,1,Set(D=$)
    same => n,Set(X=5)
    same => n,Exec(Set(LOG=${D}{X}))
    same => n,TryExec(NoSuch())
    same => n,Set(LOG=${LOG}${TRYSTATUS})
    same => n,TryExec(ElseIf(0))
    same => n,Set(LOG=${LOG}${TRYSTATUS})
    same => n,TryExec(NoOp(x))
    same => n,Set(LOG=${LOG}${TRYSTATUS})
    """
    assert await log_of(dut, source) == "5NOAPPFAILEDSUCCESS"


async def test_gosub_has_arguments_locals_and_a_return_value(dut: DialplanUnderTest) -> None:
    source = """
    [default]
    exten => s,1,Set(V=outer)
    same => n,Gosub(sub,s,1(one,two))
    same => n,Set(LOG=${LOG}|${V}|${ARG1}|${GOSUB_RETVAL})
    [sub]
    exten => s,1,Set(LOCAL(V)=inner)
    same => n,Set(LOG=${ARGC}${ARG1}${ARG2}${V})
    same => n,Gosub(deep,1(x))
    same => n,Set(LOG=${LOG}${ARG1}${ARG2})
    same => n,Return(value)
    same => n(deep),NoOp()
    exten => deep,1,Set(LOG=${LOG}(${ARG1}${ARG2}))
    same => n,Return()
    """
    assert await log_of(dut, source) == "2onetwoinner(x)onetwo|outer||value"


async def test_gosubif_and_stackpop(dut: DialplanUnderTest) -> None:
    source = """
    [default]
    exten => s,1,GosubIf(1?sub,s,1(a):sub,s,1(b))
    same => n,GosubIf(0?sub,s,1(a):sub,s,1(b))
    same => n,Gosub(pop,s,1)
    [sub]
    exten => s,1,Set(LOG=${LOG}${ARG1})
    same => n,Return()
    [pop]
    exten => s,1,StackPop()
    same => n,Set(LOG=${LOG}p)
    same => n,Return()
    same => n,Set(LOG=not reached)
    """
    assert await log_of(dut, source) == "abp"


@pytest.mark.parametrize("step", ["Gosub(nowhere,s,1)", "Return()", "Gosub(s,nolabel)"])
async def test_a_broken_subroutine_call_ends_the_call(dut: DialplanUnderTest, step: str) -> None:
    assert await log_of(dut, f"exten => s,1,{step}\nsame => n,{add('x')}") == ""


async def test_endless_recursion_ends(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Gosub(s,1)\nexten => h,1,Set(LOG=ended)")
    channel = await dut.call()
    for _ in range(500):
        await asyncio.sleep(0)
    assert channel.variables.get("LOG") == "ended"


@pytest.mark.parametrize(
    ("step", "name", "value"),
    [
        ("Set(X= a , b )", "X", " a , b "),
        ('Set(X="quoted")', "X", '"quoted"'),
        ("Set(X=a=b)", "X", "a=b"),
        ("Set(X=)", "X", ""),
        ("Set(__X=deep)", "X", "deep"),
        ("MSet(X=1,Y=2)", "Y", "2"),
        ('MSet( X ="a, b")', "X", "a, b"),
        ("Set(LEN(1)=2)", "X", None),
        ("Set(novalue)", "novalue", None),
    ],
)
async def test_set(dut: DialplanUnderTest, step: str, name: str, value: str | None) -> None:
    channel = await dut.run(step)
    assert channel.variables.get(name) == value


async def test_verbose_and_log_write_to_the_log(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(VERBOSE)
    await dut.run(
        "Verbose(1,hello, there)\nVerbose(9,whispered)\nVerbose(plain)\n"
        "Log(WARNING,watch out)\nLog(NO,x)"
    )
    assert "hello, there" in caplog.messages
    assert "plain" in caplog.messages
    assert "whispered" not in caplog.messages
    assert "watch out" in caplog.text
    assert "expected a level of" in caplog.text
