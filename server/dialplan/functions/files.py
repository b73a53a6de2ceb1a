"""Functions on files, which the administrator's dialplan names by their full path."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.encoding import decode_text
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.variables import MAX_VALUE

T = TypeVar("T")

MAX_FILE = 16 * 1024 * 1024  # bytes of a file that is changed, or whose lines are counted
DETECTED = 65_536  # bytes looked at for the first line's end

_LINE_ENDS = {"u": b"\n", "d": b"\r\n", "m": b"\r"}
_FIRST_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a file is meant, in bytes or in lines.

    :param length: ``None`` for all that follows.
    """

    path: Path
    offset: int | None
    length: int | None
    options: str
    line_format: str

    @property
    def is_by_lines(self) -> bool:
        """Whether offset and length count lines."""
        return "l" in self.options

    def span(self, size: int) -> slice:
        """Return the part of *size* bytes or lines; negative numbers count from the end."""
        offset = self.offset or 0
        start = max(0, size + offset) if offset < 0 else min(offset, size)
        if self.length is None:
            return slice(start, size)
        end = size + self.length if self.length < 0 else start + self.length
        return slice(start, max(start, min(end, size)))


def parse_part(data: str) -> Part:
    """Parse ``filename,offset,length,options,format``.

    :raises InvalidArgument: there is no name, or it can't be one.
    """
    arguments = split_arguments(data, 5)
    offset, length = argument(arguments, 1), argument(arguments, 2)
    return Part(
        check_path(argument(arguments, 0)),
        parse_integer(offset) if offset else None,
        parse_integer(length) if length else None,
        argument(arguments, 3).lower(),
        argument(arguments, 4).lower()[:1],
    )


def check_path(name: str) -> Path:
    """Return a path.

    :raises InvalidArgument: the name is empty or has a NUL in it.
    """
    if not name or "\0" in name:
        raise InvalidArgument("filename", "the name of a file is needed")
    return Path(name)


@function("FILE", escalates=True)
async def read_file(scope: Scope, data: str) -> str:
    """FILE(filename,offset,length,options,format): part of a file, counted from 0.

    With the option ``l`` offset and length count lines, which keep their ends. The format is of
    the line ends: ``u`` Unix, ``d`` DOS, ``m`` Mac; the file's own unless given.
    """
    part = parse_part(data)
    return decode_text(await _in_thread(_read_part, part))


def _read_part(part: Part) -> bytes:
    if part.is_by_lines:
        lines = _split_lines(_load(part.path), part)
        return b"".join(lines[part.span(len(lines))])[:MAX_VALUE]
    with part.path.open("rb") as file:
        span = part.span(os.fstat(file.fileno()).st_size)
        file.seek(span.start)
        return file.read(min(span.stop - span.start, MAX_VALUE))


@function_write("FILE", escalates=True)
async def write_file(scope: Scope, data: str, value: str) -> None:
    """Write a file, or replace a part of it.

    Option ``a`` appends; in line mode a line end follows the value unless there is ``d``.
    """
    await _in_thread(_write_part, parse_part(data), value.encode("utf-8", "replace"))


def _write_part(part: Part, value: bytes) -> None:
    if "a" in part.options:
        with part.path.open("ab") as file:
            file.write(value + _end_to_add(part))
    elif part.offset is None and part.length is None:
        part.path.write_bytes(value + _end_to_add(part))
    else:
        part.path.write_bytes(_replaced(part, value + _end_to_add(part)))


def _replaced(part: Part, value: bytes) -> bytes:
    old = _load(part.path) if part.path.exists() else b""
    if part.is_by_lines:
        lines = _split_lines(old, part)
        lines[part.span(len(lines))] = [value]
        return b"".join(lines)
    if part.offset is not None and part.offset > len(old):
        old += b"\0" * min(part.offset - len(old), MAX_FILE)
    span = part.span(len(old))
    return old[: span.start] + value + old[span.stop :]


def _end_to_add(part: Part) -> bytes:
    if not part.is_by_lines or "d" in part.options:
        return b""
    return _LINE_ENDS[_format_of(part)]


@function("FILE_COUNT_LINE", escalates=True)
async def count_lines(scope: Scope, data: str) -> str:
    """FILE_COUNT_LINE(filename,format): how many line ends a file has, -1 if it can't be read."""
    arguments = split_arguments(data, 2)
    line_format = argument(arguments, 1).lower()[:1]
    part = Part(check_path(argument(arguments, 0)), None, None, "l", line_format)
    try:
        return str(await asyncio.to_thread(_count_line_ends, part))
    except OSError as error:
        scope.report(f"FILE_COUNT_LINE: {error}")
        return "-1"


def _count_line_ends(part: Part) -> int:
    return _load(part.path).count(_LINE_ENDS[_format_of(part)])


@function("FILE_FORMAT", escalates=True)
async def file_format(scope: Scope, data: str) -> str:
    """FILE_FORMAT(filename): its line ends, ``u``, ``d``, ``m``, or ``x`` if it has none."""
    path = check_path(data)
    return await _in_thread(lambda: _detect(path)) or "x"


def _format_of(part: Part) -> str:
    if part.line_format in _LINE_ENDS:
        return part.line_format
    return (_detect(part.path) if part.path.exists() else "") or "u"


def _detect(path: Path) -> str:
    with path.open("rb") as file:
        match = _FIRST_END.search(file.read(DETECTED))
    return {b"\n": "u", b"\r\n": "d", b"\r": "m"}[match[0]] if match else ""


def _split_lines(content: bytes, part: Part) -> list[bytes]:
    """Split into lines, each with its end; the last may have none."""
    end = _LINE_ENDS[_format_of(part)]
    lines = [line + end for line in content.split(end)]
    last = lines.pop().removesuffix(end)
    return [*lines, last] if last else lines


def _load(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise InvalidArgument("filename", f"{path} has more than {MAX_FILE} bytes")
    return content


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    try:
        return await asyncio.to_thread(work, *arguments)
    except OSError as error:
        raise InvalidArgument("filename", f"{error.filename}: {error.strerror}") from None


@function("STAT", escalates=True)
async def read_stat(scope: Scope, data: str) -> str:
    """STAT(flag,filename): ``d e f`` are 1 or 0; ``s`` bytes, ``m`` mode in octal digits,
    ``A M C`` times of access, of change, of the inode's change. 0 if there is no such file.
    """
    arguments = split_arguments(data, 2)
    path = check_path(argument(arguments, 1))
    try:
        found = await asyncio.to_thread(path.stat)
    except OSError:
        return "0"
    return {
        "d": str(int(stat.S_ISDIR(found.st_mode))),
        "e": "1",
        "f": str(int(stat.S_ISREG(found.st_mode))),
        "s": str(found.st_size),
        "m": f"{found.st_mode:o}",
        "A": str(int(found.st_atime)),
        "M": str(int(found.st_mtime)),
        "C": str(int(found.st_ctime)),
    }.get(argument(arguments, 0).strip()[:1], "0")


@function("BASENAME")
def base_name(scope: Scope, data: str) -> str:
    """BASENAME(filename): its last part."""
    return PurePosixPath(data).name or ("/" if data.startswith("/") else "." if data else "")


@function("DIRNAME")
def directory_name(scope: Scope, data: str) -> str:
    """DIRNAME(filename): the folder it is in."""
    return str(PurePosixPath(data).parent) if data else ""
