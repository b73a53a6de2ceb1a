"""Functions on texts, lists, numbers and times, as tables."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.dialplan.functions.printing import sprintf
from server.dialplan.scope import Scope
from tests.support.dialplan import DialplanUnderTest

ANY_SCOPE = Scope(None, None)  # type: ignore[arg-type]


async def evaluate(dut: DialplanUnderTest, setup: str, text: str) -> tuple[str, str]:
    """Return what *text* evaluates to after ``A=B;C=D``, and what X is then."""
    channel = await dut.run("WaitDigit()")
    scope = Scope(dut.dialplan, channel)
    for assignment in filter(None, setup.split(";")):
        name, _, value = assignment.partition("=")
        scope.set(name, value)
    return scope.substitute(text), scope.get("X") or ""


@pytest.mark.parametrize(
    ("setup", "text", "result"),
    [
        # lists
        ("X=a-b-c", "${FIELDNUM(X,-,b)}", "2"),
        ("X=a-b-c", "${FIELDNUM(X,-,z)}", "0"),
        ("X=a-b-c", "${FIELDNUM(X,-,)}", "0"),
        ("X=a,b", "${FIELDNUM(X,\\,,b)}", "2"),
        ("X=a-b", "${FIELDQTY(X)}", "1"),
        ("X=a\nb", "${FIELDQTY(X,\\n)}", "2"),
        ("X=a-b-a", "${LISTFILTER(X,-,a)}", "b"),
        ("X=a-b", "${LISTFILTER(X,-,z)}", "a-b"),
        ("X=a", "${LISTFILTER(X,-,a)}", ""),
        ("X=a-b-c", "${SHIFT(X,-)}", "a"),
        ("X=a-b-c", "${POP(X,-)}", "c"),
        ("X=one", "${POP(X,-)}", "one"),
        ("X=a,b", "${SHIFT(X)}", "a"),
        ("X=", "${SHIFT(X)}${POP(X)}", ""),
        ("", "${SORT(b:2,a:1.5,c:-3)}", "c,a,b"),
        ("", "${SORT(a,b:1)}", "a,b"),
        ("", "${CUT(PASSTHRU(x-y),-,2)}", "y"),
        # text
        ("", "[${TRIM( a b )}]", "[a b]"),
        ("", "[${LTRIM( a )}]", "[a ]"),
        ("", "[${RTRIM( a )}]", "[ a]"),
        ("", "[${TRIM()}]", "[]"),
        ("", "${KEYPADHASH(Les)}", "537"),
        ("", "${KEYPADHASH(a1-Z*)}", "219"),
        ("X=abc", "${STRBETWEEN(X,w)}", "awbwc"),
        ("X=a", "${STRBETWEEN(X,w)}", "a"),
        ("X=", "${STRBETWEEN(X,w)}", ""),
        ("X=aaaa", "${STRREPLACE(X,a,b,2)}", "bbaa"),
        ("X=aaaa", "${STRREPLACE(X,a,b,-1)}", "bbbb"),
        ("X=aaaa", "${STRREPLACE(X,a)}", ""),
        ("", '${REGEX("^ $"  )}', "1"),
        # numbers
        ("", "${DIGIT_SUM(1234)}", "10"),
        ("", "${DIGIT_SUM()}", "0"),
        ("", "${DIGIT_SUM(-1a2)}", "3"),
        ("", "${SPRINTF(%05d-%s,42,x)}", "00042-x"),
        ("", "${SPRINTF(%x %X %o %u,255,255,8,-1)}", "ff FF 10 4294967295"),
        ("", "${SPRINTF(%.2f %e %g,1.005,1,0.5)}", "1.00 1.000000e+00 0.5"),
        ("", "${SPRINTF(%c%%,65)}", "A%"),
        ("", "${SPRINTF(%-4sx,ab)}", "ab  x"),
        # encodings
        ("", "${MD5(hello)}", "5d41402abc4b2a76b9719d911017c592"),
        ("", "${SHA1(hello)}", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
        ("", "${MD5()}", "d41d8cd98f00b204e9800998ecf8427e"),
        ("", "${BASE64_ENCODE(hello)}", "aGVsbG8="),
        ("", "${BASE64_DECODE(aGVsbG8=)}", "hello"),
        ("", "${BASE64_DECODE(aGVsbG8)}", "hello"),
        ("", "${BASE64_ENCODE()}", ""),
        ("", "${AES_ENCRYPT(0123456789abcdef,hello)}", "SWn6AlRxv8c5ps3GrutoCw=="),
        ("", "${AES_DECRYPT(0123456789abcdef,SWn6AlRxv8c5ps3GrutoCw==)}", "hello"),
        ("", "${SQL_ESC(it's)}", "it''s"),
        ("", "${SQL_ESC_BACKSLASHES(a\\b)}", "a\\\\b"),
        ("", "${ICONV(UTF-8,ISO-8859-1,gr\u00fcn)}", "gr\u00fcn"),
        ("", "${ICONV(UTF-8,US-ASCII//TRANSLIT,gr\u00fcn)}", "gr?n"),
        ("", "${ICONV(UTF-8,US-ASCII//IGNORE,gr\u00fcn)}", "grn"),
        # hashes
        ("HASH(h,a)=1;HASH(h,b)=2", "${HASH(h,a)}${HASH(h,b)} ${HASHKEYS(h)}", "12 b,a"),
        ("HASH(h,a)=1", "${HASH(h,z)}${HASH(other,a)}${HASHKEYS(other)}", ""),
        ("~ODBCFIELDS~=a,b;HASH(row)=1,2", "${HASH(row,b)}${HASH(row)}", "21,2"),
        # JSON
        ('X={"a":{"b":[1,"two",true,null]}}', "${JSON_DECODE(X,a.b.1)}", "two"),
        ('X={"a":{"b":[1,"two",true,null]}}', "${JSON_DECODE(X,a.b.2)}", "1"),
        ('X={"a":{"b":[1,"two",true,null]}}', "${JSON_DECODE(X,a.b.3)}", ""),
        ('X={"a":{"b":[1,"two",true,null]}}', "${JSON_DECODE(X,a/b,/,c)}", "4"),
        ('X={"a":{"b":[1.5]}}', "${JSON_DECODE(X,a)}", '{"b":[1.5]}'),
        ('X={"a":1}', "${JSON_DECODE(X,b.c)}${JSON_DECODE(X,a.0)}", ""),
        ("X=[5]", "${JSON_DECODE(X,0)}${JSON_DECODE(X,1)}${JSON_DECODE(X,-1)}", "5"),
        ("X=", "${JSON_DECODE(X,a)}", ""),
        # times
        ("", "${STRFTIME(1.0625,UTC,%S.%q %6q)}", "01.062 062500"),
        ("", "${STRPTIME(2006-03-01 06:30:35,UTC,%Y-%m-%d %T)}", "1141194635"),
        ("", "${STRPTIME(2006-03-01 06:30:35,America/Chicago,%F %T)}", "1141216235"),
        ("", "${STRPTIME(01.03.2006 and more,UTC,%d.%m.%Y)}", "1141171200"),
        ("", "${STRPTIME(1141171200,,%s)}", "1141171200"),
        ("TESTTIME()=2020/12/25 10:00:00 UTC", "${TESTTIME}", "1608890400"),
        ("TESTTIME()=2020/12/25 10:00 UTC", "${IFTIME(*,*,25,dec,UTC?xmas:no)}", "xmas"),
        ("", "${IFTIME(*,*,25,dec,UTC?xmas:no)}", "no"),
        # variables
        ("X=1", "${VARIABLE_EXISTS(X)}${VARIABLE_EXISTS(Y)}", "10"),
        ("X=", "${VARIABLE_EXISTS(X)}", "1"),
        ("GLOBAL(G)=", "${GLOBAL_EXISTS(G)}${GLOBAL_EXISTS(H)}", "10"),
        ("GLOBAL(G)=1;GLOBAL_DELETE(G)=", "${GLOBAL_EXISTS(G)}", "0"),
        ("X=1;DELETE(X)=", "${VARIABLE_EXISTS(X)}", "0"),
        ("DELETE(NEVER)=", "ok", "ok"),
        ("ARRAY(A,B,C)=1,2", "${A}-${B}-${C}${VARIABLE_EXISTS(C)}", "1-2-1"),
        ("ARRAY(A,B)=1,2,3", "${A}${B}", "12"),
        ("ARRAY(A,B)=", "${VARIABLE_EXISTS(A)}${VARIABLE_EXISTS(B)}", "11"),
        # files' names
        ("", "${BASENAME(/var/log/messages)} ${DIRNAME(/var/log/messages)}", "messages /var/log"),
        ("", "${BASENAME(x)} ${DIRNAME(x)} ${BASENAME(/)}", "x . /"),
    ],
)  # fmt: skip
async def test_function(dut: DialplanUnderTest, setup: str, text: str, result: str) -> None:
    assert (await evaluate(dut, setup, text))[0] == result


@pytest.mark.parametrize(
    ("setup", "text", "left"),
    [
        ("X=a-b-c", "${SHIFT(X,-)}", "b-c"),
        ("X=a-b-c", "${POP(X,-)}", "a-b"),
        ("X=one", "${SHIFT(X,-)}", ""),
        ("X=a;PUSH(X,-)=b", "", "a-b"),
        ("X=;PUSH(X,-)=b", "", "b"),
        ("X=a;UNSHIFT(X)=b,c", "", "b,c,a"),
        ("UNSHIFT(X)=b", "", "b"),
    ],
)
async def test_lists_are_changed_in_place(
    dut: DialplanUnderTest, setup: str, text: str, left: str
) -> None:
    assert (await evaluate(dut, setup, text))[1] == left


async def test_the_process_environment_is_read_and_written(
    dut: DialplanUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARION_TEST", "old")
    assert (await evaluate(dut, "", "${ENV(ARION_TEST)}"))[0] == "old"
    assert (await evaluate(dut, "ENV(ARION_TEST)=new", "${ENV(ARION_TEST)}"))[0] == "new"
    await evaluate(dut, "ENV(ARION_TEST)=", "")
    assert "ARION_TEST" not in os.environ


@pytest.mark.parametrize(
    "text",
    ["${FIELDNUM(X,-)}", "${LISTFILTER(X)}", "${SHIFT()}", "${STRBETWEEN(X)}", "${SPRINTF()}",
     "${SPRINTF(%d)}", "${SPRINTF(%d,x)}", "${SPRINTF(%f,x)}", "${SPRINTF(%9999s,x)}",
     "${SPRINTF(%y,1)}", "${AES_ENCRYPT(short,x)}", "${AES_ENCRYPT(0123456789abcdef)}",
     "${BASE64_DECODE(a)}", "${ICONV(UTF-8,NOSUCH,x)}", "${ICONV(UTF-8)}", "${HASH()}",
     "${ICONV(UTF-8,US-ASCII,gr\u00fcn)}", "${HASHKEYS()}", "${JSON_DECODE(X)}",
     "${JSON_DECODE(CHANNEL,a)}", "${STRPTIME(x,UTC,%Y)}", "${STRPTIME(2006)}",
     "${STRPTIME(2006,Nowhere/Atall,%Y)}", "${INC(CHANNEL)}", "${STRREPLACE(X)}"],
)  # fmt: skip
async def test_wrong_arguments_are_reported_and_read_as_empty(
    dut: DialplanUnderTest, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await evaluate(dut, "", f"[{text}]") == ("[]", "")
    assert "WARNING" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("ARRAY()", "1"), ("TESTTIME()", "tomorrow"), ("TESTTIME()", "2020/13/01 00:00"),
     ("ENV(A=B)", "1"), ("ENV()", "1"), ("ENV(A)", "x\0"), ("HASH(h)", "1"), ("PUSH()", "x")],
)  # fmt: skip
async def test_wrong_assignments_are_refused(dut: DialplanUnderTest, name: str, value: str) -> None:
    channel = await dut.run("WaitDigit()")
    with pytest.raises(InvalidArgument):
        Scope(dut.dialplan, channel).set(name, value)


@given(st.text(alphabet="%dxsfcge.0123456789-+ #,'lhLy\"\\()", max_size=30))
@example("%,1")
@example("%5.3l,1")
def test_a_pattern_prints_or_is_refused(text: str) -> None:
    try:
        assert isinstance(sprintf(ANY_SCOPE, text), str)
    except InvalidArgument:
        pass
