"""Functions on files: by bytes and by lines, read and written."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import suspension
from server.base.errors import InvalidArgument
from server.dialplan.functions import files
from server.dialplan.functions.files import parse_part
from server.dialplan.scope import Scope
from tests.support.dialplan import DialplanUnderTest

CONTENT = b"one\ntwo\nthree\n"


async def read(dut: DialplanUnderTest, text: str) -> str:
    return await suspension.call(Scope(dut.dialplan, None).substitute, text)


async def write(dut: DialplanUnderTest, name: str, value: str) -> None:
    await suspension.call(Scope(dut.dialplan, None).write_function, "FILE", name, value)


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ("", "one\ntwo\nthree\n"),
        (",4", "two\nthree\n"),
        (",4,3", "two"),
        (",-6", "three\n"),
        (",-6,5", "three"),
        (",0,-1", "one\ntwo\nthree"),
        (",4,-7", "two"),
        (",99", ""),
        (",4,0", ""),
        (",4,-99", ""),
        (",0,1,l", "one\n"),
        (",1,1,l", "two\n"),
        (",1,,l", "two\nthree\n"),
        (",-1,,l", "three\n"),
        (",0,-1,l", "one\ntwo\n"),
        (",9,1,l", ""),
        (",0,1,l,d", "one\ntwo\nthree\n"),
    ],
)
async def test_a_part_of_a_file_is_read(
    dut: DialplanUnderTest, tmp_path: Path, arguments: str, result: str
) -> None:
    path = tmp_path / "text"
    path.write_bytes(CONTENT)
    assert await read(dut, f"${{FILE({path}{arguments})}}") == result


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ("", b"bar"),
        (",,,a", CONTENT + b"bar"),
        (",0,1", b"barne\ntwo\nthree\n"),
        (",4,3", b"one\nbar\nthree\n"),
        (",4", b"one\nbar"),
        (",4,0", b"one\nbartwo\nthree\n"),
        (",-6", b"one\ntwo\nbar"),
        (",0,1,l", b"bar\ntwo\nthree\n"),
        (",-1,,l", b"one\ntwo\nbar\n"),
        (",1,0,l", b"one\nbar\ntwo\nthree\n"),
        (",1,1,ld", b"one\nbarthree\n"),
        (",,,al", CONTENT + b"bar\n"),
        (",,,l", b"bar\n"),
        (",,,l,d", b"bar\r\n"),
        (",16", CONTENT + b"\0\0bar"),
    ],
)
async def test_a_part_of_a_file_is_replaced(
    dut: DialplanUnderTest, tmp_path: Path, arguments: str, result: bytes
) -> None:
    path = tmp_path / "text"
    path.write_bytes(CONTENT)
    await write(dut, f"{path}{arguments}", "bar")
    assert path.read_bytes() == result


async def test_a_new_file_is_made(dut: DialplanUnderTest, tmp_path: Path) -> None:
    await write(dut, f"{tmp_path}/new,0,1,l", "line")
    assert (tmp_path / "new").read_bytes() == b"line\n"


@pytest.mark.parametrize(
    ("content", "text", "result"),
    [
        (b"a\nb\n", "FILE_FORMAT({})", "u"),
        (b"a\r\nb\r\n", "FILE_FORMAT({})", "d"),
        (b"a\rb\r", "FILE_FORMAT({})", "m"),
        (b"a", "FILE_FORMAT({})", "x"),
        (b"a\nb\n", "FILE_COUNT_LINE({})", "2"),
        (b"a\nb", "FILE_COUNT_LINE({})", "1"),
        (b"", "FILE_COUNT_LINE({})", "0"),
        (b"a\r\nb\r\n", "FILE_COUNT_LINE({},d)", "2"),
        (b"a\r\nb\r\n", "FILE_COUNT_LINE({}-missing)", "-1"),
        (b"12345", "STAT(s,{})", "5"),
        (b"", "STAT(e,{})", "1"),
        (b"", "STAT(f,{})", "1"),
        (b"", "STAT(d,{})", "0"),
        (b"", "STAT(e,{}-missing)", "0"),
        (b"", "STAT(m,{})", "100640"),
        (b"", "STAT(M,{})", "1000000000"),
        (b"", "STAT(A,{})", "1000000000"),
        (b"", "STAT(z,{})", "0"),
        (b"gr\xfcn", "FILE({})", "gr\u00fcn"),
    ],
)
async def test_what_a_file_is(
    dut: DialplanUnderTest, tmp_path: Path, content: bytes, text: str, result: str
) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    path.chmod(0o640)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert await read(dut, f"${{{text.format(path)}}}") == result


@pytest.mark.parametrize("text", ["${FILE()}", "${FILE(/nowhere/at/all)}", "${FILE_FORMAT()}"])
async def test_what_can_not_be_read_is_empty(dut: DialplanUnderTest, text: str) -> None:
    assert await read(dut, text) == ""


async def test_a_failure_is_the_dialplans_and_no_error_of_the_server(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run("Set(X=[${FILE(/nowhere/at/all)}])\nWaitDigit()")
    async with asyncio.timeout(5):
        while channel.variables.get("X") is None:
            await asyncio.sleep(0.005)
    assert channel.variables.get("X") == "[]"
    assert {record.levelname for record in caplog.records} <= {"WARNING", "INFO", "VERBOSE"}
    assert "/nowhere/at/all: No such file or directory" in caplog.text


async def test_what_can_not_be_written_is_an_error(dut: DialplanUnderTest, tmp_path: Path) -> None:
    for name in ("", f"{tmp_path}/a\0b", f"{tmp_path}/no/such/folder"):
        with pytest.raises(InvalidArgument):
            await write(dut, name, "x")


async def test_a_file_too_large_to_change_is_left(
    dut: DialplanUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILE", 4)
    path = tmp_path / "text"
    path.write_bytes(b"12345")
    with pytest.raises(InvalidArgument):
        await write(dut, f"{path},0,1", "x")
    assert path.read_bytes() == b"12345"


@given(st.integers(-20, 20) | st.none(), st.integers(-20, 20) | st.none(), st.integers(0, 15))
def test_a_span_lies_within_the_file(offset: int | None, length: int | None, size: int) -> None:
    text = ",".join("" if number is None else str(number) for number in (offset, length))
    span = parse_part(f"name,{text}").span(size)
    assert 0 <= span.start <= span.stop <= size
