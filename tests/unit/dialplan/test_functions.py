"""Functions, as tables."""

from __future__ import annotations

import pytest

from server.base.errors import Forbidden, InvalidArgument
from server.tech.base import Party
from tests.support.dialplan import DialplanUnderTest


@pytest.mark.parametrize(
    ("setup", "text", "result"),
    [
        ("", "${LEN(hello)}", "5"),
        ("", "${LEN()}", "0"),
        ("", "${TOUPPER(aBc)}", "ABC"),
        ("", "${TOLOWER(aBc)}", "abc"),
        ("X=a-b-c-d", "${CUT(X,-,2)}", "b"),
        ("X=a-b-c-d", "${CUT(X,-,2-3)}", "b-c"),
        ("X=a-b-c-d", "${CUT(X,-,3-)}", "c-d"),
        ("X=a-b-c-d", "${CUT(X,-,-2)}", "a-b"),
        ("X=a-b-c-d", "${CUT(X,-,1&4)}", "a-d"),
        ("X=a-b-c-d", "${CUT(X,,2)}", "b"),
        ("X=a-b-c-d", "${CUT(X,-,9)}", ""),
        ("X=a,b,c", "${CUT(X,\\,,2)}", "b"),
        ("X=a,b,c", "${FIELDQTY(X,\\,)}", "3"),
        ("X=a-b-c", "${FIELDQTY(X,-)}", "3"),
        ("X=", "${FIELDQTY(X,-)}", "0"),
        ("", "${FILTER(0-9,+49 (30) 12)}", "493012"),
        ("", "${FILTER(a-cX,aXbyc)}", "aXbc"),
        ("", "${FILTER(0-9\\-,1-2a)}", "1-2"),
        ("", "${FILTER(\\x41,ABA)}", "AA"),
        ("X=a.b.c", "${REPLACE(X,.,-)}", "a-b-c"),
        ("X=a.b,c", "${REPLACE(X,.\\,)}", "abc"),
        ("X=foobar", "${STRREPLACE(X,o,0)}", "f00bar"),
        ("", '${REGEX("^[0-9]+$" 123)}', "1"),
        ("", '${REGEX("^[0-9]+$" 12a)}', "0"),
        ("", '${QUOTE(say "hi")}', '"say \\"hi\\""'),
        ("", '${CSV_QUOTE(say "hi")}', '"say ""hi"""'),
        ("", "${IF($[1 = 1]?yes:no)}", "yes"),
        ("", "${IF(0?yes:no)}", "no"),
        ("", "${IF(0?yes)}", ""),
        ("", '${IF(1?"a:b":c)}', "a:b"),
        ("", "${IFTIME(*,*,*,*?now:never)}", "now"),
        ("", "${ISNULL()}", "1"),
        ("", "${ISNULL(x)}", "0"),
        ("", "${EXISTS()}", "0"),
        ("", "${SET(Y=5)}${Y}", "55"),
        ("", "${MATH(1+2)}", "3.000000"),
        ("", "${MATH(7/2,i)}", "3"),
        ("", "${MATH(255+0,hex)}", "ff"),
        ("", "${MATH(7%3,int)}", "1"),
        ("", "${MATH(7.9%-3,int)}", "1"),
        ("", "${MATH(7%0.5,int)}", "0"),
        ("", "${MATH(1/0)}", "0.000000"),
        ("", "${MATH(10/-4)}", "-2.500000"),
        ("", "${MATH(5 OR 2,i)}${MATH(5 XOR 1,i)}${MATH(8>>2,i)}", "742"),
        ("", "${MATH(2>=2)}${MATH(2<=1)}${MATH(2==2)}${MATH(1<2)}", "TRUEFALSETRUETRUE"),
        ("", "${MATH(65+0,c)}", "A"),
        ("", "${MATH(1.5*1.5,f)}", "2.250000"),
        ("", "${MATH(2^10,i)}", "1024"),
        ("", "${MATH(1<<4,i)}", "16"),
        ("", "${MATH(6 AND 3,i)}", "2"),
        ("", "${MATH(1>2)}", "FALSE"),
        ("", "${MATH(-1+2,i)}", "1"),
        ("", "${RAND(5,5)}", "5"),
        ("", "${ABS(-3)}", "3"),
        ("", "${MIN(3,1,2)}", "1"),
        ("", "${MAX(3,1,2)}", "3"),
        ("X=41", "${INC(X)}", "42"),
        ("", "${STRFTIME(0,UTC,%Y-%m-%d %H:%M:%S)}", "1970-01-01 00:00:00"),
        ("", "${STRFTIME(1.5,UTC,%S.%3q)}", "01.500"),
        ("", "${STRFTIME(,UTC,%Y)}${STRFTIME(soon,UTC,%Y)}", "20232023"),
        ("", "${STRFTIME(-1,UTC,%H:%M:%S)}", "23:59:59"),
        ("", "${URIENCODE(a b/c&d)}", "a%20b%2Fc%26d"),
        ("", "${URIDECODE(a%20b)}", "a b"),
        ("", "${EPOCH}", "1700000000"),
        ("", "${SYSTEMNAME}", "test-node"),
        ("", "${EXTEN}@${CONTEXT}:${PRIORITY}", "s@default:3"),
        ("", "${CHANNEL(name)}", "PJSIP/alice-00000001"),
        ("", "${CHANNEL}", "PJSIP/alice-00000001"),
        ("", "${CHANNEL(channeltype)}", "PJSIP"),
        ("", "${CHANNEL(state)}", "Ring"),
        ("CHANNEL(language)=de", "${CHANNEL(language)}", "de"),
        ("CHANNEL(musicclass)=jazz", "${CHANNEL(musicclass)}", "jazz"),
        ("", "${CALLERID(all)}", '"Alice" <alice>'),
        ("", "${CALLERID(num)}", "alice"),
        ('CALLERID(all)="Bob" <200>', "${CALLERID(name)}/${CALLERID(num)}", "Bob/200"),
        ("CALLERID(num)=300", "${CALLERID(name)}/${CALLERID(num)}", "Alice/300"),
        ("CALLERID(pres)=prohib", "${CALLERID(pres)}", "prohib"),
        ("CONNECTEDLINE(num,i)=5", "${CONNECTEDLINE(num)}", "5"),
        ("GLOBAL(G)=1", "${G}${GLOBAL(G)}", "11"),
        ("SHARED(S)=1", "${SHARED(S)}", "1"),
        ("TIMEOUT(digit)=3", "${TIMEOUT(digit)}", "3.000"),
        ("", "${TIMEOUT(response)}", "10.000"),
        ("", "${TIMEOUT(absolute)}", "0"),
        ("", "${DIALPLAN_EXISTS(default,s,1)}", "1"),
        ("", "${DIALPLAN_EXISTS(default,999)}", "0"),
        ("", "${DIALPLAN_EXISTS(nowhere)}", "0"),
        ("DB(fam/key)=v", "${DB(fam/key)}${DB_EXISTS(fam/key)}", "v1"),
        ("DB(fam/key)=v", "${DB_DELETE(fam/key)}${DB_EXISTS(fam/key)}", "v0"),
        ("DB(fam/a/b)=1", "${DB_KEYS(fam)} ${DB_KEYCOUNT(fam)}", "a 1"),
        ("", "${EVAL(plain)}", "plain"),
        ("", "${HANGUPCAUSE_KEYS()}", ""),
    ],
)
async def test_function(dut: DialplanUnderTest, setup: str, text: str, result: str) -> None:
    channel = await dut.run(f"{f'Set({setup})' if setup else 'NoOp()'}\nSet(RESULT={text})")
    assert channel.variables.get("RESULT") == result


@pytest.mark.parametrize(
    "text",
    ["${NOSUCH(1)}", "${CUT(X)}", "${MATH(a+b)}", "${MATH(0^-1)}", "${CHANNEL(nosuch)}",
     "${CALLERID(nosuch)}", '${REGEX("(" x)}', "${TALK_DETECT(set)}",
     "${STRFTIME(1,Nowhere/Atall)}", "${INC(NOSUCH)}", "${DB(nokey)}"],
)  # fmt: skip
async def test_a_failing_function_is_empty_and_the_call_goes_on(
    dut: DialplanUnderTest, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run(f"Set(RESULT=[{text}])\nSet(AFTER=1)")
    assert channel.variables.get("RESULT") == "[]"
    assert channel.variables.get("AFTER") == "1"
    assert "extensions.conf:3" in caplog.text


async def test_a_caller_name_can_carry_no_line_break(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Set(CALLERID(name)=a${URIDECODE(%0d%0a)}Evil: 1)\nWaitDigit()")
    assert channel.caller == Party("aEvil: 1", "alice")


async def test_talk_detection_is_asked_of_the_media(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Set(TALK_DETECT(set)=1200,128)\nWaitDigit()")
    calls = dut.under.engine.calls(channel.leg.stream)
    assert ("STREAM_TALK_DETECT", 1, 1200, 128) in calls


class TestFromOutside:
    """What ARI and its like may do through the port."""

    async def test_variables_of_channels_and_globals(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Set(A=1)\nWaitDigit()")
        dialplan = dut.dialplan
        assert dialplan.read(channel, "A") == "1"
        assert dialplan.read(channel, "NOSUCH") is None
        assert dialplan.read(channel, "EXTEN") == "s"
        dialplan.write(channel, "B", "2")
        assert dialplan.read(channel, "B") == "2"
        dialplan.write(None, "G", "3")
        assert dialplan.read(None, "G") == "3"
        assert dialplan.read(channel, "G") == "3"

    async def test_functions(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("WaitDigit()")
        dialplan = dut.dialplan
        assert dialplan.read(channel, "CALLERID(num)") == "alice"
        dialplan.write(channel, "CALLERID(num)", "7")
        assert channel.caller.number == "7"
        assert dialplan.read(None, "TOUPPER(x)") == "X"
        for call in (
            lambda: dialplan.read(channel, "NOSUCH(1)"),
            lambda: dialplan.write(channel, "LEN(1)", "2"),
            lambda: dialplan.read(None, "CALLERID(num)"),
        ):
            with pytest.raises(InvalidArgument):
                call()

    async def test_escalating_functions_are_refused(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("WaitDigit()")
        with pytest.raises(Forbidden):
            dut.dialplan.read(channel, "DB(a/b)")
        with pytest.raises(Forbidden):
            dut.dialplan.write(channel, "DB(a/b)", "1")


@pytest.mark.parametrize(
    ("expression", "value", "handling"),
    [
        ("PJSIP_TRANSFER_HANDLING()", "ari-only", "ari-only"),
        ("PJSIP_TRANSFER_HANDLING(ari-only)", "", "ari-only"),
        ("PJSIP_TRANSFER_HANDLING()", "core", "core"),
        ("PJSIP_TRANSFER_HANDLING()", "", "core"),
    ],
)
async def test_who_handles_transfers(
    dut: DialplanUnderTest, expression: str, value: str, handling: str
) -> None:
    channel = await dut.run("WaitDigit()")
    channel.transfer_handling = "ari-only"
    dut.dialplan.write(channel, expression, value)
    assert channel.transfer_handling == handling
    with pytest.raises(InvalidArgument):
        dut.dialplan.write(channel, "PJSIP_TRANSFER_HANDLING()", "nobody")
    channel.endpoint = "Local", "100@default"
    with pytest.raises(InvalidArgument):
        dut.dialplan.write(channel, expression, value)
    channel.endpoint = "PJSIP", "alice"
    channel.hangup()
