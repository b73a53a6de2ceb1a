"""Reads AEL character by character: blanks and comments, words, and text up to a delimiter.

What a character means depends on where it stands (``:`` ends a label but not an argument), so
there is no list of tokens: the parser asks for what may come next.
"""

from __future__ import annotations

import glob
import os
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from server.config.ini import MAX_FILE_SIZE
from server.dialplan.ael.nodes import AelError, Position

MAX_INCLUDE_DEPTH = 50  # as in Asterisk
MAX_FILES = 1_000
MAX_TEXT = 8_000  # characters of one expression or argument list; extensions.conf's lines have 8190

_BLANK = re.compile(r"[\s\x00-\x1f]*(?://[^\n]*[\s\x00-\x1f]*)*")
_INCLUDE = re.compile(r"#include[ \t]*(?:\"([^\"\n]*)\"|<([^>\n]*)>|([^\s;{}]+))")
_WORD_ENDS = frozenset(" \t\r\n\f\v(){};:,=|&@")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PAIRS.values())
_JOINED = re.compile(r"(?<=[,&(|:?])[ \t]*\r?\n\s*")
_FOLDED = re.compile(r"\s*[\r\n]\s*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True)
class _Source:
    path: str
    text: str
    index: int
    lines: list[int]  # where each line begins


class Scanner:
    """A position in an AEL text and those it includes.

    :param directory: what names of included files are relative to.
    """

    def __init__(self, text: str, path: str, directory: str) -> None:
        self.files: list[str] = [path]
        self._directory = directory
        self._stack: list[_Source] = []
        self._push(text, path)

    @property
    def at(self) -> Position:
        """Where the next character stands, blanks skipped."""
        self.peek()
        return self._position(self._source.index)

    def error(self, reason: str, at: Position | None = None) -> AelError:
        """Return an error for the present position."""
        return AelError(at or self.at, reason)

    def peek(self) -> str:
        """Return the next character that is neither blank nor comment; empty at the end."""
        while True:
            source = self._source
            self._skip_blanks(source)
            if source.index < len(source.text):
                if source.text.startswith("#include", source.index):
                    self._include(source)
                    continue
                return source.text[source.index]
            if len(self._stack) == 1:
                return ""
            self._stack.pop()

    def accept(self, text: str) -> bool:
        """Step over *text* if it comes next."""
        self.peek()
        source = self._source
        if not source.text.startswith(text, source.index):
            return False
        source.index += len(text)
        return True

    def expect(self, text: str, after: str) -> None:
        """Step over *text*.

        :raises AelError: something else comes next.
        """
        if not self.accept(text):
            raise self.error(f"expected {text!r} after {after}, not {self._shown()}")

    def word(self, what: str) -> str:
        """Read a name, a pattern or a number.

        :raises AelError: none comes next.
        """
        at = self.at
        source = self._source
        begin = source.index
        while source.index < len(source.text) and self._is_word(source):
            self._step(source)
        if source.index == begin:
            raise self.error(f"expected {what}, not {self._shown()}")
        return self._checked(source.text[begin : source.index], at)

    def peek_word(self) -> str:
        """Return the word that comes next without stepping over it; empty if there is none."""
        self.peek()
        source = self._source
        end = source.index
        while end < len(source.text) and source.text[end] not in _WORD_ENDS:
            end += 1
        return source.text[source.index : end]

    def text(self, ends: str, what: str) -> str:
        r"""Read up to one of the characters *ends* outside of brackets, which is left there.

        ``\`` takes the next character as it is. Line breaks become blanks.

        :raises AelError: the file ends first, or brackets don't match.
        """
        at = self.at
        source = self._source
        begin = source.index
        open_brackets: list[tuple[str, int]] = []
        while True:
            if source.index >= len(source.text):
                raise self._unclosed(open_brackets, ends, what, at)
            letter = source.text[source.index]
            if letter == "\\":
                source.index += 1
            elif not open_brackets and letter in ends:
                return self._folded(source.text[begin : source.index], at)
            elif letter in _PAIRS:
                open_brackets.append((_PAIRS[letter], source.index))
            elif letter in _CLOSING:
                if not open_brackets or open_brackets[-1][0] != letter:
                    raise self.error(f"unexpected {letter!r} in {what}")
                open_brackets.pop()
            source.index += 1

    # private

    @property
    def _source(self) -> _Source:
        return self._stack[-1]

    def _push(self, text: str, path: str) -> None:
        text = text.removeprefix("\ufeff")
        lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._stack.append(_Source(path, text, 0, lines))

    def _position(self, index: int) -> Position:
        source = self._source
        line = bisect_right(source.lines, index)
        return Position(source.path, line, index - source.lines[line - 1] + 1)

    def _skip_blanks(self, source: _Source) -> None:
        while True:
            match = _BLANK.match(source.text, source.index)
            assert match is not None
            source.index = match.end()
            if not source.text.startswith("/*", source.index):
                return
            end = source.text.find("*/", source.index + 2)
            if end < 0:
                raise AelError(self._position(source.index), "comment is never closed")
            source.index = end + 2

    def _is_word(self, source: _Source) -> bool:
        return source.text[source.index] not in _WORD_ENDS

    def _step(self, source: _Source) -> None:
        """Step over one character of a word, or a whole ``${...}``, ``$[...]`` or ``[...]``."""
        text, index = source.text, source.index
        if text[index] == "\\" and not text[index + 1 : index + 2].isspace():
            source.index = min(len(text), index + 2)
        elif text[index] == "[" or (
            text[index] == "$" and text[index + 1 : index + 2] in _BRACKETS
        ):
            source.index = _bracket_end(text, index + (text[index] == "$"))
        else:
            source.index += 1

    def _unclosed(
        self, open_brackets: list[tuple[str, int]], ends: str, what: str, at: Position
    ) -> AelError:
        if open_brackets:
            closing, index = open_brackets[-1]
            return AelError(self._position(index), f"a bracket in {what} has no {closing!r}")
        return AelError(at, f"{what} has no {' or '.join(map(repr, ends))} after it")

    def _folded(self, text: str, at: Position) -> str:
        return self._checked(_FOLDED.sub(" ", _JOINED.sub("", text)).strip(), at)

    def _checked(self, text: str, at: Position) -> str:
        if len(text) > MAX_TEXT:
            raise AelError(at, f"longer than {MAX_TEXT} characters")
        if _CONTROL.search(text):
            raise AelError(at, f"control character in {text[:40]!r}")
        return text

    def _shown(self) -> str:
        source = self._source
        rest = source.text[source.index : source.index + 20]
        return repr(rest.split("\n", 1)[0]) if rest else "the end of the file"

    # #include

    def _include(self, source: _Source) -> None:
        at = self._position(source.index)
        match = _INCLUDE.match(source.text, source.index)
        if match is None:
            raise AelError(at, "#include needs a file name")
        source.index = match.end()
        if source.text.startswith(";", source.index):
            source.index += 1
        name = match[1] or match[2] or match[3] or ""
        found = self._find(name)
        if not found:
            raise AelError(at, f"included file {name!r} does not exist")
        if len(self._stack) >= MAX_INCLUDE_DEPTH:
            raise AelError(at, f"includes nested deeper than {MAX_INCLUDE_DEPTH}")
        for path in reversed(found):
            if os.path.realpath(path) in {os.path.realpath(each.path) for each in self._stack}:
                raise AelError(at, f"{path} includes itself")
            self._open(path, at)

    def _find(self, name: str) -> list[str]:
        if "\0" in name:
            return []
        pattern = str(Path(self._directory) / name)
        if not glob.has_magic(pattern):
            return [pattern] if Path(pattern).is_file() else []
        return [path for path in sorted(glob.glob(pattern)) if Path(path).is_file()]  # noqa: PTH207

    def _open(self, path: str, at: Position) -> None:
        if len(self.files) >= MAX_FILES:
            raise AelError(at, f"more than {MAX_FILES} files")
        self.files.append(path)
        self._push(read_source(path, at), path)


def read_source(path: str, at: Position | None = None) -> str:
    """Read a file.

    :param at: where it is included.
    :raises AelError: it can't be read.
    """
    at = at or Position(path, 1, 1)
    try:
        if Path(path).stat().st_size > MAX_FILE_SIZE:
            raise AelError(at, f"{path} is larger than {MAX_FILE_SIZE} bytes")
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise AelError(at, f"{path} can't be read: {error.strerror}") from None


_BRACKETS = ("{", "[")


def _bracket_end(text: str, index: int) -> int:
    """Return the index after the bracket that closes the one at *index*, on the same line.

    A bracket that is not closed stands for itself.
    """
    opening, closing = text[index], _PAIRS[text[index]]
    depth = 0
    for end in range(index, min(len(text), index + MAX_TEXT)):
        letter = text[end]
        if letter == "\n":
            break
        depth += (letter == opening) - (letter == closing)
        if depth == 0:
            return end + 1
    return index + 1
